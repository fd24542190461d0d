"""
What the tests of kept files ask of a real daemon, and what they hear.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import quote

import attrs
import jwt

from hmacfs.signing import Claim, sign
from tests.calling import Caller, ProcessCase, signed
from tests.commands import Ran, run
from tests.process import SECRET, Daemon


@attrs.frozen
class Heard:
    """
    :ivar status: of the answer.
    :ivar fields: those that a file is told by: its entity tag, its type, its
        age and its end; ``None`` each that is missing.
    """

    status: int
    fields: tuple[str | None, ...]
    body: bytes


def ask(
    place: str,
    method: str,
    target: str,
    body: bytes = b"",
    fields: Mapping[str, str] | None = None,
) -> Heard:
    """
    :param place: ``host:port``.
    :return: the answer, on a connection of its own.
    """
    caller = Caller(place)
    try:
        caller.request(method, target, body, dict(fields or {}))
        answer = caller.getresponse()
        told = ("ETag", "Content-Type", "Last-Modified", "Expires")
        return Heard(answer.status, tuple(map(answer.getheader, told)), answer.read())
    finally:
        caller.close()


def timed(method: str, name: str, operation: str = "") -> str:
    """
    :return: the target of a request signed by ``v3``.
    """
    path, expires = f"/uploads/{name}", int(time.time()) + 600
    claim = Claim(
        method=method.encode(),
        expires=expires,
        url_path=path.encode(),
        operation=operation.encode(),
    )
    mac = sign("v3", claim, SECRET.encode())
    return f"{quote(path)}?{f'{operation}&' if operation else ''}v3={mac}&expires={expires}"


def bearer(
    name: str, size: int, expires: int, content_type: str = "application/octet-stream"
) -> dict[str, str]:
    """
    :param expires: when the file ceases to be, as Prosody's
        mod_http_file_share says it.
    :return: the fields of an upload to a slot of that module.
    """
    slot, _, filename = name.partition("/")
    now = int(time.time())
    claims = {
        "slot": slot,
        "sub": "romeo@localhost",
        "filename": filename,
        "filesize": size,
        "filetype": content_type,
        "iat": now,
        "exp": now + 300,
        "expires": expires,
    }
    return {
        "Authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}",
        "Content-Type": content_type,
    }


class KeepingCase(ProcessCase):
    """
    One daemon and its store.
    """

    daemon: Daemon

    @property
    def place(self) -> str:
        """Where the daemon listens."""
        return self.daemon.url.split("/")[2]

    def put(self, name: str, content: bytes) -> int:
        """
        :return: the status.
        """
        return ask(self.place, "PUT", signed(name, len(content)), content).status

    def put_until(self, name: str, content: bytes, expires: int, kind: str) -> int:
        """
        Upload what is served until *expires* only.
        """
        fields = bearer(name, len(content), expires, kind)
        return ask(self.place, "PUT", f"/uploads/{name}", content, fields).status

    def get(self, name: str) -> Heard:
        """Download a file."""
        return ask(self.place, "GET", f"/uploads/{quote(name)}")

    def ask(self, method: str, name: str, operation: str = "") -> Heard:
        """Ask for something that ``v3`` signs."""
        return ask(self.place, method, timed(method, name, operation))

    def hmacfs(self, *arguments: str) -> Ran:
        """Run a command on the store."""
        return run(arguments[0], "--config", str(self.daemon.config), *arguments[1:])
