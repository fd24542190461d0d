"""
A real Prosody: each of its three ways to sign a slot.
"""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.contracts import SlotContract
from tests.e2e.files import ODD
from tests.e2e.issuers import IssuedByFileShare, IssuedByV, IssuedByV2


class ProsodyVTests(IssuedByV, SlotContract, SynchronousTestCase):
    """``?v=`` signs the name and the size."""

    def test_type(self) -> None:
        """
        The type is not signed: the one that the upload declares is kept.
        """
        slot = self.slot(ODD)
        self.assertEqual(self.put(slot, ODD.content, "audio/ogg").status, 201)
        self.assertEqual(self.curl(slot.get).headers["content-type"], "audio/ogg")


class ProsodyV2Tests(IssuedByV2, SlotContract, SynchronousTestCase):
    """``?v2=`` signs the type as well."""

    def test_type(self) -> None:
        """
        Only the type that the slot was asked for is taken, parameters included.
        """
        slot = self.slot(ODD)
        answers = [
            self.put(slot, ODD.content, content_type).status
            for content_type in ["audio/ogg", "text/plain", ODD.content_type]
        ]
        self.assertEqual(answers, [403, 403, 201])
        self.assertEqual(self.curl(slot.get).headers["content-type"], ODD.content_type)


class ProsodyFileShareTests(IssuedByFileShare, SlotContract, SynchronousTestCase):
    """The token says what the file is, and for which slot it counts."""

    def test_type(self) -> None:
        """
        The type in the token is served, whatever the upload declares.
        """
        slot = self.slot(ODD)
        self.assertEqual(self.put(slot, ODD.content, "audio/ogg").status, 201)
        self.assertEqual(self.curl(slot.get).headers["content-type"], ODD.content_type)

    def test_other_slot(self) -> None:
        """
        A token opens its own slot and no other.
        """
        slot, other = self.slot(ODD), self.slot(ODD)
        swapped = attrs.evolve(slot, headers=other.headers)
        self.assertEqual(self.put(swapped, ODD.content, ODD.content_type).status, 400)
        self.assertEqual(self.curl(slot.get).status, 404)
