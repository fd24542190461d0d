"""
Tests for :mod:`bench.clients`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.clients import Unanswered, parse, patiently
from bench.lines import Load

SUMMARY = (
    "Running 1s test\n"
    '{"requests": 500, "microseconds": 1000000, "p50": 1500, "p99": 9000, "faults": {"read": 0}}\n'
)


class ClientTests(SynchronousTestCase):
    """
    What wrk says is believed where nothing went wrong.
    """

    def test_parse(self) -> None:
        """
        Its last line tells what it did, in microseconds.
        """
        self.assertEqual(parse(SUMMARY, 0.25), Load(500, 1.0, None, 0.25, 1.5, 9.0))

    def test_faults(self) -> None:
        """
        A single answer that was an error spoils it.
        """
        fault = self.assertRaises(AssertionError, parse, SUMMARY.replace('"read": 0', '"read": 1'))
        self.assertEqual(str(fault), "the client counted {'read': 1}, of 500 requests")

    def test_patiently(self) -> None:
        """
        A load that was over before its first answer gets more time.
        """
        given = []

        def run(seconds: float) -> Load:
            given.append(seconds)
            requests = 5 if seconds > 1 else 0
            return parse(SUMMARY.replace("500", str(requests)))

        self.assertEqual((patiently(run, 0.5).amount, given), (5, [0.5, 2.5]))
        self.assertRaises(Unanswered, patiently, lambda seconds: run(0), 21)
