"""
Tests for ``hmacfs put`` and ``hmacfs get`` against a real daemon, over a line
that breaks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import termios
import time
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import mkdtemp
from urllib.parse import unquote

import jwt
from twisted.trial.unittest import SynchronousTestCase

from tests.certificates import make_certificate
from tests.commands import Ran, run, write_settings
from tests.process import HMACFS, PATIENCE, ROOT, SECRET, Child, Daemon, free_port
from tests.relay import Break, Relay

SIZE = 3_000_000
#: More than the heads of all requests of a test have.
HEADS = 6_000


class ResumingTestCase(SynchronousTestCase):
    """
    What the tests below share.
    """

    def setUp(self) -> None:
        """Start a daemon, and have a file for it."""
        # A socket's path has 107 bytes at most, and trial's folders are deep.
        self.folder = Path(mkdtemp(prefix="hmacfs-"))
        self.addCleanup(rmtree, self.folder)
        self.port = free_port()
        self.tls = f"ssl:{free_port()}:privateKey={make_certificate(self.folder)}"
        self.unix = f"unix:{self.folder}/hmacfs.sock"
        self.daemon = Daemon(
            self.folder, ListenPort=[f"127.0.0.1:{self.port}", self.unix, self.tls]
        )
        self.addCleanup(self.daemon.end)
        self.body = Random(3).randbytes(SIZE)
        self.file = self.folder / "photo.jpg"
        self.file.write_bytes(self.body)

    def relay(self, *breaks: Break) -> Relay:
        """
        :return: a line to the daemon.
        """
        relay = Relay(self.port, *breaks)
        self.addCleanup(relay.stop)
        return relay

    def settings(self, listen: str, **settings: object) -> str:
        """
        :return: the path of a configuration whose daemon is there.
        """
        return write_settings(self.mktemp(), ListenPort=listen, **settings)

    def interrupt(self, relay: Relay, *arguments: str) -> str:
        """
        Start a command, and end it as the terminal does once *relay* holds.

        :return: what it said.
        """
        child = Child([*HMACFS, *arguments], self.folder, {"PYTHONPATH": str(ROOT)})
        self.addCleanup(child.end)
        self.assertTrue(relay.held.wait(PATIENCE), child.output)
        child.signal(signal.SIGINT)
        self.assertEqual(child.wait(), 128 + signal.SIGINT)
        return child.output


class PutTests(ResumingTestCase):
    """
    ``hmacfs put`` never starts over.
    """

    def put(self, relay: Relay, *arguments: str) -> Ran:
        """
        Upload the file over *relay*.
        """
        return run("put", "-c", self.settings(f"127.0.0.1:{relay.port}"), *arguments)

    def assertStored(self, ran: Ran, name: str, body: bytes | None = None) -> None:
        """
        Check that the file is there, and that its URL was said.
        """
        said = unquote(ran.out).rpartition("/uploads/")[2]
        self.assertEqual((ran.status, said), (0, f"{name}\n"), ran)
        self.assertEqual((self.daemon.store / name).read_bytes(), body or self.body)

    def test_broken(self) -> None:
        """
        An upload that breaks twice arrives, and no byte goes over the line twice.
        """
        relay = self.relay(Break(up=1_000_000), Break(up=800_000))
        ran = self.put(relay, str(self.file), "--name", "a b/photo.jpg")
        self.assertStored(ran, "a b/photo.jpg")
        self.assertEqual(ran.err.count("Trying again"), 2)
        self.assertLess(relay.sent, SIZE + HEADS)

    def test_interrupted(self) -> None:
        """
        The same command goes on where it was interrupted.
        """
        relay = self.relay(Break(up=1_000_000), Break(up=0, holds=True))
        config = self.settings(f"127.0.0.1:{relay.port}")
        said = self.interrupt(relay, "put", "-c", config, str(self.file))
        self.assertIn("The same command goes on", said)
        self.assertStored(run("put", "-c", config, str(self.file)), "photo.jpg")
        self.assertLess(relay.sent, SIZE + HEADS)

    def test_slot(self) -> None:
        """
        So it is with a slot that somebody else signed, and without any settings.
        """
        relay = self.relay(Break(up=1_000_000))
        base = f"http://127.0.0.1:{relay.port}"
        slot = run("sign", "-c", str(self.daemon.config), "s.jpg", str(SIZE), "--url", base)
        ran = run("put", "-c", "/nonexistent", str(self.file), "--url", slot.out.strip())
        self.assertEqual(ran.out, f"{base}/uploads/s.jpg\n")
        self.assertStored(ran, "s.jpg")
        self.assertLess(relay.sent, SIZE + HEADS)

    def test_schemes(self) -> None:
        """
        Whatever signs the slot, the upload goes on.
        """
        for scheme in ("v2", "token", "v3"):
            relay = self.relay(Break(up=1_000_000))
            ran = self.put(relay, str(self.file), "--name", f"{scheme}.jpg", "--scheme", scheme)
            self.assertStored(ran, f"{scheme}.jpg")
            self.assertLess(relay.sent, SIZE + HEADS)

    def test_token(self) -> None:
        """
        So it does with a token, of Prosody's mod_http_file_share say.
        """
        claims = {"slot": "a", "filename": "t.jpg", "filesize": SIZE, "filetype": "image/x"}
        claims["exp"] = int(time.time()) + 60
        token = self.folder / "token"
        token.write_text(jwt.encode(claims, SECRET, "HS256"))
        relay = self.relay(Break(up=1_000_000))
        url = f"http://127.0.0.1:{relay.port}/uploads/a/t.jpg"
        ran = run("put", str(self.file), "--url", url, "--bearer-file", str(token))
        self.assertStored(ran, "a/t.jpg")
        self.assertLess(relay.sent, SIZE + HEADS)

    def test_other_file(self) -> None:
        """
        What another file of this size left there is not mixed with this one.
        """
        relay = self.relay(Break(up=1_000_000), Break(up=0, holds=True))
        config = self.settings(f"127.0.0.1:{relay.port}")
        self.interrupt(relay, "put", "-c", config, str(self.file))
        other = Random(4).randbytes(SIZE)
        self.file.write_bytes(other)
        self.assertStored(run("put", "-c", config, str(self.file)), "photo.jpg", other)

    def test_again(self) -> None:
        """
        A file that is there may be uploaded again, and another one may not.
        """
        config = self.settings(f"127.0.0.1:{self.port}")
        self.assertStored(run("put", "-c", config, str(self.file)), "photo.jpg")
        self.assertStored(run("put", "-c", config, str(self.file)), "photo.jpg")
        self.file.write_bytes(self.body[::-1])
        ran = run("put", "-c", config, str(self.file))
        self.assertEqual((ran.status, ran.out), (1, ""))
        self.assertIn("Choose another name", ran.err)

    def test_ways(self) -> None:
        """
        It finds the daemon on a UNIX socket and behind TLS.
        """
        for number, listen in enumerate([self.unix, self.tls]):
            config = self.settings(listen, PublicURL="https://files.example.org")
            ran = run("put", "-c", config, str(self.file), "--name", f"{number}.jpg")
            self.assertEqual(ran.out, f"https://files.example.org/uploads/{number}.jpg\n")
            self.assertStored(ran, f"{number}.jpg")

    def test_refused(self) -> None:
        """
        A refusal is a sentence, and ends it at once.
        """
        config = self.settings(f"127.0.0.1:{self.port}", Secret=SECRET[::-1])
        ran = run("put", "-c", config, str(self.file))
        self.assertEqual((ran.status, ran.out, ran.err.count("Trying")), (1, "", 0))
        self.assertIn("another secret", ran.err)

    def test_bar(self) -> None:
        """
        Who looks at a terminal sees a bar there, and the URL alone on standard output.
        """
        config = self.settings(f"127.0.0.1:{self.port}")
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (25, 80))
        with open(ours, "rb", buffering=0) as terminal, open(theirs, "wb", buffering=0) as stderr:
            ran = subprocess.run(
                [*HMACFS, "put", "-c", config, str(self.file)],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                timeout=PATIENCE,
                check=True,
            )
            said = terminal.read(65536).decode()
        self.assertEqual(ran.stdout, f"http://127.0.0.1:{self.port}/uploads/photo.jpg\n".encode())
        self.assertIn("uploading photo.jpg:", said)


class GetTests(ResumingTestCase):
    """
    ``hmacfs get`` never starts over.
    """

    def setUp(self) -> None:
        """Work in an empty folder, and go back."""
        super().setUp()
        (self.daemon.store / "photo.jpg").write_bytes(self.body)
        self.here = self.folder / "here"
        self.here.mkdir()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.here)

    def url(self, relay: Relay) -> str:
        """
        :return: where the file is, over *relay*.
        """
        return f"http://127.0.0.1:{relay.port}/uploads/photo.jpg"

    def assertFetched(self, ran: Ran, name: str = "photo.jpg") -> None:
        """
        Check that the file is here, and nothing else.
        """
        self.assertEqual((ran.status, ran.out), (0, ""), ran)
        self.assertEqual(os.listdir(), [name])
        self.assertEqual(Path(name).read_bytes(), self.body)

    def test_broken(self) -> None:
        """
        A download that breaks twice arrives.
        """
        relay = self.relay(Break(down=1_000_000), Break(down=800_000))
        ran = run("get", self.url(relay))
        self.assertFetched(ran)
        self.assertEqual(ran.err.count("Trying again"), 2)

    def test_interrupted(self) -> None:
        """
        The same command goes on where it was interrupted.
        """
        relay = self.relay(Break(down=1_000_000), Break(down=0, holds=True), Break(down=2_100_000))
        said = self.interrupt(relay, "get", self.url(relay), "-o", str(self.here / "mine.jpg"))
        self.assertIn("The same command goes on", said)
        ran = run("get", self.url(relay), "-o", "mine.jpg")
        self.assertFetched(ran, "mine.jpg")
        # All the rest came over one connection, which has no room for the whole.
        self.assertNotIn("Trying again", ran.err)

    def test_replaced(self) -> None:
        """
        A file that was replaced meanwhile is fetched as it is by then.
        """
        relay = self.relay(Break(down=1_000_000), Break(down=0, holds=True))
        self.interrupt(relay, "get", self.url(relay), "-o", str(self.here / "photo.jpg"))
        self.assertEqual(sorted(os.listdir()), ["photo.jpg.part", "photo.jpg.part.etag"])
        self.body = Random(4).randbytes(SIZE)
        fresh = self.daemon.store / "fresh"
        fresh.write_bytes(self.body)
        fresh.rename(self.daemon.store / "photo.jpg")
        self.assertFetched(run("get", self.url(relay)))

    def test_standard_output(self) -> None:
        """
        It goes to standard output as a whole, too.
        """
        relay = self.relay(Break(down=1_000_000))
        ran = subprocess.run(
            [*HMACFS, "get", self.url(relay), "-o", "-"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
        self.assertEqual(ran.stdout, self.body)
        self.assertIn(b"Trying again", ran.stderr)

    def test_missing(self) -> None:
        """
        A file that is not there leaves nothing behind.
        """
        ran = run("get", f"http://127.0.0.1:{self.port}/uploads/missing.jpg")
        self.assertEqual((ran.status, ran.out, os.listdir()), (1, "", []))
        self.assertIn("answered 404", ran.err)
