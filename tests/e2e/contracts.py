"""
What holds of the slots of every XMPP server, whatever way leads to hmacfs.

A test case brings the server (``issuers.py``) and the way; the rules are here.
slixmpp uploads, and aiohttp, which is its way to HTTP, downloads; curl does
the same over the version of HTTP that it is told, and what an honest client
would not.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import attrs

from tests.e2e.curl import Answer, Curl, field_options
from tests.e2e.files import MEBIBYTE, NAMES, SIZES, File
from tests.e2e.servers import PASSWORD, Ejabberd, Prosody
from tests.process import PATIENCE, Daemon, run_hmacfs


@attrs.frozen
class Slot:
    """
    What the XMPP server granted (XEP-0363).

    :ivar put: where to upload to.
    :ivar get: where to download from.
    :ivar headers: what the upload must carry.
    """

    put: str
    get: str
    headers: dict[str, str]


class SlotContract:
    """What every XMPP server's slots allow, and what they do not."""

    # The status for another size than the slot's, and for a wrong signature.
    WRONG_SIZE: ClassVar = 403
    FORGED: ClassVar = 403
    # Whether the server grants a slot for an empty file.
    EMPTY: ClassVar = True
    # How curl speaks, and what it must hear.
    HTTP: ClassVar = ("--http1.1", "1.1")

    daemon: Daemon
    server: Prosody | Ejabberd
    curl: Curl

    def setUp(self) -> None:
        # Not self.mktemp(): the path of a UNIX socket has 107 bytes at most,
        # and these files are large.
        self.folder = Path(tempfile.mkdtemp(prefix="hmacfs-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.certificate: Path | None = None
        self.start_daemon()
        self.addCleanup(self.daemon.end)
        self.server = self.start_server(self.folder / "xmpp")
        self.addCleanup(self.server.end)
        self.curl = Curl(self.folder, self.HTTP[0], self.certificate)

    def start_daemon(self) -> None:
        """Start hmacfs, and whatever stands in front of it."""
        self.daemon = Daemon(self.folder)

    def start_server(self, folder: Path) -> Prosody | Ejabberd:
        """Start the XMPP server, told where hmacfs is."""
        raise NotImplementedError

    def signed_name(self, name: str) -> str:
        """
        :return: what the XMPP server makes of *name*.
        """
        return name

    def snippet(self, server: str, *options: str) -> str:
        """
        :return: what hmacfs tells the operator of *server* to write.
        """
        return run_hmacfs(
            "setup", server, self.daemon.url, *options, "--config", str(self.daemon.config)
        )

    def ask(self, files: Sequence[File], upload: bool) -> list[dict[str, Any]]:
        """
        Let slixmpp log in and ask for a slot for each of *files*.

        :param upload: whether it uploads and downloads them as well.
        :return: what ``slots.py`` says of each.
        """
        job = {
            "host": "127.0.0.1",
            "port": self.server.port,
            "jid": self.server.jid,
            "password": PASSWORD,
            "files": [
                {"name": file.name, "size": file.size, "type": file.content_type}
                | ({"path": self.write(file.content, file.name)} if upload else {})
                for file in files
            ],
        }
        trust = {"SSL_CERT_FILE": str(self.certificate)} if self.certificate else {}
        told = subprocess.run(
            [sys.executable, Path(__file__).with_name("slots.py")],
            input=json.dumps(job),
            env=os.environ | trust,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertEqual(told.returncode, 0, told.stderr + self.server.output)
        answers: list[dict[str, Any]] = json.loads(told.stdout)
        return answers

    def slot(self, file: File) -> Slot:
        """Get one slot, and upload nothing."""
        [answer] = self.ask([file], upload=False)
        return Slot(**answer)

    def write(self, content: bytes, name: str = "content") -> str:
        """
        Keep *content* in a file.

        :return: its path.
        """
        path = self.folder / "files" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return str(path)

    def put(self, slot: Slot, content: bytes, content_type: str, **fields: str) -> Answer:
        """Upload *content* to *slot* by curl."""
        headers = {"Content-Type": content_type, **slot.headers, **fields}
        return self.curl.put(slot.put, self.write(content), headers)

    def stored(self, slot: Slot) -> Path:
        """Where the store keeps the file of *slot*."""
        prefix, path = urlsplit(self.daemon.url).path, urlsplit(slot.get).path
        assert path.startswith(prefix), slot
        return self.daemon.store / unquote(path.removeprefix(prefix))

    def check_slixmpp(self, files: Sequence[File]) -> None:
        """
        Upload *files* by slixmpp and download them again; look at the store.
        """
        answers = self.ask(files, upload=True)
        downloads = [answer.pop("download", answer) for answer in answers]
        self.assertEqual(downloads, [whole(file) for file in files])
        stored = [self.stored(Slot(**answer)) for answer in answers]
        self.assertEqual(
            [(path.name, sha256(path.read_bytes()).hexdigest()) for path in stored],
            [(self.signed_name(file.name), file.sha256) for file in files],
        )

    def check_curl(self, files: Sequence[File]) -> list[Slot]:
        """
        Upload *files* by curl and download them again.

        :return: their slots.
        """
        slots = [Slot(**answer) for answer in self.ask(files, upload=False)]
        puts = [
            self.put(slot, file.content, file.content_type)
            for slot, file in zip(slots, files, strict=True)
        ]
        gets = [self.curl(slot.get) for slot in slots]
        self.assertEqual([put.status for put in puts], [201] * len(files))
        self.assertEqual(
            [
                {"status": get.status, "type": get.headers["content-type"], "sha256": get.sha256}
                for get in gets
            ],
            [whole(file) for file in files],
        )
        self.assertEqual({answer.version for answer in puts + gets}, {self.HTTP[1]})
        return slots

    def test_sizes(self) -> None:
        """
        Files from one byte to 50 MiB come back as they were sent, with their types.
        """
        self.check_slixmpp(SIZES)
        self.check_curl(SIZES)

    def test_empty(self) -> None:
        """
        An empty file is stored and served, where the XMPP server grants it a slot.
        """
        empty = File("empty.txt", 0, "text/plain")
        if self.EMPTY:
            self.check_slixmpp([empty])
            self.check_curl([empty])
        else:
            self.assertEqual(self.ask([empty], upload=False), [{"error": "bad-request"}])

    def test_names(self) -> None:
        """
        Blanks, other scripts and signs of every kind in a name do no harm.
        """
        self.check_slixmpp(NAMES)
        self.check_curl(NAMES)

    def test_unsafe(self) -> None:
        """
        What can be no name of a file is refused, though the XMPP server signs it.
        """
        files = [File(".."), File("n" * 400)]
        for file, answer in zip(files, self.ask(files, upload=False), strict=True):
            slot = Slot(**answer)
            fields = {"Content-Type": file.content_type, **slot.headers}
            # curl -T would tidy the URL up before it looks at the file.
            body = ["-X", "PUT", "--data-binary", f"@{self.write(file.content)}"]
            heard = self.curl(*field_options(fields), *body, slot.put)
            self.assertEqual(
                (heard.status, "(malformed-name)" in heard.body.read_text()), (400, True)
            )

    def test_again(self) -> None:
        """
        A client that missed the answer may send the same bytes again, and no others.
        """
        file = File("again.txt")
        slot = self.slot(file)
        bodies = [file.content, file.content, file.content[::-1]]
        answers = [self.put(slot, body, file.content_type).status for body in bodies]
        self.assertEqual(answers, [201, 201, 409])
        self.assertEqual(self.curl(slot.get).sha256, file.sha256)

    def test_size(self) -> None:
        """
        A slot takes the size that was asked for, no byte less and no byte more.
        """
        file = File("size.txt")
        slot = self.slot(file)
        bodies = [file.content[:-1], file.content + b"x"]
        answers = [self.put(slot, body, file.content_type).status for body in bodies]
        self.assertEqual(answers, [self.WRONG_SIZE] * 2)
        self.assertEqual(self.curl(slot.get).status, 404)
        self.assertEqual(self.put(slot, file.content, file.content_type).status, 201)

    def test_forged(self) -> None:
        """
        Who changes the signature hears why, before 50 MiB are sent or while they are.
        """
        file = SIZES[-1]
        slot = self.slot(file)
        forged = Slot(
            slot.put if slot.headers else other_end(slot.put),
            slot.get,
            {name: other_end(value) for name, value in slot.headers.items()},
        )
        answers = [
            self.put(forged, file.content, file.content_type, Expect=expect).status
            for expect in ["100-continue", ""]
        ]
        self.assertEqual(answers, [self.FORGED] * 2)
        self.assertEqual(self.curl(slot.get).status, 404)

    def test_range(self) -> None:
        """
        A part of a file is served as a part, a download that broke goes on.
        """
        file = SIZES[1]
        [slot] = self.check_curl([file])
        part = self.curl("--range", "1000-1999", slot.get)
        self.assertEqual(
            (part.status, part.headers["content-range"], part.body.read_bytes()),
            (206, f"bytes 1000-1999/{MEBIBYTE}", file.content[1000:2000]),
        )
        broken = file.content[:70_000]
        rest = self.curl("--continue-at", str(len(broken)), slot.get)
        self.assertEqual(
            (rest.status, sha256(broken + rest.body.read_bytes()).hexdigest()),
            (206, file.sha256),
        )


def whole(file: File) -> dict[str, Any]:
    """
    :return: what a download of *file* is to say.
    """
    return {"status": 200, "type": file.content_type, "sha256": file.sha256}


def other_end(text: str) -> str:
    """
    :return: *text* with another digit a little before its end.  (The last one
        of a base64 text may hold bits that do not count.)
    """
    return text[:-9] + ("1" if text[-9] == "0" else "0") + text[-8:]
