"""
The site: every connection, and what they share.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import attrs
from twisted.copyright import version as twisted_version
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IReactorFDSet, IReactorTime
from twisted.web.resource import IResource
from twisted.web.server import Site

from hmacfs.events import ConnectionClosed, ConnectionOpened
from hmacfs.http1 import Head
from hmacfs.interfaces.hub import IHub
from hmacfs.proxies import UNIX, Network, client_address, is_proxy, origin_of
from hmacfs.web.channel import UploadChannel
from hmacfs.web.pages import Manners
from hmacfs.web.request import UploadRequest
from hmacfs.web.secure_outlet import STRETCH
from hmacfs.web.wording import Repeats, Wordings

if TYPE_CHECKING:
    from hmacfs.web.whole_door import WholeDoor

ALPN = [b"http/1.1"] if int(twisted_version.partition(".")[0]) >= 26 else []
"""
The protocols that a TLS handshake may settle on (RFC 7301).  HTTP/1.1 is all
there is; twisted.web would offer HTTP/2 where it can.  From Twisted 26 on a
client that offers some, as curl and every browser do, is turned away unless one
of them stands here; Twisted 25.5 with pyOpenSSL 26 drops every connection where
any does, and takes them all where none does.
"""

RECEIVED = 12 * 1024 * 1024
"""
Bytes that all uploads together have in memory, and again as many that are being
read, at most: those of as many as there are connections would else wait for the disk.
"""

LEAST_SHARE = 16 * 1024
"""Bytes of one upload that are worth a call of the system, however many there are."""

SEALED = 4 * 1024 * 1024
"""
Bytes for which OpenSSL keeps room in each direction, for all connections together.
"""


@attrs.frozen
class Limits:
    """
    What a connection may do.

    :ivar header_timeout: seconds for a whole head.
    :ivar idle_timeout: seconds that a connection or a body may be silent.
    :ivar read_size: bytes that one turn reads of a large body, at most.
    :ivar trusted: the networks whose word on the client's address counts.
    :ivar informational: ``InformationalResponses``: whether 104s are sent.
    :ivar public_url: what clients see, ``b""`` where the request tells.
    :ivar prefix: the path of every file's URL, percent-encoded.
    """

    header_timeout: float = 20.0
    idle_timeout: float = 30.0
    read_size: int = 1024 * 1024
    trusted: tuple[Network, ...] = ()
    informational: str = "auto"
    public_url: bytes = b""
    prefix: str = "/uploads"


class UploadSite(Site):
    """
    A :class:`twisted.web.server.Site` whose connections are
    :class:`hmacfs.web.channel.UploadChannel`.

    :ivar first: answers what it can without a request.
    :ivar wordings: the heads that came to it last.
    :ivar draining: whether the daemon is about to stop.
    :ivar retiring: whether this process is, and others go on.
    """

    protocol: Any = UploadChannel
    requestFactory: Any = UploadRequest
    draining = False
    retiring = False
    noisy = False

    def __init__(
        self,
        root: IResource,
        hub: IHub,
        clock: IReactorTime,
        manners: Manners,
        limits: Limits,
        process: str,
        whole_door: WholeDoor | None = None,
        first: Repeats | None = None,
    ) -> None:
        """
        :param process: what the ids of this process's requests begin with.
        :param whole_door: takes small files that are all here.
        :param first: as the attribute.
        """
        super().__init__(root, reactor=clock, parsePOSTFormSubmission=False)
        self.hub = hub
        self.clock = clock
        self.manners = manners
        self.whole_door = whole_door
        self.header_timeout = limits.header_timeout
        self.idle_timeout = limits.idle_timeout
        self._read_size = limits.read_size
        self.first = first
        self.wordings = Wordings(first)
        self._trusted = limits.trusted
        self._informational = limits.informational
        self._public_url = limits.public_url
        self._prefix = limits.prefix
        self._process = process
        # Not with the clock of a test, which knows no descriptors.
        self.draws = IReactorFDSet.providedBy(clock)
        self._numbers = count(1)
        self._request_numbers = count(1)
        self._channels: dict[UploadChannel, float] = {}
        self._under_way: set[Deferred[Any]] = set()
        self._drained: list[Deferred[None]] = []

    # twisted.web's own access log, and the clock tick it needs, are not wanted:
    # the hub tells of every request.

    def startFactory(self) -> None:
        """Nothing to open."""

    def stopFactory(self) -> None:
        """Nothing to close."""

    def log(self, request: Any) -> None:
        """The hub has told it."""

    def acceptableProtocols(self) -> list[bytes]:
        """
        What a TLS handshake settles on: see :data:`ALPN`.
        """
        return ALPN

    @property
    def transfers(self) -> int:
        """How many requests are being answered."""
        return sum(len(channel.requests) for channel in self._channels)

    @property
    def ending(self) -> bool:
        """Whether every answer ends its connection."""
        return self.draining or self.retiring

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._channels)

    @property
    def read_size(self) -> int:
        """Bytes that one turn reads of a large body."""
        return self.share(self._read_size)

    @property
    def stretch(self) -> int:
        """Bytes that a new connection encrypts and decrypts at once under TLS."""
        return min(STRETCH, max(LEAST_SHARE, SEALED // max(1, len(self._channels))))

    def share(self, most: int) -> int:
        """
        :param most: bytes that one upload may have in memory.
        :return: the same, or less where so many are under way that they would
            have more than :data:`RECEIVED` together.
        """
        return min(most, max(LEAST_SHARE, RECEIVED // max(1, len(self._under_way))))

    def request_id(self) -> str:
        """
        :return: an id that no other request of this store's daemons has.
        """
        return f"{self._process}-{next(self._request_numbers):x}"

    def client(self, peer: str, head: Head) -> str:
        """
        :return: the address of the client, as far as it can be trusted.
        """
        if not self._trusted and peer != UNIX:
            return peer
        return client_address(peer, head, self._trusted)

    def informs(self, peer: str) -> bool:
        """
        :param peer: of a connection.
        :return: whether it may be sent a 104: ``InformationalResponses``.
        """
        if self._informational == "auto":
            return not is_proxy(peer, self._trusted)
        return self._informational == "always"

    def location(self, request: UploadRequest, id: str) -> bytes:
        """
        :return: the absolute URL of the upload *id*, with the query that signs
            it; its path alone where HTTP/1.0 names no host.
        """
        assert request.head is not None
        origin = self._public_url or origin_of(
            request.channel.peer, request.head, request.isSecure(), self._trusted
        )
        query = request.head.query
        path = f"{self._prefix}/.hmacfs/uploads/{id}".encode()
        return origin + path + (b"?" + query if query else b"")

    def opened(self, channel: UploadChannel) -> int:
        """
        Take note of a new connection.

        :return: its number.
        """
        number = next(self._numbers)
        now = self.clock.seconds()
        self._channels[channel] = now
        self.hub.emit(ConnectionOpened(at=now, connection=number, peer=channel.peer))
        return number

    def closed(self, channel: UploadChannel) -> None:
        """
        Take note of its end.
        """
        now = self.clock.seconds()
        duration = now - self._channels.pop(channel)
        self.hub.emit(
            ConnectionClosed(
                at=now, connection=channel.number, peer=channel.peer, duration=duration
            )
        )
        if not self._channels:
            drained, self._drained = self._drained, []
            for done in drained:
                done.callback(None)

    def watch(self, ending: Deferred[Any]) -> None:
        """
        Let :meth:`drain` and :meth:`cut` wait for *ending* too: an upload goes
        on being stored, or being put away, when its connection is gone.
        """
        done: Deferred[None] = Deferred()
        self._under_way.add(done)

        def end(result: object) -> object:
            self._under_way.discard(done)
            done.callback(None)
            return result

        ending.addBoth(end)

    def drain(self) -> Deferred[None]:
        """
        Take nothing new: connections without a request end now, the others
        behind their answer.

        :return: fires when no connection is left and nothing is being stored.
        """
        self.draining = True
        for channel in list(self._channels):
            channel.retire()
        return self._empty()

    def _empty(self) -> Deferred[None]:
        empty: Deferred[None] = Deferred()
        if self._channels:
            self._drained.append(empty)
        else:
            empty.callback(None)
        return empty.addCallback(lambda _: self._settled())

    def retire(self) -> Deferred[None]:
        """
        Let every connection end behind its next answer, or by being idle: for
        one process among several, whose place another one has taken.

        :return: fires when no connection is left and nothing is being stored.
        """
        self.retiring = True
        return self._empty()

    def cut(self) -> Deferred[None]:
        """
        End every connection at once; uploads under way are suspended.

        :return: fires when all of them are put away.
        """
        self.draining = True
        for channel in list(self._channels):
            channel.cut("shutting-down")
        return self.drain()

    def _settled(self) -> Deferred[None]:
        if not self._under_way:
            return succeed(None)
        return DeferredList(list(self._under_way)).addCallback(lambda _: self._settled())
