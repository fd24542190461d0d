"""
What every daemon stands on, whether one process serves or several.

The store, what is remembered of uploads, and the reunion of both; the duties,
the commands of an operator, and what the metrics read.  :mod:`hmacfs.tap` and
:mod:`hmacfs.supervisor` say what is built on it.
"""

from __future__ import annotations

from typing import Any

from hmacfs.care.care import Care
from hmacfs.control.desk import Desk
from hmacfs.control.errands import Errands
from hmacfs.control.server import ControlSocket
from hmacfs.daemon import Part
from hmacfs.interfaces.metadata import ISharing
from hmacfs.listeners import Listeners
from hmacfs.metadata.opening import open_metadata
from hmacfs.metrics_site import MetricsSite
from hmacfs.ports import Ports
from hmacfs.readings import Reading, Readings
from hmacfs.reunion import Reunion
from hmacfs.settings import Settings
from hmacfs.sharing_metrics import SharingMetrics
from hmacfs.store.company import Alone
from hmacfs.store.opening import open_filesystem


class Foundation:
    """
    The store, and all that looks after it.
    """

    def __init__(
        self,
        settings: Settings,
        listeners: Listeners,
        reactor: Any,
        company: Alone | None = None,
    ) -> None:
        """
        :param company: as of :class:`hmacfs.store.filesystem.FilesystemStore`.
        """
        self._settings = settings
        self._reactor = reactor
        self._hub, self._metrics = listeners.hub, listeners.metrics
        self._keeping = listeners.keeping
        self.store, self.database = open_filesystem(settings, reactor, company)
        self.metadata = open_metadata(settings, self.database, self._hub, reactor)
        node = settings.public_url if settings.redis_url else ""
        expiry = settings.upload_expiry
        self.reunion = Reunion(self.store, self.store, self.metadata, node, reactor, expiry)
        self.care = Care(settings, self.store, self.metadata, self.database, self._hub, reactor)
        errands = Errands(Desk(self.store, self.database, self.care, reactor))
        self._control = ControlSocket(settings.store_dir, errands.perform, reactor)
        self._readings = self._read()

    def metrics_site(self, site: MetricsSite) -> Ports:
        """
        :return: where *site* is to be asked.
        """
        settings = self._settings
        addresses = settings.metrics_port if settings.metrics_enabled else ()
        return Ports(self._reactor, "MetricsPort", addresses, settings.unix_socket_mode, site)

    def parts(self) -> list[Part]:
        """
        :return: all of it, in the order in which it starts.
        """
        store, metadata, metrics = self.store, self.metadata, self._metrics
        return [
            Part("the event hub", stop=self._hub.flush),
            Part("the store", store.start, store.stop),
            Part("the metadata of uploads", metadata.start, metadata.stop),
            Part("the reunion of both", self.reunion.run),
            Part(
                "the number of those that wait",
                lambda: metrics.watch(lambda: len(store.unfinished())),
                lambda: metrics.watch(int),
            ),
            Part("the control socket", self._control.open, self._control.close),
            Part("the readings", self._readings.startService, self._readings.stopService),
        ]

    def _read(self) -> Readings:
        hub, metrics, keeping = self._hub, self._metrics, self._keeping
        care, metadata = self.care, self.metadata
        asked = [
            Reading("what the store holds", self.store.figures, metrics.measured),
            Reading("what is kept", self.database.totals, keeping.measured),
            Reading("how far the crawl is", lambda: care.crawling.looked, keeping.crawled),
        ]
        if ISharing.providedBy(metadata):
            sharing = SharingMetrics(metrics.registry)
            hub.listen(sharing.heard, sharing.kinds)
            asked.append(Reading("how Redis stands", metadata.sharing, sharing.measured))
        return Readings(asked, metrics.lagged, self._reactor)
