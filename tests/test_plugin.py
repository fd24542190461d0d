"""
Tests for :mod:`twisted.plugins.hmacfs_plugin`.
"""

from __future__ import annotations

import subprocess
import sys

from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import tap


class PluginTests(SynchronousTestCase):
    """
    twistd finds hmacfs, and loads it when it is asked for.
    """

    def test_found(self) -> None:
        """
        There is one ``hmacfs``, and it is the tap.
        """
        (maker,) = (each for each in getPlugins(IServiceMaker) if each.tapname == "hmacfs")
        self.assertEqual((maker.options, maker.makeService), (tap.Options, tap.makeService))

    def test_light(self) -> None:
        """
        Who lists the plugins loads nothing of ours, and no reactor is chosen.
        """
        program = (
            "import sys, twisted.plugins.hmacfs_plugin\n"
            "loaded = {'hmacfs', 'twisted.internet.reactor'} & set(sys.modules)\n"
            "sys.exit(', '.join(loaded) or 0)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
