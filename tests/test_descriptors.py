"""
Tests for :mod:`hmacfs.descriptors`.
"""

from __future__ import annotations

import os
from resource import RLIMIT_NOFILE, getrlimit, setrlimit

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.descriptors import KEPT, PAUSE, Patient, counted, left, raise_bound


class RaiseBoundTests(SynchronousTestCase):
    """
    The daemon may have as many connections and files open as the system allows it.
    """

    def test_raised(self) -> None:
        """
        The lower bound becomes the higher one, and that is said once.
        """
        former = getrlimit(RLIMIT_NOFILE)
        self.addCleanup(setrlimit, RLIMIT_NOFILE, former)
        most = former[1]
        setrlimit(RLIMIT_NOFILE, (500, most))
        with capturedLogs() as captured:
            raise_bound()
            raise_bound()
        self.assertEqual(getrlimit(RLIMIT_NOFILE), (most, most))
        self.assertEqual(
            [formatEvent(event) for event in captured],
            [f"descriptors: {most} may be open at once, in place of 500"],
        )


def uncounted() -> int:
    """
    :return: what a system says that does not count.
    """
    return 0


class LeftTests(SynchronousTestCase):
    """
    Connections may take what is left, but for what is kept back for files.
    """

    def bound(self, most: int) -> None:
        former = getrlimit(RLIMIT_NOFILE)
        self.addCleanup(setrlimit, RLIMIT_NOFILE, former)
        setrlimit(RLIMIT_NOFILE, (most, former[1]))

    def free(self) -> list[int]:
        """
        :return: the two lowest descriptors that are free.
        """
        found = [os.dup(0), os.dup(0)]
        for each in found:
            os.close(each)
        return found

    def test_few(self) -> None:
        """
        A quarter of few is kept back.
        """
        self.bound(400)
        self.assertEqual(left(0, uncounted), 300 - self.free()[1])

    def test_many(self) -> None:
        """
        Of many not more than is of use.
        """
        self.bound(8 * KEPT)
        self.assertEqual(left(0, uncounted), 7 * KEPT - self.free()[1])

    def test_closed(self) -> None:
        """
        One that is free below many that are open is one, and no more.
        """
        self.bound(400)
        self.assertEqual([left(0, lambda: 290), left(0, lambda: 300)], [9, -1])

    def test_counted(self) -> None:
        """
        The system counts them, or says nothing.
        """
        file = os.dup(0)
        before = counted()
        os.close(file)
        self.assertIn((before, counted()), [(0, 0), (before, before - 1)])

    def test_none(self) -> None:
        """
        Where there is no second one, or none at all, nobody may come.
        """
        lowest = self.free()[0]
        for most in (lowest + 1, lowest):
            self.bound(most)
            self.assertEqual((left(0), self.open_files()), (0, lowest))

    def open_files(self) -> int:
        """
        :return: the lowest descriptor that is free, whatever the bound.
        """
        setrlimit(RLIMIT_NOFILE, (getrlimit(RLIMIT_NOFILE)[1],) * 2)
        return self.free()[0]


class Listening:
    """
    A port that takes note of what is done to it.
    """

    numberAccepts = 100
    disconnecting = False

    def __init__(self) -> None:
        self.file = 5
        self.reads = True
        self.accepted: list[int] = []

    def fileno(self) -> int:
        return self.file

    def doRead(self) -> None:
        self.accepted.append(self.numberAccepts)

    def startReading(self) -> None:
        self.reads = True

    def stopReading(self) -> None:
        self.reads = False


class PatientTests(SynchronousTestCase):
    """
    A port that has no room for connections lets them wait.
    """

    def setUp(self) -> None:
        self.port, self.clock, self.room = Listening(), Clock(), 1000
        Patient(self.port, self.clock, lambda file: self.room)

    def test_room(self) -> None:
        """
        Where there is room it accepts as many in a turn as before, and no more
        than there is room for.
        """
        self.port.doRead()
        self.room = 3
        self.port.doRead()
        self.assertEqual((self.port.accepted, self.port.reads), ([100, 3], True))

    def test_full(self) -> None:
        """
        Without room it looks again in a moment, and says so once.
        """
        self.room = 0
        with capturedLogs() as captured:
            self.port.doRead()
            self.assertFalse(self.port.reads)
            self.clock.advance(PAUSE)
            self.assertTrue(self.port.reads)
            self.port.doRead()
        self.assertEqual((self.port.accepted, len(captured)), ([], 1))
        self.clock.advance(PAUSE)
        self.room = 1
        self.port.doRead()
        self.assertEqual(self.port.accepted, [1])

    def test_closed(self) -> None:
        """
        What was closed meanwhile is left alone.
        """
        self.room = 0
        for closed in ("disconnecting", "file"):
            self.port.doRead()
            setattr(self.port, closed, -1)
            self.clock.advance(PAUSE)
            self.assertFalse(self.port.reads)
            self.port.disconnecting = False
