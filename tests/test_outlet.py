"""
Tests for :mod:`hmacfs.web.outlet`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.web.outlet import AT_ONCE, Outlet, PlainOutlet
from tests.driven import Wire
from tests.wire import Transport

MUCH = bytes(range(256)) * (AT_ONCE // 256)


class PlainTests(SynchronousTestCase):
    """
    What is written to a plain socket goes out in order, and at once where there is room.
    """

    def setUp(self) -> None:
        self.wire = Wire(self)
        self.outlet = PlainOutlet(self.wire.transport)

    def test_at_once(self) -> None:
        """
        No turn of the reactor is waited for.
        """
        self.outlet.write(b"answer")
        self.assertEqual((self.wire.take(), self.wire.writing), (b"answer", False))

    def test_together(self) -> None:
        """
        A head goes in one piece with what follows it.
        """
        self.outlet.begin(b"head ")
        self.assertEqual(self.wire.take(), b"")
        self.outlet.write(b"body")
        self.assertEqual(self.wire.client.recv(100), b"head body")

    def test_alone(self) -> None:
        """
        Where nothing follows it goes alone, and once.
        """
        self.outlet.begin(b"head")
        self.outlet.flush()
        self.outlet.flush()
        self.assertEqual(self.wire.take(), b"head")

    def test_full(self) -> None:
        """
        What the socket has no room for is queued, and what comes later behind it.
        """
        self.outlet.write(MUCH)
        self.outlet.write(b"last")
        self.assertTrue(self.wire.writing)
        self.assertGreater(self.outlet.queued, 0)
        self.assertEqual(self.wire.drain(), MUCH + b"last")
        self.assertEqual((self.outlet.queued, self.wire.writing), (0, False))

    def test_large(self) -> None:
        """
        More than is worth a copy is left to Twisted.
        """
        self.outlet.write(MUCH + b"!")
        self.assertEqual(self.outlet.queued, len(MUCH) + 1)
        self.assertEqual(self.wire.drain(), MUCH + b"!")

    def test_counts(self) -> None:
        """
        What the client's machine has taken is told from what it has not.
        """
        self.outlet.write(MUCH)
        self.assertEqual(self.outlet.taken + self.outlet.unsent, len(MUCH))
        self.assertGreater(self.outlet.unsent, self.outlet.queued)
        self.wire.drain()
        self.assertEqual((self.outlet.taken, self.outlet.unsent), (len(MUCH), 0))

    def test_closing(self) -> None:
        """
        Nothing overtakes a close, and nothing goes out behind an abort.
        """
        for end in ("loseWriteConnection", "abortConnection"):
            self.setUp()
            getattr(self.wire.transport, end)()
            self.outlet.write(b"late")
            self.assertEqual(self.wire.take(), b"")

    def test_gone(self) -> None:
        """
        A client that is gone is the reactor's to find.
        """
        self.wire.client.close()
        self.outlet.write(b"answer")
        self.assertTrue(self.wire.writing)
        self.assertIsInstance(self.wire.turn(), ConnectionLost)

    def test_queued(self) -> None:
        """
        One who has more to write waits for the reactor, though there is room.
        """
        self.outlet.begin(b"head ")
        self.outlet.queue(b"first")
        self.assertEqual((self.wire.take(), self.outlet.queued), (b"", 10))
        self.outlet.write(b" next")
        self.assertEqual(self.wire.drain(), b"head first next")

    @given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12))
    def test_any_order(self, deeds: list[tuple[int, bool]]) -> None:
        """
        Whatever is written and whenever there is room, the bytes come in their order.
        """
        self.setUp()
        written = taken = b""
        for number, (kind, takes) in enumerate(deeds):
            piece = b"%d " % number * (1, 10, 1000, 20_000)[kind]
            (self.outlet.begin if kind == 1 else self.outlet.write)(piece)
            written += piece
            if takes:
                self.wire.turn()
                taken += self.wire.take()
        self.outlet.flush()
        self.assertEqual(taken + self.wire.drain(), written)


class FileTests(SynchronousTestCase):
    """
    A file goes out behind a head as far as there is room, and is never read here.
    """

    def setUp(self) -> None:
        self.wire = Wire(self)
        self.outlet = PlainOutlet(self.wire.transport)
        self.path = Path(self.mktemp())
        self.path.write_bytes(MUCH)
        self.file = os.open(self.path, os.O_RDONLY)
        self.addCleanup(os.close, self.file)

    def send(self, head: bytes = b"head ", offset: int = 0, size: int = 1000) -> int:
        return self.outlet.send_file(head, self.file, offset, size)

    def test_part(self) -> None:
        """
        It tells how much went out, and counts it.
        """
        self.assertEqual(self.send(offset=5), 1000)
        self.assertEqual(self.wire.take(), b"head " + MUCH[5:1005])
        self.assertEqual((self.outlet.taken, self.wire.writing), (1005, False))

    def test_no_room(self) -> None:
        """
        The rest of it is the caller's to send.
        """
        sent = self.send(size=len(MUCH))
        self.assertLess(sent, len(MUCH))
        self.assertEqual(self.send(b"next", size=10), 0)
        self.assertEqual(self.wire.drain(), b"head " + MUCH[:sent] + b"next")
        self.assertEqual(self.outlet.taken, len(b"head ") + sent + len(b"next"))

    def test_no_room_for_the_head(self) -> None:
        """
        The head comes first, and whole.
        """
        self.assertEqual(self.send(MUCH), 0)
        self.assertEqual((self.wire.drain(), self.outlet.taken), (MUCH, len(MUCH)))

    def test_queued(self) -> None:
        """
        Nothing overtakes what is queued.
        """
        self.outlet.queue(b"first ")
        self.assertEqual(self.send(), 0)
        self.assertEqual(self.wire.drain(), b"first head ")

    def test_short(self) -> None:
        """
        A file that has become shorter is sent as far as it goes.
        """
        os.truncate(self.path, 10)
        self.assertEqual((self.send(), self.send(b"", 10)), (10, 0))
        self.assertEqual(self.wire.take(), b"head " + MUCH[:10])

    def test_gone(self) -> None:
        """
        A client that is gone is the reactor's to find.
        """
        self.wire.client.close()
        self.assertEqual(self.send(), 0)
        self.assertIsInstance(self.wire.turn(), ConnectionLost)


class DrivenTests(SynchronousTestCase):
    """
    Whoever has much to send is called where there is room.
    """

    def setUp(self) -> None:
        self.wire = Wire(self)
        self.outlet = PlainOutlet(self.wire.transport)
        self.turns = 0

    def turn(self) -> bool:
        self.turns += 1
        return True

    def test_turns(self) -> None:
        """
        He is called at once, then each time that there is room, and no more at the end.
        """
        self.outlet.drive(self.turn)
        self.wire.turn()
        self.wire.turn()
        self.assertEqual((self.turns, self.wire.writing), (3, True))
        self.outlet.release()
        self.assertEqual((self.wire.turn(), self.turns, self.wire.writing), (None, 3, False))
        self.outlet.write(b"next")
        self.assertEqual(self.wire.take(), b"next")

    def test_done_at_once(self) -> None:
        """
        Who needs one turn costs the reactor none.
        """
        self.outlet.drive(lambda: self.outlet.release() or True)
        self.assertFalse(self.wire.writing)

    def test_behind_the_queue(self) -> None:
        """
        What is queued goes before.
        """
        self.outlet.write(MUCH)
        self.outlet.drive(self.turn)
        self.assertEqual(self.turns, 0)
        taken = b""
        while not self.turns:
            taken += self.wire.take()
            self.wire.turn()
        self.assertEqual(taken + self.wire.take(), MUCH)

    def test_rest(self) -> None:
        """
        Who has nothing to send is not called until he has.
        """
        self.outlet.drive(self.turn)
        self.outlet.rest()
        self.wire.turn()
        self.assertEqual((self.turns, self.wire.writing), (1, False))
        self.outlet.wake()
        self.wire.turn()
        self.assertEqual(self.turns, 2)

    def test_rest_behind_the_queue(self) -> None:
        """
        Meanwhile what is queued goes out.
        """
        self.outlet.write(MUCH)
        self.outlet.drive(self.turn)
        self.outlet.rest()
        self.assertEqual(self.wire.drain(), MUCH)
        self.assertEqual((self.turns, self.wire.writing), (0, False))

    def test_broken(self) -> None:
        """
        Who says that the connection is no more ends it.
        """
        turns = iter([True, False])
        self.outlet.drive(lambda: next(turns))
        self.assertIsInstance(self.wire.turn(), ConnectionLost)

    def test_aborted(self) -> None:
        """
        A connection that is aborted meanwhile is nobody's to write to.
        """
        self.outlet.drive(self.turn)
        self.wire.transport.abortConnection()
        self.wire.transport.doWrite()
        self.outlet.release()
        self.wire.transport.doWrite()
        self.assertEqual((self.turns, self.wire.take()), (1, b""))


class OtherTests(SynchronousTestCase):
    """
    Every other transport is written to as Twisted has it.
    """

    def test_written(self) -> None:
        """
        Head and body are one piece there too.
        """
        pieces: list[bytes] = []
        transport: Any = Transport()
        transport.write = pieces.append
        other = Outlet(transport)
        other.begin(b"head ")
        other.write(b"body")
        self.assertEqual(pieces, [b"head body"])
