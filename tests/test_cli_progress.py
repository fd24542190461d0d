"""
Tests for :mod:`hmacfs.cli.progress`.
"""

from __future__ import annotations

import sys
from io import StringIO

from tqdm import tqdm
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.cli.progress import HINT, Bar, Lines, Progress, on, took


class Terminal(StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def transfer(progress: Progress) -> None:
    """
    Tell *progress* of a transfer that goes on, goes back, and ends.
    """
    progress.begin("uploading a\x1b[2J", 4 * 2**20, 2**20)
    progress.at(3 * 2**20)
    progress.say("It broke\x07.\nTrying again.")
    progress.at(2 * 2**20)
    progress.at(4 * 2**20)
    progress.end()
    progress.end()


class ProgressTests(SynchronousTestCase):
    """
    Somebody who looks on sees how far it is; a log gets no more than lines.
    """

    def test_choice(self) -> None:
        """
        A bar is drawn on a terminal alone.
        """
        self.assertEqual([type(on(StringIO())), type(on(Terminal()))], [Lines, Bar])

    def test_without_tqdm(self) -> None:
        """
        Without tqdm it is said how one gets the bar.
        """
        modules = dict(sys.modules)
        self.addCleanup(sys.modules.update, modules)
        sys.modules["tqdm"] = None
        stream = Terminal()
        transfer(on(stream))
        self.assertEqual(
            stream.getvalue(),
            f"uploading a\\x1b[2J, 4 MiB; {HINT}\nIt broke\\x07.\nTrying again.\n",
        )

    def test_lines(self) -> None:
        """
        Where nobody looks, only what befell is said.
        """
        stream = StringIO()
        transfer(on(stream))
        self.assertEqual(stream.getvalue(), "It broke\\x07.\nTrying again.\n")

    def test_bar(self) -> None:
        """
        The bar has bytes, rate and time left, and what is said stands above it.
        """
        stream = Terminal()
        transfer(Bar(stream, tqdm))
        shown = stream.getvalue()
        for words in ("uploading a\\x1b[2J:  25%|", "| 1.00M/4.00M [", "B/s]", "4.00M/4.00M"):
            self.assertIn(words, shown)
        self.assertIn("It broke\\x07.\nTrying again.\n", shown)
        self.assertTrue(shown.endswith("\n"))

    def test_begun_anew(self) -> None:
        """
        One that begins anew is drawn anew; one that never began draws nothing.
        """
        stream = Terminal()
        bar = Bar(stream, tqdm)
        bar.at(5)
        bar.end()
        self.assertEqual(stream.getvalue(), "")
        bar.begin("downloading a", None, 0)
        bar.begin("downloading a", 10, 5)
        bar.end()
        self.assertIn("5.00/10.0", stream.getvalue())

    def test_other_units(self) -> None:
        """
        What is no bytes is counted as it is, and can leave nothing behind.
        """
        stream = Terminal()
        bar = on(stream, stays=False)
        bar.begin("checking", 2000, 1000, "files")
        bar.end()
        self.assertIn("| 1000/2000 [", stream.getvalue())
        self.assertTrue(stream.getvalue().endswith("\r"))
        stream = Terminal()
        lines = Lines(stream, HINT)
        lines.begin("checking", 2000, 0, "files")
        self.assertEqual(stream.getvalue(), f"checking, 2000 files; {HINT}\n")

    def test_took(self) -> None:
        """
        Tenths of a second count where there is not a minute of them.
        """
        self.assertEqual([took(0.04), took(59.94), took(3661.2)], ["0.0 s", "59.9 s", "1h1m1s"])
