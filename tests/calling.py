"""
Real daemons and the clients that call them, for the tests of processes.

The clients are those of the standard library, on blocking sockets: what they
do to the daemon is what any program would.
"""

from __future__ import annotations

import re
import shutil
import socket
import ssl
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from tempfile import mkdtemp
from threading import Event

import toml
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.names import StoredName
from hmacfs.signing import Claim, sign
from tests.process import PATIENCE, ROOT, SECRET, TWISTD, Child, Daemon


def signed(name: str, size: int) -> str:
    """
    :return: the target of a PUT of *size* bytes, signed by ``v``.
    """
    mac = sign("v", Claim(path=name.encode(), size=size), SECRET.encode())
    return f"/uploads/{StoredName(tuple(name.encode().split(b'/'))).url}?v={mac}"


class Caller(HTTPConnection):
    """
    A client on one connection.
    """

    def __init__(self, place: str, context: ssl.SSLContext | None = None) -> None:
        """
        :param place: ``host:port``, ``[host]:port`` or ``unix:/path``.
        :param context: for TLS.
        """
        super().__init__("localhost", timeout=PATIENCE)
        if place.startswith("unix:"):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(PATIENCE)
            self.sock.connect(place.removeprefix("unix:"))
        else:
            host, _, port = place.rpartition(":")
            self.sock = socket.create_connection((host.strip("[]"), int(port)), PATIENCE)
        if context is not None:
            self.sock = context.wrap_socket(self.sock, server_hostname="localhost")

    def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None
    ) -> HTTPResponse:
        """
        :return: the answer to a request without a body.
        """
        self.request(method, target, headers=dict(headers or {}))
        return self.getresponse()

    def begin(self, name: str, size: int) -> None:
        """
        Send the head of an upload; its body is for :meth:`send`.
        """
        self.putrequest("PUT", signed(name, size))
        self.putheader("Content-Length", str(size))
        self.endheaders()

    def upload(self, name: str, data: bytes) -> int:
        """
        :return: the status of the answer.
        """
        self.begin(name, len(data))
        self.send(data)
        return self.status()

    def status(self) -> int:
        """
        :return: the status of the answer to what was sent.
        """
        answer = self.getresponse()
        answer.read()
        return answer.status

    def download(self, name: str) -> bytes:
        """
        :return: the file.
        """
        return self.ask("GET", f"/uploads/{name}").read()


class ProcessCase(SynchronousTestCase):
    """
    Daemons with a folder of their own, ended when the test ends.

    :cvar common: keys of the configuration of all of them.
    """

    common: Mapping[str, object] = {}

    def setUp(self) -> None:
        # A path below the folder of the tests may be longer than a socket's may be.
        self.folder = Path(mkdtemp(prefix="hmacfs-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, **settings: object) -> Daemon:
        """
        :return: a daemon that is ready.
        """
        # A configuration that others can read would be warned of.
        (self.folder / "hmacfs.toml").touch(0o600)
        daemon = Daemon(self.folder, **{**self.common, **settings})
        self.addCleanup(daemon.end)
        return daemon

    def child(self, *arguments: str, **environment: str) -> Child:
        """
        :return: a ``twistd`` with *arguments*.
        """
        child = Child([*TWISTD, *arguments], self.folder, {"PYTHONPATH": str(ROOT), **environment})
        self.addCleanup(child.end)
        return child

    def write(self, **settings: object) -> str:
        """
        :return: the path of a configuration that differs from the defaults.
        """
        path = self.folder / "settings.toml"
        path.touch(0o600)
        table = {
            "Secret": SECRET,
            "StoreDir": str(self.folder / "store"),
            **self.common,
            **settings,
        }
        path.write_text(toml.dumps(table))
        return str(path)

    def call(self, daemon: Child, context: ssl.SSLContext | None = None) -> Caller:
        """
        :return: a connection to the first place where *daemon* listens.
        """
        return self.connect(places(daemon)[0], context)

    def connect(self, place: str, context: ssl.SSLContext | None = None) -> Caller:
        caller = Caller(place, context)
        self.addCleanup(caller.close)
        return caller


def places(daemon: Child) -> list[str]:
    """
    :return: where *daemon* says that it listens.
    """
    return re.findall(r"\blistening: ([^, ]+)", daemon.output)


def until(condition: Callable[[], object]) -> None:
    """
    Wait for what no line of the log tells.

    :param condition: called until it is true.
    """
    pause = Event()
    for _ in range(int(PATIENCE * 50)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not come about")
