"""
Tests for :mod:`hmacfs.store.tables.state`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.store.tables import state
from tests.tables import WithTables


class StateTests(WithTables, SynchronousTestCase):
    """
    What was put last is what is there.
    """

    def test_state(self) -> None:
        """
        Each key has a value of its own, of whatever JSON can say.
        """
        state.put(self.database, "a", {"after": ["ä", 1.5], "rows": None})
        state.put(self.database, "b", 1)
        state.put(self.database, "b", [2])
        self.assertEqual(
            [state.get(self.database, key) for key in "abc"],
            [{"after": ["ä", 1.5], "rows": None}, [2], None],
        )
