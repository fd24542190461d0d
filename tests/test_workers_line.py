"""
Tests for :mod:`hmacfs.workers.line` and :mod:`hmacfs.workers.pickling`.
"""

from __future__ import annotations

import errno
import pickle
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import errors
from hmacfs.names import StoredName
from hmacfs.records import Row
from hmacfs.workers import pickling
from hmacfs.workers.line import Line, LineLost
from tests.serving import settings

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.Refusal) and hasattr(kind, "code")
]


class Ends:
    """
    Both ends of a line, and what each was asked for.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.lost: list[str] = []
        self.answer: Any = None
        self.near = Line(self.serve, lambda: self.lost.append("near"))
        self.far = Line(self.serve, lambda: self.lost.append("far"))
        self.wires = {self.near: StringTransport(), self.far: StringTransport()}
        for line, wire in self.wires.items():
            line.makeConnection(wire)

    def serve(self, *what: Any) -> Any:
        self.asked.append(what)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def carry(self) -> None:
        """Bring what was said to the other end, byte by byte."""
        while any(wire.value() for wire in self.wires.values()):
            for line, other in ((self.near, self.far), (self.far, self.near)):
                said = self.wires[line].value()
                self.wires[line].clear()
                for at in range(len(said)):
                    other.dataReceived(said[at : at + 1])


class LineTests(SynchronousTestCase):
    """
    What is asked at one end is answered at the other.
    """

    def setUp(self) -> None:
        self.ends = Ends()

    def asked(self, answer: Any) -> Deferred[Any]:
        """
        :return: what comes of it where the other end answers *answer*.
        """
        self.ends.answer = answer
        asked = self.ends.near.ask("what", 1, b"2")
        self.ends.carry()
        return asked

    def test_answer(self) -> None:
        """
        A question is heard with all that belongs to it, and its answer comes back.
        """
        row = Row("a", "text/plain", 3, 4.5)
        self.assertEqual(self.successResultOf(self.asked(row)), row)
        self.assertEqual(self.ends.asked, [("what", 1, b"2")])

    def test_later(self) -> None:
        """
        An answer that takes its time holds up no other.
        """
        late: Deferred[int] = Deferred()
        first = self.asked(late)
        self.assertEqual(self.successResultOf(self.asked(2)), 2)
        self.assertNoResult(first)
        late.callback(1)
        self.ends.carry()
        self.assertEqual(self.successResultOf(first), 1)

    def test_told(self) -> None:
        """
        What wants no answer gets none.
        """
        self.ends.near.tell("what")
        self.ends.carry()
        self.assertEqual(self.ends.asked, [("what",)])

    def test_refusal(self) -> None:
        """
        A refusal is the same at both ends.
        """
        failure = self.failureResultOf(self.asked(errors.Locked()), errors.Locked)
        self.assertEqual(vars(failure.value), vars(errors.Locked()))

    def test_full(self) -> None:
        """
        That the disk is full is heard as such.
        """
        failure = self.failureResultOf(self.asked(OSError(errno.ENOSPC, "full")), OSError)
        self.assertEqual(failure.value.errno, errno.ENOSPC)

    def test_unforeseen(self) -> None:
        """
        What nobody foresaw is logged where it happened, and fails at the other end.
        """
        self.failureResultOf(self.asked(KeyError("x")), RuntimeError)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_lost(self) -> None:
        """
        A line that ends answers all that was asked, and all that is.
        """
        asked = self.asked(Deferred())
        over = self.ends.near.hang_up()
        self.ends.near.connectionLost()
        self.failureResultOf(asked, LineLost)
        self.failureResultOf(self.ends.near.ask("what"), LineLost)
        self.successResultOf(over)
        self.assertEqual(self.ends.lost, ["near"])


class PicklingTests(SynchronousTestCase):
    """
    Messages are made of values and of our own records, and of nothing else.
    """

    def test_records(self) -> None:
        """
        Names and all settings, secrets included, come over as they are.
        """
        found = settings(
            TrustedProxies=["192.0.2.0/24", "::1"],
            ListenPort=[":8080", "ssl:443:privateKey=k"],
            Retention=[{"match": "a/*", "ttl": "1d"}],
        )
        message = (StoredName((b"a", b"b")), found)
        self.assertEqual(pickling.loads(pickling.dumps(message)), message)
        self.assertGreater(len(attrs.fields(type(found))), 30)

    def test_refusals(self) -> None:
        """
        Every kind of refusal comes over with all that it says.
        """
        for kind in KINDS:
            refusal = kind.__new__(kind)
            errors.Refusal.__init__(refusal, "No.", [(b"A", b"b")], "hint")
            told = pickling.heard(pickling.loads(pickling.dumps(pickling.told(refusal))))
            self.assertEqual((type(told), vars(told)), (kind, vars(refusal)))

    def test_strange(self) -> None:
        """
        Whatever else a worker would have made is refused.
        """
        for strange in (eval, pickling.dumps, SynchronousTestCase):
            self.assertRaises(
                pickle.UnpicklingError, pickling.loads, pickling.dumps(("x", strange))
            )
