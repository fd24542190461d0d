"""
Tests for :mod:`hmacfs.listeners`.
"""

from __future__ import annotations

from io import BytesIO

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.events import ConnectionOpened
from hmacfs.listeners import Listeners
from hmacfs.logs import Stream
from tests.serving import settings


class ListenersTests(SynchronousTestCase):
    """
    The log and the metrics hear of what happens.
    """

    def test_refresh(self) -> None:
        """
        Who looks at the metrics finds all that happened before, told or not.
        """
        listeners = Listeners(settings(), Stream(BytesIO()), Clock())
        for number in (1, 2, 3):
            listeners.hub.emit(ConnectionOpened(at=0.0, connection=number, peer="unix"))
        self.successResultOf(listeners.refresh())
        registry = listeners.metrics.registry
        self.assertEqual(registry.get_sample_value("hmacfs_connections_total"), 3)
