"""
Tests for :mod:`hmacfs.cli.retries`.
"""

from __future__ import annotations

from email.message import Message

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.cli.failures import Failure
from hmacfs.cli.retries import BEARABLE, FIRST, LONGEST, MOST, Interruption, Retries, retry_after

NOW = 1_700_000_000.0


def asked(value: str) -> float:
    """
    :return: the seconds that this ``Retry-After`` asks for.
    """
    fields = Message()
    fields["Retry-After"] = value
    return retry_after(fields, NOW)


class RetriesTests(SynchronousTestCase):
    """
    Pauses grow while nothing is gained, and end.
    """

    def setUp(self) -> None:
        """Count the pauses instead of making them."""
        self.slept: list[float] = []
        self.said: list[str] = []
        self.retries = Retries(self.said.append, self.slept.append)

    def test_chance(self) -> None:
        """
        A pause is between half of what it may be and all of it.
        """
        for _ in range(MOST):
            self.retries.pause(Interruption("It broke."))
        bounds = [min(FIRST * 2**number, LONGEST) for number in range(MOST)]
        outside = [
            (seconds, most)
            for seconds, most in zip(self.slept, bounds, strict=True)
            if not most / 2 <= seconds <= most
        ]
        self.assertEqual(outside, [])

    def test_end(self) -> None:
        """
        After so many it is given up, with all that is known of why.
        """
        for _ in range(MOST):
            self.retries.pause(Interruption("It broke."))
        failure = self.assertRaises(Failure, self.retries.pause, Interruption("It broke.\nLook."))
        self.assertTrue(failure.text.startswith("It broke.\nLook.\nGiven up"), failure.text)

    def test_progress(self) -> None:
        """
        A byte gained begins the count anew.
        """
        for _ in range(3 * MOST):
            self.retries.pause(Interruption("It broke."))
            self.retries.progressed()
        self.assertEqual((len(self.slept), max(self.slept) <= FIRST), (3 * MOST, True))

    def test_asked(self) -> None:
        """
        A server that asks for more time gets it, within reason.
        """
        self.retries.pause(Interruption("It broke.\nLook.", 7))
        self.assertEqual((self.slept, self.said), ([7], ["It broke. Trying again in 7.0 s."]))
        self.assertRaises(Failure, self.retries.pause, Interruption("It broke.", BEARABLE + 1))


class RetryAfterTests(SynchronousTestCase):
    """
    ``Retry-After`` is seconds or a date, or is ignored.
    """

    def test_forms(self) -> None:
        """
        Both forms are read, and a date that is past means now.
        """
        self.assertEqual(
            [
                asked(value)
                for value in (
                    "120",
                    " 0 ",
                    "Tue, 14 Nov 2023 22:13:30 GMT",
                    "Tue, 14 Nov 2023 22:13:10 GMT",
                )
            ],
            [120, 0, 10, 0],
        )

    def test_malformed(self) -> None:
        """
        What is neither asks for nothing.
        """
        for value in ("", "soon", "-1", "1.5", "²", "1e9", "Tue, 14 Nov 2023"):
            self.assertEqual((value, asked(value)), (value, 0))
        self.assertEqual(retry_after(Message(), NOW), 0)

    @given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])))
    def test_anything(self, value: str) -> None:
        """
        Whatever it says, it is a number of seconds that is not negative.
        """
        self.assertGreaterEqual(asked(value), 0)
