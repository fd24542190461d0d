"""
The ways from a client to hmacfs, each with a bad line in it.

A test case brings its client; the way is mixed in.  On each way one relay,
next to the client, breaks connections, and a ledger reads along next to
hmacfs, where all is HTTP/1.1: on the direct way both are one.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any, ClassVar
from urllib.parse import quote

import attrs
import jwt

from hmacfs.signing import Claim, sign
from tests.certificates import make_certificate
from tests.e2e.curl import Curl
from tests.e2e.files import MEBIBYTE, File
from tests.e2e.ledger import Ledger
from tests.e2e.proxy import Nginx
from tests.e2e.relay import Cut, Relay
from tests.process import PATIENCE, SECRET, Child, Daemon, free_port, run_hmacfs

FILM = File("a film.mp4", 8 * MEBIBYTE, "video/mp4")
THIRD = FILM.size // 3  # bytes that pass before the line breaks


@attrs.frozen
class Course:
    """
    How an upload went.

    :ivar requests: the methods.
    :ivar answers: the statuses of the answers, but for interim ones, which are
        not for every way, and refusals: of a request that broke nginx may be
        told so, which its client does not hear.
    :ivar served: the status, the type and the digest of a GET afterwards.
    :ivar twice: bytes that were sent again though hmacfs had said it has them.
    """

    requests: Sequence[str]
    answers: Sequence[int]
    served: tuple[int, str, str]
    twice: int = 0


class Direct:
    """Straight to hmacfs, over TCP; its answers name the host that was asked for."""

    # How curl speaks, and what it must hear.
    HTTP: ClassVar = ("--http1.1", "1.1")

    authority: Path | None = None

    def setUp(self) -> None:
        # Not self.mktemp(): the path of a UNIX socket has 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="hmacfs-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.ledger = Ledger(FILM.size)
        self.start()
        self.curl = Curl(self.folder, self.HTTP[0], self.authority)

    def start(self) -> None:
        """Start hmacfs, and all that stands before it."""
        self.daemon = Daemon(self.folder)
        self.addCleanup(self.daemon.end)
        place = f"127.0.0.1:{free_port()}"
        self.url = f"http://{place}/uploads/"
        self.line = Relay(self.daemon.url.split("/")[2], place, self.read_along)
        self.addCleanup(self.line.end)

    def read_along(self) -> Any:
        """Let the ledger of this moment read along."""
        return self.ledger.line()

    @property
    def environment(self) -> Mapping[str, str]:
        """What the client's process knows: which authority to trust."""
        if self.authority is None:
            return os.environ
        names = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"]
        return {**os.environ, **dict.fromkeys(names, str(self.authority))}

    def slot(self, file: File, dialect: str = "v") -> str:
        """
        :return: the URL to upload *file* to.
        """
        path, kind = file.name.encode(), file.content_type.encode()
        claim = Claim(path=path, size=file.size, content_type=kind)
        return f"{self.url}{quote(path)}?{dialect}={sign(dialect, claim, SECRET.encode())}"

    def token(self, file: File) -> str:
        """
        :return: what opens a slot without a signature in the URL, as Prosody's
            mod_http_file_share gives it; the first folder of the name is the slot.
        """
        slot, _, name = file.name.partition("/")
        now = int(time.time())
        claims = {
            "slot": slot,
            "sub": "romeo@localhost",
            "filename": name,
            "filesize": file.size,
            "filetype": file.content_type,
            "iat": now,
            "exp": now + 300,
        }
        return f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"

    def write(self, file: File) -> str:
        """
        :return: the path of a file with the content of *file*.
        """
        path = self.folder / "files" / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        return str(path)

    def cut(self, **options: Any) -> None:
        """
        Break the line once, after :data:`THIRD` bytes.

        :param options: of the :class:`Cut`.
        """
        self.line.cut_sent(Cut(THIRD, **options))

    def start_client(self, program: Sequence[str], job: Mapping[str, Any]) -> Child:
        """
        Start a client in a process of its own.

        :param program: gets the path of a file with *job*, as JSON.
        """
        path = self.folder / "job.json"
        path.write_text(json.dumps(job))
        client = Child([*program, str(path)], self.folder, self.environment)
        self.addCleanup(client.end)
        return client

    def run_client(self, program: Sequence[str], job: Mapping[str, Any]) -> str:
        """
        Let a client do *job*.

        :return: what it says.
        """
        client = self.start_client(program, job)
        self.assertEqual(client.wait(), 0, f"{client.output}\n{self.daemon.output}")
        return client.output

    def run_killed(self, program: Sequence[str], job: Mapping[str, Any]) -> None:
        """
        Let a client do *job*, kill it on the way, and start it again.
        """
        arrived, killed = Event(), Event()

        def hold() -> None:
            # The line breaks no sooner than the client is dead, which would go
            # on by itself.
            arrived.set()
            killed.wait(PATIENCE)

        self.cut(meanwhile=hold)
        client = self.start_client(program, job)
        self.assertTrue(arrived.wait(PATIENCE), client.output)
        client.end()
        killed.set()
        self.run_client(program, job)

    def course(self, file: File) -> Course:
        """
        :return: how the upload of *file* went; what is asked from here on does
            not count.
        """
        ledger, self.ledger = self.ledger, Ledger(file.size)
        got = self.curl(f"{self.url}{quote(file.name)}")
        return Course(
            [request.split()[0] for request in ledger.requests],
            [answer for answer in ledger.answers if 200 <= answer < 400],
            (got.status, got.headers.get("content-type", ""), got.sha256),
            ledger.twice,
        )


class Proxied(Direct):
    """
    Through nginx, as ``hmacfs setup nginx`` wants it: the client's line is TLS,
    with HTTP/1.1 unless the client prefers HTTP/2.
    """

    def start(self) -> None:
        self.authority = make_certificate(self.folder)
        place = f"localhost:{free_port()}"
        self.url = f"https://{place}/uploads/"
        self.daemon = Daemon(self.folder, unix=True, PublicURL=f"https://{place}")
        self.addCleanup(self.daemon.end)

        behind = str(self.folder / "behind.sock")
        reading = Relay(str(self.daemon.socket_path), behind, self.read_along)
        self.addCleanup(reading.end)
        config = ["--config", str(self.daemon.config)]
        snippet = run_hmacfs("setup", "nginx", f"https://{place}", *config)
        snippet = snippet.replace(str(self.daemon.socket_path), behind)
        port = free_port()
        self.nginx = Nginx(self.folder / "nginx", port, self.authority, snippet)
        self.addCleanup(self.nginx.end)
        self.line = Relay(f"127.0.0.1:{port}", place)
        self.addCleanup(self.line.end)


def whole(file: File) -> tuple[int, str, str]:
    """
    :return: what a GET of *file* is to be answered.
    """
    return 200, file.content_type, file.sha256
