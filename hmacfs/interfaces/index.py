"""
What is asked of the index of a store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from zope.interface import Interface

from hmacfs.records import Totals

T = TypeVar("T")


class IDatabase(Interface):
    """
    An SQLite database that one thread owns.
    """

    def run(function: Callable[..., T], *args: Any) -> Deferred[T]:
        """
        Call *function* in that thread, with the ``sqlite3.Connection`` and
        *args*, after all that was asked for before.

        The call is one transaction: *function* begins none, commits none, and
        returns nothing that still reads, as a cursor does.

        :return: fires with what it returned, when all that it changed would
            survive a power cut; or fails with what it raised, and nothing is
            changed.  It fires in the order of the calls.
        :raise OSError: ``ENOSPC``, there is no room.
        """

    def note(function: Callable[..., T], *args: Any) -> Deferred[T]:
        """
        As :meth:`run`, for what may be lost: it survives the death of this
        process when it fires, and a power cut from the next :meth:`run` on
        that changes anything.
        """

    def insist(function: Callable[..., T], *args: Any) -> Deferred[T]:
        """
        As :meth:`run`, for what makes room in the end: on a full disk it has
        the room that is kept back for this.
        """


class IIndex(IDatabase):
    """
    What orders and searches the files: a row for each, and tables beside it.

    The files are the truth.  A row follows its file, soon, and is never in the
    way of an answer; an index that is lost can be made anew from the files.
    What can be asked and said, by :meth:`run`, stands in
    :mod:`hmacfs.store.tables`.
    """

    def start() -> Deferred[None]:
        """Get ready, with what was written before or, where that is lost, with nothing."""

    def stop() -> Deferred[None]:
        """Let go of it."""

    def totals() -> Totals:
        """
        :return: how much it lists.
        """

    def faults() -> Sequence[str]:
        """
        :return: a sentence for each thing that is wrong with it; empty where
            all is well.
        """
