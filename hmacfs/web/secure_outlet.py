"""
The sending half of a connection under TLS, and which one a connection has.

Twisted copies each record of 16 KiB out of what is written, and takes it out of
OpenSSL by itself; half of a large download went into that.  Here a stretch that
fits a processor's cache is encrypted as it stands, and taken out as a whole.

It is driven as a plain one is.  The bytes of a file have to be read to be
encrypted: a stretch at a time, when the socket has room for it, so that a client
who reads slowly costs no more memory than that.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL.SSL import Error
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.tcp import Connection
from twisted.protocols.tls import BufferingTLSTransport

from hmacfs.web.outlet import Outlet, PlainOutlet, Turn

STRETCH = 96 * 1024
"""
Bytes that are encrypted at once.  More than Twisted's 64 KiB, so that the last
stretch of many pauses who writes them; less than the 128 KiB from which on malloc
asks the kernel for fresh pages each time, which made it slower by a third.
"""

_ROOM = 8192
"""Bytes that TLS may have to say beside a stretch."""

_SHARE = 6
"""
The part of a stretch that TLS adds to it, at most: a client may want records of 512
bytes (RFC 6066 section 4), and CBC adds up to 69 bytes to each.
"""


class SecureOutlet(Outlet):
    """
    Over TLS, once the handshake is done; before that, as Twisted has it.
    """

    def __init__(self, transport: Any, stretch: int = STRETCH) -> None:
        """
        :param stretch: as of :func:`outlet`.
        """
        super().__init__(transport)
        self._stretch = stretch
        self._below = PlainOutlet(transport.transport)
        _encrypt_whole(transport.getHandle())

    def hasten(self) -> None:
        """See :meth:`Outlet.hasten`."""
        self._below.hasten()

    def drive(self, turn: Turn) -> None:
        """See :meth:`PlainOutlet.drive`."""
        self._below.drive(turn)

    def rest(self) -> None:
        """See :meth:`PlainOutlet.rest`."""
        self._below.rest()

    def wake(self) -> None:
        """See :meth:`PlainOutlet.wake`."""
        self._below.wake()

    def release(self) -> None:
        """See :meth:`PlainOutlet.release`."""
        self._below.release()

    def send_span(self, file: int, offset: int, size: int) -> int:
        """See :meth:`PlainOutlet.send_span`; what does not fit is queued."""
        if self._transport._lostTLSConnection or self._transport._aborted:
            raise ConnectionLost
        if self._full:
            raise BlockingIOError
        sent = 0
        while sent < size and not self._full:
            data = os.pread(file, min(size - sent, self._stretch), offset + sent)
            if not data:
                break
            self.write(data)
            sent += len(data)
        return sent

    @property
    def _full(self) -> bool:
        """Whether something waits for the socket, or for OpenSSL."""
        return bool(self.queued or self._transport._appSendBuffer)

    def _pass(self, data: bytes, more: bool) -> None:
        transport = self._transport
        # What was written before comes before.
        transport._aggregator.flush()
        left = memoryview(data)
        while left and self._ready():
            # The odd one first, so that the last is a whole one.
            end = len(left) % self._stretch or self._stretch
            sealed, kept = self._seal(left[:end])
            left = left[end - kept :]
            if more and not left:
                self._below.queue(sealed)
            elif sealed:
                self._below.write(sealed)
            if kept:
                # Twisted waits, or ends the connection, where OpenSSL wants it.
                break
        if left:
            transport.write(bytes(left))

    def _ready(self) -> bool:
        transport = self._transport
        return bool(
            transport._handshakeDone
            and not transport._appSendBuffer
            and not transport._lostTLSConnection
            and not transport._aborted
            and not transport.disconnecting
        )

    def _seal(self, stretch: memoryview) -> tuple[bytes, int]:
        """
        :return: *stretch*, encrypted, but for so many bytes at its end.
        """
        tls = self._transport.getHandle()
        kept = stretch
        try:
            while kept:
                kept = kept[tls.send(kept) :]
        except Error:
            if len(kept) == len(stretch):
                return b"", len(kept)
        most = len(stretch) + len(stretch) // _SHARE + _ROOM
        sealed: bytes = tls.bio_read(most)
        return sealed, len(kept)


def _encrypt_whole(tls: Any) -> None:
    """
    Let *tls* encrypt all that it is given in one call.

    pyOpenSSL has each call end behind a record of 16 KiB, and can have it otherwise
    for contexts alone that no connection has yet; those calls took an eighth of a
    large download.  Where it hides what is used here in another place, it stays as
    it was.
    """
    with suppress(AttributeError):
        Binding.lib.SSL_clear_mode(tls._ssl, Binding.lib.SSL_MODE_ENABLE_PARTIAL_WRITE)


def outlet(transport: Any, stretch: int = STRETCH) -> Outlet:
    """
    :param transport: connected.
    :param stretch: bytes that are encrypted at once.  OpenSSL keeps room for as
        many, as long as the connection lasts.
    :return: its sending half.
    """
    if ISSLTransport.providedBy(transport):
        if isinstance(transport, BufferingTLSTransport) and isinstance(
            transport.transport, Connection
        ):
            return SecureOutlet(transport, stretch)
    elif isinstance(transport, Connection):
        return PlainOutlet(transport)
    return Outlet(transport)
