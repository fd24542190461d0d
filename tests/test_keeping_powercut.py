"""
Tests for what a crash makes of what is replaced, restored, removed and brought
back: see :mod:`tests.keeping_stories`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.keeping_stories import STORIES, Teller


class KeepingStoryTests(SynchronousTestCase):
    """
    However it ends, a name has what it had or what it was to have, the index
    knows of that and of nothing else, and what was acknowledged stays so.
    """

    def test_replaced(self) -> None:
        """
        A file that is replaced is a version, and the index knows it.
        """
        Teller().replaced()
        Teller().replaced_degraded()

    def test_restored(self) -> None:
        """
        A version that is restored is the file or is not, after any number of
        crashes.
        """
        Teller(again=True).restored()
        Teller().restored_degraded()
        Teller().restored_long_label()
        Teller().restored_to_nothing()

    def test_removed(self) -> None:
        """
        What is removed is there with its versions or gone with them, after any
        number of crashes.
        """
        Teller(again=True).removed()
        Teller(again=True).version_removed()

    def test_removed_and_free(self) -> None:
        """
        What comes after a removal is not taken for what was to go.
        """
        Teller().removed_and_free()

    def test_taken_down(self) -> None:
        """
        What is taken down is gone from everywhere.
        """
        Teller().taken_down()

    def test_expired(self) -> None:
        """
        What goes by age is there or in the trash, after any number of crashes.
        """
        Teller(again=True).expired()
        Teller().expired_degraded()
        Teller().expired_for_good()
        Teller().crowded()

    def test_brought_back(self) -> None:
        """
        What comes back is there or in the trash, after any number of crashes.
        """
        Teller(again=True).brought_back()
        Teller().brought_back_degraded()
        Teller().brought_back_long_label()

    def test_purged(self) -> None:
        """
        What goes from the trash is there or is not.
        """
        Teller(again=True).purged()

    def test_fast(self) -> None:
        """
        Where nothing is synced, the death of the process loses nothing still.
        """
        for story in STORIES:
            story(Teller(durable=False))
