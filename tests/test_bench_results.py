"""
Tests for :mod:`bench.results` and :mod:`bench.plots`.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from bench.lines import Line, Row, Verdict
from bench.plots import file_name, plots
from bench.results import results


class PageTests(SynchronousTestCase):
    """
    What was found is kept, as a page and as pictures.
    """

    def setUp(self) -> None:
        row = Row("hmacfs <fast>", (1.0, 3.0), 2.0, "MB/s", 0.5, 0.1, "s/GiB", 70.0)
        verdict = Verdict("hmacfs over nginx", 1.25, 1.1, 1.3, least=1.2)
        self.lines = [
            Line("1 x 1 GiB up", "Large uploads", "epoll", (row, row), (verdict,)),
            Line("far", "Elsewhere", fault="no netem", impossible=True),
        ]

    def test_pictures(self) -> None:
        """
        Each section with figures has a picture that browsers can read.
        """
        pictures = plots(self.lines)
        self.assertEqual(list(pictures), ["large-uploads.svg"])
        root = ElementTree.fromstring(pictures["large-uploads.svg"])
        words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        one = ["hmacfs <fast>", "2.00 MB/s"]
        self.assertEqual(words, ["Large uploads", "1 x 1 GiB up", *one, *one])
        self.assertEqual(file_name("/health beside 4"), "health-beside-4.svg")

    def test_page(self) -> None:
        """
        The page has the machine, what was promised, every section, and what is missing.
        """
        page = results(self.lines, {"kernel": "6.1"}, "the command", 10, 6, "/dev/shm")
        titles = re.findall(r"^(.+)\n[-=]+\n$", page, re.M)
        self.assertEqual(titles, ["How fast hmacfs is", "What was promised", "Large uploads"])
        self.assertIn("\nkernel  6.1\n", page)
        self.assertIn("\n*far* was not measured: no netem\n", page)
        self.assertIn(".. image:: plots/large-uploads.svg\n", page)
        # An empty first cell would continue the row above.
        self.assertRegex(page, r"(?m)^1 x 1 GiB up +hmacfs <fast> .*\n\\ +hmacfs <fast> ")
