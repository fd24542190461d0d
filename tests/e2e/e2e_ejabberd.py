"""
A real ejabberd with its ``external_secret``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.contracts import SlotContract
from tests.e2e.files import ODD
from tests.e2e.issuers import IssuedByEjabberd


class EjabberdTests(IssuedByEjabberd, SlotContract, SynchronousTestCase):
    """``?v=`` signs the name and the size."""

    def test_type(self) -> None:
        """
        The type is not signed: the one that the upload declares is kept.
        """
        slot = self.slot(ODD)
        self.assertEqual(self.put(slot, ODD.content, "audio/ogg").status, 201)
        self.assertEqual(self.curl(slot.get).headers["content-type"], "audio/ogg")
