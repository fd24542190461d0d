"""
The receiving half of a connection under TLS, while a large body comes.

Twisted reads 64 KiB off the socket, and hands on each record of 16 KiB by itself:
to whoever stores a body each costs as much as 1 MiB does, a call of a thread above
all.  So a large body is read in large pieces, and what was encrypted in one comes
in one.

It is decrypted by Twisted as ever, a little at a time: OpenSSL keeps room for the
most that it was given at once, for as long as there is a connection.
"""

from __future__ import annotations

from typing import Any

_READ = 64 * 1024
"""Bytes that Twisted reads, and gives to OpenSSL, at once."""


class SecureInlet:
    """
    The receiving half of one connection.
    """

    def __init__(self, transport: Any, stretch: int = _READ) -> None:
        """
        :param transport: as :class:`hmacfs.web.secure_outlet.SecureOutlet` has it.
        :param stretch: bytes that OpenSSL is given at once, at most.
        """
        self._transport = transport
        self._stretch = min(stretch, _READ)
        self._gathered: list[bytes] | None = None

    def read_in(self, size: int) -> None:
        """
        Read the socket in pieces of *size* bytes; of those that Twisted reads, each
        is handed on by itself, and may be smaller.
        """
        transport = self._transport
        if size > _READ:
            transport.transport.bufferSize = size
            # What the socket calls in place of the transport's own method.
            transport.dataReceived = self._received
        else:
            transport.transport.bufferSize = min(size, self._stretch)
            vars(transport).pop("dataReceived", None)

    def gathers(self, data: bytes) -> bool:
        """
        Asked by the protocol of all that it is given.

        :return: whether *data* is handed on once more, with what comes behind it.
        """
        if self._gathered is None:
            return False
        self._gathered.append(data)
        return True

    def _received(self, data: bytes) -> None:
        transport, left = self._transport, memoryview(data)
        gathered: list[bytes] = []
        self._gathered = gathered
        try:
            while left:
                type(transport).dataReceived(transport, left[: self._stretch])
                left = left[self._stretch :]
        finally:
            self._gathered = None
        if gathered:
            transport.wrappedProtocol.dataReceived(b"".join(gathered))
