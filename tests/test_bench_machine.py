"""
Tests for :mod:`bench.machine`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.machine import processor


class MachineTests(SynchronousTestCase):
    """
    What was measured on is told.
    """

    def test_processor(self) -> None:
        """
        The first processor's model is told, where there is one.
        """
        told = "processor : 0\nmodel name\t: A fast one\n\nmodel name\t: Another\n"
        self.assertEqual((processor(told), bool(processor(""))), ("A fast one", True))
