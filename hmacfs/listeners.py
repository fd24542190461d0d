"""
Who hears of events in every process of a daemon.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from hmacfs.access_log import AccessLog
from hmacfs.hub import PAUSE, Hub
from hmacfs.keeping_metrics import KeepingMetrics
from hmacfs.logs import LogFile, Stream
from hmacfs.metrics import Metrics
from hmacfs.request_lines import RequestLines
from hmacfs.settings import Settings


class Listeners:
    """
    The events, and those that hear of all: the log and the metrics.
    """

    def __init__(
        self,
        settings: Settings,
        output: LogFile | Stream,
        reactor: Any,
        straight: RequestLines | None = None,
    ) -> None:
        """
        :param output: where the log goes.
        :param straight: as of :class:`hmacfs.access_log.AccessLog`.
        """
        self.hub = Hub(reactor, output.gathered, PAUSE)
        access_log = AccessLog(settings.log_level, straight)
        self.hub.listen(access_log.heard, access_log.kinds)
        self.metrics = Metrics()
        for kind, deed in self.metrics.deeds.items():
            self.hub.listen(deed, [kind])
        self.keeping = KeepingMetrics(self.metrics.registry)
        self.hub.listen(self.keeping.heard, self.keeping.kinds)

    def refresh(self) -> Deferred[None]:
        """
        Have all heard of what happened before.

        :return: fires when the metrics are those of now.
        """
        self.hub.flush()
        return succeed(None)
