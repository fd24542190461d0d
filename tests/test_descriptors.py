"""
Tests for :mod:`hmacfs.descriptors`.
"""

from __future__ import annotations

from resource import RLIMIT_NOFILE, getrlimit, setrlimit

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.descriptors import raise_bound


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
