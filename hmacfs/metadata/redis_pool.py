"""
The connection to Redis: txredisapi, with its traps closed.

Importing txredisapi installs a reactor, so this module is imported by a
function, once it is known that there is a Redis and which reactor runs.

* txredisapi gives up for ever where AUTH or SELECT fails, though a stall is
  enough for that: :meth:`_Factory.stopTrying` does nothing.
* A command waits for ever while there is no connection: without one, it
  fails at once; with one, after :data:`ANSWER_WITHIN`.
* A connection that did not answer may be dead and never say so: it is given
  up, and the next one shows whether the server lives.
* Text stays text: ``convertNumbers`` would make 123 of ``"0123"``.
* Its TLS verifies nothing: the endpoint is Twisted's own.
"""

from __future__ import annotations

from typing import Any

import txredisapi
from twisted.internet.defer import Deferred, TimeoutError, fail, succeed
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.ssl import optionsForClientTLS, platformTrust
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.errors import MetadataUnavailable
from hmacfs.redis_url import RedisPlace

ANSWER_WITHIN = 0.25  # seconds, for each command
START_WITHIN = 1.0  # seconds that a start waits for the first connection
CONNECT_WITHIN = 5.0  # seconds, for a connection; then the next one is tried
SHAKE_WITHIN = 5.0  # seconds, for the answers to AUTH and SELECT

_NO_ANSWER = f"no answer within {ANSWER_WITHIN * 1000:.0f} ms"


class _Protocol(txredisapi.RedisProtocol):
    """
    One connection, known to the factory from its first to its last moment.
    """

    def connectionMade(self) -> None:
        self.factory.connections.add(self)
        super().connectionMade()

    def connectionLost(self, why: Failure) -> None:
        self.factory.connections.discard(self)
        super().connectionLost(why)
        # That somebody closed it says less than what was known before.
        if why.check(ConnectionDone, ConnectionAborted) is None:
            self.factory.trouble = why.getErrorMessage()


class _Factory(txredisapi.RedisFactory):
    """
    Keeps one connection, for ever.

    :ivar trouble: why there is none, as far as we know.
    :ivar connections: the connections there are, those included that are not
        ready for use yet.
    """

    protocol = _Protocol
    initialDelay = 0.1
    maxDelay = 5.0

    def __init__(self, place: RedisPlace) -> None:
        super().__init__(
            uuid="",
            dbid=place.database,
            poolsize=1,
            isLazy=True,
            charset="utf-8",
            username=place.username,
            password=place.password,
            replyTimeout=SHAKE_WITHIN,
            convertNumbers=False,
        )
        self.trouble = "no connection"
        self.connections: set[_Protocol] = set()

    def addConnection(self, conn: _Protocol) -> None:
        """A connection is ready for use."""
        self.trouble = "the connection was lost"
        super().addConnection(conn)

    def connectionError(self, why: str) -> None:
        """AUTH or SELECT failed."""
        self.trouble = why.removeprefix("Redis error: ")

    def stopTrying(self) -> Deferred[None]:
        """Go on trying."""
        return succeed(None)


@implementer(IStreamClientEndpoint)
class _Endpoint:
    """
    An endpoint that tells the factory why there is no connection.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, factory: _Factory) -> None:
        self._endpoint, self._factory = endpoint, factory

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return self._endpoint.connect(protocolFactory).addErrback(self._failed)

    def _failed(self, failure: Failure) -> Failure:
        self._factory.trouble = failure.getErrorMessage()
        return failure


class RedisPool:
    """
    One connection to one server, made again whenever it is lost.

    :ivar place: where the server is.
    """

    def __init__(self, place: RedisPlace, reactor: Any, trust: Any = None) -> None:
        """
        :param trust: whose certificates are believed in TLS, an
            ``IOpenSSLTrustRoot``; ``None`` for those of the system, to which
            ``SSL_CERT_FILE`` in the environment can add a private one.
        """
        self.place = place
        self._reactor = reactor
        self._trust = trust
        self._factory = _Factory(place)

    def start(self) -> Deferred[None]:
        """
        Connect, and go on trying until :meth:`stop`.

        :return: fires with the first connection, or soon without.
        """
        connected: Deferred[object] = self._factory.deferred
        self._factory.startConnecting(_Endpoint(self._endpoint(), self._factory))
        connected.addTimeout(START_WITHIN, self._reactor)
        connected.addErrback(lambda failure: failure.trap(TimeoutError))
        return connected.addCallback(lambda _: None)

    def stop(self) -> Deferred[None]:
        """
        :return: fires when there is no connection any more.
        """
        stopped: Deferred[object] = self._factory.disconnect()
        # One in TLS would wait for a server that may have stalled.
        self._abort()
        return stopped.addCallback(lambda _: None)

    def call(self, command: str, *arguments: Any) -> Deferred[Any]:
        """
        :param command: a method of ``txredisapi.RedisProtocol``.
        :return: fires with what Redis answered.
        :raise MetadataUnavailable: there was no answer in time, or it was an error.
        """
        if not self._factory.pool:
            return fail(MetadataUnavailable(self._factory.trouble))
        answer: Deferred[Any] = getattr(self._factory.handler, command)(*arguments)
        return answer.addTimeout(ANSWER_WITHIN, self._reactor).addErrback(self._failed)

    def _failed(self, failure: Failure) -> Failure:
        if failure.check(TimeoutError):
            self._abort()
            return Failure(MetadataUnavailable(_NO_ANSWER))
        if failure.check(txredisapi.RedisError):
            return Failure(MetadataUnavailable(failure.getErrorMessage().strip()))
        return failure

    def _abort(self) -> None:
        for connection in list(self._factory.connections):
            connection.transport.abortConnection()

    def _endpoint(self) -> IStreamClientEndpoint:
        place, reactor = self.place, self._reactor
        if place.path:
            return UNIXClientEndpoint(reactor, place.path, timeout=CONNECT_WITHIN)
        endpoint = HostnameEndpoint(reactor, place.host, place.port, timeout=CONNECT_WITHIN)
        if not place.tls:
            return endpoint
        trust = platformTrust() if self._trust is None else self._trust
        return wrapClientTLS(optionsForClientTLS(place.host, trustRoot=trust), endpoint)
