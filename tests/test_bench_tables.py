"""
Tests for :mod:`bench.tables`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.lines import Line, Row, Verdict
from bench.tables import figure, promised, shown, simple

SHOWN = """\
work  [wrk]
  =========  ======  ====  =====  ========  =====  ========  ===========  ===========
  contender  median  unit  cost   client's  unit   peak, MB  /health, ms  request, ms
  =========  ======  ====  =====  ========  =====  ========  ===========  ===========
  hmacfs     2.00    MB/s  0.500  0.100     s/GiB  70.0      1.00, 9.00
  =========  ======  ====  =====  ========  =====  ========  ===========  ===========
  =================  ======  ============  =====  ============  ===  ===  =======
  of                 median  95 %          unit   bound         met  aim  reached
  =================  ======  ============  =====  ============  ===  ===  =======
  hmacfs over nginx  1.25    1.10 to 1.30  times  at least 1.2  NO   1.2  yes
  =================  ======  ============  =====  ============  ===  ===  =======
  A note.
"""


class TableTests(SynchronousTestCase):
    """
    What was found can be read.
    """

    maxDiff = None

    def test_figures(self) -> None:
        """
        Numbers have the digits that count.
        """
        values = (None, 0.0, 0.01234, 1.2345, 12.345, 123.45, 12345.6)
        told = ["", "0", "0.012", "1.23", "12.3", "123", "12,346"]
        self.assertEqual([figure(value) for value in values], told)

    def test_simple(self) -> None:
        """
        Columns are as wide as their widest cell.
        """
        self.assertEqual(
            simple(("a", "head"), [("wide", "b")]),
            ["====  ====", "a     head", "====  ====", "wide  b", "====  ===="],
        )

    def test_shown(self) -> None:
        """
        A line says who did what, and whether that is what was promised.
        """
        row = Row("hmacfs", (1.0, 3.0), 2.0, "MB/s", 0.5, 0.1, "s/GiB", 70.0, (1.0, 9.0))
        verdict = Verdict("hmacfs over nginx", 1.25, 1.1, 1.3, least=1.2, aim=1.2)
        line = Line("work", "section", "wrk", (row,), (verdict,), "A note.")
        self.assertEqual(shown(line), SHOWN)

    def test_fault(self) -> None:
        """
        A line that could not be measured says why.
        """
        self.assertEqual(
            shown(Line("work", "section", fault="no netem")), "work\n  NOT MEASURED: no netem\n"
        )

    def test_promised(self) -> None:
        """
        What has a bound is told once more, all in one table.
        """
        free, bound = Verdict.plain("free", 1, "MB"), Verdict.plain("bound", 2.0, "MB", most=3)
        self.assertEqual(
            promised([Line("work", "section", verdicts=(free, bound))]),
            [["work", "bound", "2.00", "", "MB", "at most 3", "yes", "", ""]],
        )
