"""
Tests for :mod:`hmacfs.cli` against a real daemon, as a shell would call it.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from tests.certificates import make_certificate
from tests.commands import Ran, run, write_settings
from tests.process import Daemon, free_port


class DaemonTests(SynchronousTestCase):
    """
    ``hmacfs try`` ends well wherever the daemon listens.
    """

    def setUp(self) -> None:
        """Listen on TCP, on a UNIX socket, and on TLS."""
        # A socket's path has 107 bytes at most, and trial's folders are deep.
        self.folder = Path(mkdtemp(prefix="hmacfs-"))
        self.addCleanup(rmtree, self.folder)
        self.tcp = f"127.0.0.1:{free_port()}"
        self.unix = f"unix:{self.folder}/hmacfs.sock"
        self.port = free_port()
        self.tls = f"ssl:{self.port}:privateKey={make_certificate(self.folder)}"
        self.daemon = Daemon(self.folder, ListenPort=[self.tcp, self.unix, self.tls])
        self.addCleanup(self.daemon.end)

    def attempt(self, listen: str, *arguments: str, **settings: object) -> Ran:
        """
        :param listen: the way to the daemon.
        """
        path = write_settings(
            self.mktemp(), ListenPort=listen, StoreDir=str(self.daemon.store), **settings
        )
        return run("try", "-c", path, *arguments)

    def test_ways(self) -> None:
        """
        Every step is a line, and the last one says where the file is.
        """
        for listen in (self.tcp, self.unix, self.tls):
            ran = self.attempt(listen)
            *steps, last = ran.out.splitlines()
            kept = [Path(path) for path in last.rpartition(": ")[2].split()]
            self.assertEqual(
                (ran.status, ran.err, [step[:4] for step in steps]), (0, "", ["ok  "] * 10)
            )
            self.assertEqual([path.parent.name for path in kept], ["hmacfs-try"] * 2)
            same = [steps[number].rpartition(" ")[2] for number in (4, 9)]
            self.assertEqual(same, [sha256(path.read_bytes()).hexdigest() for path in kept])

    def test_resumed(self) -> None:
        """
        It says at which byte an upload was cut, and at which it went on.
        """
        steps = [line[4:] for line in self.attempt(self.tcp).out.splitlines()[5:8]]
        self.assertEqual(
            [re.sub(r" in [0-9.]+ s", "", step) for step in steps],
            [
                "cut an upload of 1048576 bytes at byte 524288",
                "asked what is kept: 524288 bytes",
                "went on at byte 524288: answered 201",
            ],
        )

    def test_not_resumable(self) -> None:
        """
        Where no upload may go on, none is cut, and that is said.
        """
        ran = self.attempt(self.tcp, ResumableUploadsEnabled=False)
        self.assertEqual((ran.status, ran.err), (0, ""))
        self.assertIn("ResumableUploadsEnabled is false", ran.out.splitlines()[5])

    def test_url(self) -> None:
        """
        It goes where it is told to go, in place of where the settings say.
        """
        ran = self.attempt("127.0.0.1:1", "--url", f"http://{self.tcp}/uploads/")
        self.assertEqual((ran.status, ran.err), (0, ""))

    def test_unknown_authority(self) -> None:
        """
        There a certificate counts as it does for a browser.
        """
        ran = self.attempt(self.tls, "--url", f"https://127.0.0.1:{self.port}")
        self.assertEqual((ran.status, ran.out.count("ok  ")), (1, 1))
        self.assertIn("certificate", ran.err)

    def test_other_secret(self) -> None:
        """
        A refusal that comes before the body is sent is heard.
        """
        ran = self.attempt(self.tcp, Secret="another secret, as long as the first one")
        self.assertEqual((ran.status, ran.out.count("ok  ")), (1, 2))
        self.assertIn("another secret", ran.err)

    def test_signed_downloads(self) -> None:
        """
        Where downloads are signed, it signs its own.
        """
        self.daemon.end()
        self.daemon = Daemon(self.folder, ListenPort=self.tcp, DownloadAuth="signed")
        self.addCleanup(self.daemon.end)
        ran = self.attempt(self.tcp, DownloadAuth="signed")
        self.assertEqual((ran.status, ran.err), (0, ""))
