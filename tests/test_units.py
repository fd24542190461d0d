"""
Tests for :mod:`hmacfs.units`.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.units import (
    LARGEST,
    LONGEST,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)

#: Texts that are nearly right.
PIECES = ["1", "30", "0", "5.5", ".", " ", "-", "k", "K", "Mi", "GB", "B", "m", "ms", "s", "h", "d"]
NEARLY = st.lists(st.sampled_from(PIECES)).map("".join) | st.text()


class SizeTests(SynchronousTestCase):
    """
    A size is bytes, or a number with a unit: MB counts by thousands, MiB by
    1,024.
    """

    def test_sizes(self) -> None:
        """
        Sizes are read as they are meant.
        """
        for written, expected in [
            (0, 0),
            (1048576, 1048576),
            ("0", 0),
            ("1048576", 1048576),
            ("12B", 12),
            ("10MB", 10_000_000),
            ("10mb", 10_000_000),
            ("1 GiB", 2**30),
            ("1GiB", 2**30),
            ("1.5 KiB", 1536),
            ("1.1GB", 1_100_000_000),
            ("0.0001KB", 0),
            ("7 EiB", 7 * 2**60),
            (LARGEST, LARGEST),
        ]:
            self.assertEqual(parse_size(written), expected, written)

    def test_refused(self) -> None:
        """
        What is no size is refused, and so is what means two things.
        """
        for written in ["", " ", "10M", "1G", "10 potatoes", "-1", "1,5GB", "1e3", "0x10", "MB"]:
            with self.assertRaises(ValueError) as raised:
                parse_size(written)
            self.assertEqual(
                str(raised.exception),
                f'"{written}" is no size; write bytes or a number with a unit, '
                'such as "100MB" or "1 GiB".',
            )

    def test_bounds(self) -> None:
        """
        Nothing is negative, and nothing larger than a file can be.
        """
        for written in [-1, LARGEST + 1, "8 EiB", "9" * 20, "9" * 5000, "9" * 19 + " EB", 10**5000]:
            self.assertRaises(ValueError, parse_size, written)

    def test_other_digits(self) -> None:
        """
        Only ASCII digits count: the other ones are a way to hide a number.
        """
        self.assertRaises(ValueError, parse_size, "١٢")

    @settings(deadline=None)
    @given(NEARLY)
    def test_any_text(self, text: str) -> None:
        """
        Any text is a size or is refused in a sentence.
        """
        try:
            self.assertTrue(0 <= parse_size(text) <= LARGEST)
        except ValueError as error:
            self.assertTrue(str(error).endswith('such as "100MB" or "1 GiB".'))


class FormatSizeTests(SynchronousTestCase):
    """
    A size is told in the largest unit that it fills.
    """

    def test_sizes(self) -> None:
        """
        Whole numbers are exact, others have one decimal.
        """
        self.assertEqual(
            [format_size(size) for size in [0, 1023, 1024, 1536, 2**20, 2**30 + 1, 2**63 - 1]],
            ["0 B", "1023 B", "1 KiB", "1.5 KiB", "1 MiB", "1.0 GiB", "8.0 EiB"],
        )

    @settings(deadline=None)
    @given(st.integers(0, 1023), st.sampled_from([1, 2**10, 2**20, 2**30, 2**40, 2**50]))
    def test_back(self, number: int, unit: int) -> None:
        """
        What is told exactly is read back as the same size.
        """
        self.assertEqual(parse_size(format_size(number * unit)), number * unit)


class DurationTests(SynchronousTestCase):
    """
    A duration is seconds, or numbers with units, the longer ones first.
    """

    def test_durations(self) -> None:
        """
        Durations are read as they are meant; whole seconds are an int.
        """
        for written, expected in [
            (0, 0),
            (90, 90),
            ("0", 0),
            ("90", 90),
            ("20s", 20),
            ("1m", 60),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("30 d", 30 * 86400),
            ("2w", 14 * 86400),
            ("1y", 365 * 86400),
            ("1500ms", 1.5),
            ("1m250ms", 60.25),
            ("2s1000ms", 3),
        ]:
            parsed = parse_duration(written)
            self.assertEqual((parsed, type(parsed)), (expected, type(expected)), written)

    def test_refused(self) -> None:
        """
        What is no duration is refused, and so is what is written in disorder.
        """
        for written in ["", " ", "20x", "30m1h", "1h1h", "-1s", "1.5h", "30D", "1M", "m", "1 2"]:
            with self.assertRaises(ValueError) as raised:
                parse_duration(written)
            self.assertEqual(
                str(raised.exception),
                f'"{written}" is no duration; write seconds or a number with a unit, '
                'such as "30d", "1h30m" or "250ms".',
            )

    def test_bounds(self) -> None:
        """
        Nothing is negative, and nothing longer than a date can tell.
        """
        self.assertEqual(parse_duration("1000y"), LONGEST)
        for written in [-1, LONGEST + 1, "1001y", "9" * 16, "9" * 5000, 10**5000]:
            self.assertRaises(ValueError, parse_duration, written)

    @settings(deadline=None)
    @given(NEARLY)
    def test_any_text(self, text: str) -> None:
        """
        Any text is a duration or is refused in a sentence.
        """
        try:
            self.assertTrue(0 <= parse_duration(text) <= LONGEST)
        except ValueError as error:
            self.assertTrue(str(error).endswith('such as "30d", "1h30m" or "250ms".'))


class FormatDurationTests(SynchronousTestCase):
    """
    A duration is told in the units that it fills.
    """

    def test_durations(self) -> None:
        """
        Only the units that count are told.
        """
        self.assertEqual(
            [format_duration(seconds) for seconds in [0, 0.25, 20, 5400, 129_600, 90.5, 0.0001]],
            ["0s", "250ms", "20s", "1h30m", "1d12h", "1m30s500ms", "0s"],
        )

    @settings(deadline=None)
    @given(st.integers(0, LONGEST * 1000))
    def test_back(self, milliseconds: int) -> None:
        """
        What is told is read back as the same duration.
        """
        seconds = milliseconds / 1000
        self.assertEqual(parse_duration(format_duration(seconds)), seconds)
