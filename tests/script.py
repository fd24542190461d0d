"""
A server that plays a script, for clients that must bear what servers do.

Each request meets the next :class:`Scene`: so many bytes of its body are read,
something is answered or nothing, and the connection goes on or is cut.  What
was asked is kept, to be looked at afterwards.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from threading import Thread

import attrs

from hmacfs.cli.ways import Way


def answer(status: int, *fields: str, body: bytes = b"", length: int | None = None) -> bytes:
    """
    :param length: what it says of its body, where that is not the truth.
    :return: an answer as it is on the wire.
    """
    said = len(body) if length is None else length
    head = [f"HTTP/1.1 {status} Said", *fields, f"Content-Length: {said}", "", ""]
    return "\r\n".join(head).encode() + body


@attrs.frozen
class Scene:
    """
    :ivar says: the answer, or what is sent of it.
    :ivar reads: bytes of the body that are read, ``None`` for all.
    :ivar cuts: whether the connection ends with it.
    """

    says: bytes = b""
    reads: int | None = None
    cuts: bool = False


@attrs.frozen
class Asked:
    """
    :ivar fields: by their names in lower case.
    :ivar body: as much as was read of it.
    """

    method: str
    target: str
    fields: dict[str, str]
    body: bytes

    def get(self, *names: str) -> tuple[str, ...]:
        """
        :return: the values of these fields, ``""`` for those that are not there.
        """
        return tuple(self.fields.get(name.lower(), "") for name in names)


class Script:
    """
    A server on a port of loopback, in a thread of its own.

    :ivar asked: the requests so far.
    :ivar unplayed: the scenes that are still to come.
    """

    def __init__(self, *scenes: Scene) -> None:
        self.asked: list[Asked] = []
        self.unplayed = list(scenes)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.way = Way(f"http://127.0.0.1:{self.port}")
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        """End, and let go of the port."""
        # Closing alone would leave the thread in accept().
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        for connection in self._connections():
            with connection, connection.makefile("rb") as stream, suppress(OSError):
                while self._play(connection, stream):
                    pass

    def _connections(self) -> Iterator[socket.socket]:
        with suppress(OSError):
            while True:
                yield self._listening.accept()[0]

    def _play(self, connection: socket.socket, stream: BufferedReader) -> bool:
        """
        :return: whether the connection goes on.
        """
        line = stream.readline()
        if not line.endswith(b" HTTP/1.1\r\n"):
            # The end of the connection, or TLS.
            connection.sendall(answer(400) if line else b"")
            return False
        method, target, _ = line.decode().split()
        fields = {}
        while field := stream.readline().decode().strip():
            name, _, value = field.partition(":")
            fields[name.lower()] = value.strip()
        scene = self.unplayed.pop(0) if self.unplayed else Scene(answer(599), cuts=True)
        length = int(fields.get("content-length", 0))
        body = stream.read(length if scene.reads is None else scene.reads)
        self.asked.append(Asked(method, target, fields, body))
        connection.sendall(scene.says)
        return not scene.cuts
