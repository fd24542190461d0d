"""
The control socket of a daemon.

It lies in the private area of the store, for the user of the daemon (and root):
who may connect may do all that an operator may.  A socket that a daemon left
which died is replaced: whoever has the lock of the store is the only one.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from hmacfs.addresses import Unix
from hmacfs.config import Problems
from hmacfs.control import place
from hmacfs.control.conversation import Conversation, Perform
from hmacfs.ports import Ports

MODE = 0o600

FAREWELL = "The daemon is stopping; what is left to do may be asked for again."


class ControlSocket(Factory):
    """
    Listens, from :meth:`open` to :meth:`close`.
    """

    log = Logger()
    noisy = False

    def __init__(self, store: str, perform: Perform, reactor: Any) -> None:
        """
        :param store: the path of a store, open while this is.
        :param perform: does what clients ask for.
        """
        self._store = store
        self._perform = perform
        self._reactor = reactor
        self._opened = ExitStack()
        self._ports: Ports | None = None
        self._clients: set[Conversation] = set()
        self._idle: Deferred[None] | None = None

    async def open(self) -> None:
        """
        Listen.  Where that cannot be, the daemon does without, and says so:
        uploads do not depend on it, and not every file system has sockets.
        """
        try:
            path = self._opened.enter_context(place.reached(self._store))
            ports = Ports(self._reactor, place.NAME, [Unix(path)], MODE, self)
            await ports.open()
        except (OSError, Problems) as error:
            self._opened.close()
            why = error.problems[0].text if isinstance(error, Problems) else error.strerror
            self.log.warn("no command reaches this daemon, the control socket: {why}", why=why)
        else:
            self._ports = ports

    async def close(self) -> None:
        """
        Take no new client, and return when every errand has ended.
        """
        if self._ports is not None:
            await self._ports.close()
        self._opened.close()
        for client in list(self._clients):
            client.leave(FAREWELL)
        if self._clients:
            self._idle = Deferred()
            await self._idle

    def buildProtocol(self, address: IAddress | None) -> Conversation:
        """
        :return: the conversation with a new client.
        """
        client = Conversation(self._perform, self._reactor, self._over)
        self._clients.add(client)
        return client

    def _over(self, client: Conversation) -> None:
        self._clients.discard(client)
        if self._idle is not None and not self._clients:
            idle, self._idle = self._idle, None
            idle.callback(None)
