"""
Tests for :mod:`hmacfs.web.intake`.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.main import CONNECTION_LOST
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hmacfs.interfaces.disk import Drawn
from hmacfs.web.intake import Intake


class Readers(list[Any]):
    """The readers of a reactor."""

    def addReader(self, reader: Any) -> None:
        self.append(reader)

    def removeReader(self, reader: Any) -> None:
        if reader in self:
            self.remove(reader)


class IntakeTests(SynchronousTestCase):
    """
    A body is drawn until all of it is here, or until it cannot go on like that.
    """

    def setUp(self) -> None:
        self.server, client = socket.socketpair()
        self.addCleanup(self.server.close)
        self.addCleanup(client.close)
        self.readers = Readers()
        self.calls: list[tuple[int, Deferred[Drawn]]] = []
        self.told: list[object] = []
        self.intake = Intake(
            self.server.fileno(),
            self.readers,
            self.draw,
            10,
            self.told.append,
            lambda waiting: self.told.append("waiting" if waiting else "drawing"),
            lambda: self.told.append("ended"),
        )
        self.file = self.intake.fileno()
        self.intake.start()

    def draw(self, file: int, most: int) -> Deferred[Drawn]:
        os.fstat(file)
        self.calls.append((most, Deferred()))
        return self.calls[-1][1]

    def drawn(self, *drawn: Any, **more: Any) -> None:
        self.calls[-1][1].callback(Drawn(*drawn, **more))

    def stop(self) -> None:
        self.intake.stop(lambda: self.told.append("stopped"))

    def closed(self) -> bool:
        try:
            os.fstat(self.file)
        except OSError:
            return True
        return False

    def test_interface(self) -> None:
        """
        A reactor may wait for it.
        """
        self.assertTrue(verifyObject(IReadDescriptor, self.intake))
        self.assertEqual(self.intake.logPrefix(), "intake")
        self.drawn(10)

    def test_whole(self) -> None:
        """
        It ends with the last byte, and lets go of what it held.
        """
        self.drawn(10)
        self.assertEqual(self.told, ["drawing", 10, "ended"])
        self.assertEqual((self.closed(), self.readers, self.intake.fileno()), (True, [], -1))

    def test_more(self) -> None:
        """
        What is there already is not waited for.
        """
        self.drawn(4, more=True)
        self.assertEqual([most for most, _ in self.calls], [10, 6])
        self.assertEqual(self.readers, [])
        self.drawn(6)

    def test_waiting(self) -> None:
        """
        What is not there is waited for by the reactor.
        """
        self.drawn(4)
        self.assertEqual((self.told, self.readers), (["drawing", 4, "waiting"], [self.intake]))
        self.intake.doRead()
        self.assertEqual((self.told[3:], self.readers), (["drawing"], []))
        self.drawn(6)

    def test_client_ends(self) -> None:
        """
        Where the client sends no more, somebody else is to hear of it.
        """
        self.drawn(4, ended=True)
        self.assertEqual((self.told[1:], self.closed()), ([4, "ended"], True))

    def test_client_gone(self) -> None:
        """
        Likewise where he goes while he is waited for.
        """
        self.drawn(4)
        self.intake.connectionLost(Failure(CONNECTION_LOST))
        self.assertEqual((self.told[3:], self.readers, self.closed()), (["ended"], [], True))

    def test_failed(self) -> None:
        """
        Likewise where nobody can take it; the reason is not told here.
        """
        self.calls[-1][1].errback(OSError("full"))
        self.assertEqual((self.told[1:], self.closed()), (["ended"], True))

    def test_stopped(self) -> None:
        """
        Stopped while it waits, it is gone at once, and says nothing.
        """
        self.drawn(4)
        self.stop()
        self.stop()
        self.assertEqual((self.told[3:], self.readers, self.closed()), (["stopped"], [], True))

    def test_stopped_while_drawing(self) -> None:
        """
        Below a thread that draws, the descriptor stays open.
        """
        self.stop()
        self.assertFalse(self.closed())
        self.drawn(4)
        self.assertEqual((self.told, self.closed()), (["drawing", "stopped"], True))

    def test_stopped_and_failed(self) -> None:
        """
        Also below one that fails.
        """
        self.stop()
        self.calls[-1][1].errback(OSError("full"))
        self.assertEqual((self.told, self.closed()), (["drawing", "stopped"], True))

    def test_stopped_by_what_came(self) -> None:
        """
        Whoever hears of bytes may stop it.
        """
        self.intake._tell = lambda size: self.stop()
        self.drawn(4, more=True)
        self.assertEqual((len(self.calls), self.closed()), (1, True))
