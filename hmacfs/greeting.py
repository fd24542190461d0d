"""
The first lines of the log: what an operator looks for in the first minute.
"""

from __future__ import annotations

import platform
import shlex

from twisted.copyright import version as twisted_version
from twisted.logger import Logger

from hmacfs import __version__
from hmacfs.interfaces.metadata import ILedger
from hmacfs.interfaces.store import IStore
from hmacfs.loading import Loaded
from hmacfs.ports import Ports
from hmacfs.redis_url import parse
from hmacfs.units import format_duration

_PROMISES = {
    "full": "what is answered 201 survives a power cut",
    "fast": "what is answered 201 survives the death of this process, and a power cut may take it",
}


class Greeting:
    """
    What one daemon says when it starts.
    """

    log = Logger()

    def __init__(
        self, loaded: Loaded, store: IStore, metadata: ILedger, public: Ports, metrics: Ports
    ) -> None:
        self._loaded, self._store, self._metadata = loaded, store, metadata
        self._public, self._metrics = public, metrics

    def introduce(self) -> None:
        """
        Say what runs, by which settings, and what is doubtful about these.
        """
        self.log.info(
            "hmacfs {version} with Twisted {twisted} on Python {python}",
            version=__version__,
            twisted=twisted_version,
            python=platform.python_version(),
        )
        loaded = self._loaded
        if loaded.source is None:
            self.log.info("configuration: there is no file, the defaults hold")
        else:
            self.log.info("configuration: {path}", path=loaded.source)
        if loaded.made_secret is not None:
            self.log.info("configuration: a secret was made, {path}", path=loaded.made_secret)
        for warning in loaded.warnings:
            # A field called "warning" would pose as one of Python's.
            self.log.warn("{text}", text=warning)

    def tell_places(self) -> None:
        """
        Say where everything is, once it is there, and what to do next.
        """
        settings = self._loaded.settings
        self.log.info(
            "store: {path}; durability {durability}: {promise}",
            path=settings.store_dir,
            durability=settings.durability,
            promise=_PROMISES[settings.durability],
        )
        faults = self._store.faults()
        for fault in faults:
            self.log.warn("{fault}", fault=fault)
        if not faults:
            self.log.info("store: in order, its files carry their attributes")
        self._tell_uploads()
        for place in self._metrics.places:
            self.log.info("metrics: {place}, at /metrics", place=place)
        for place in self._public.places:
            prefix = settings.upload_sub_dir
            self.log.info("listening: {place}, files at /{prefix}/", place=place, prefix=prefix)
        source = self._loaded.source
        option = "" if source is None else f" --config {shlex.quote(source)}"
        self.log.info(
            'ready; next: "hmacfs try{option}" uploads and fetches a file, '
            '"hmacfs setup prosody URL{option}" tells your XMPP server of it',
            option=option,
        )

    def _tell_uploads(self) -> None:
        """
        Say what becomes of an upload that breaks.
        """
        settings = self._loaded.settings
        if not settings.resumable_uploads_enabled:
            self.log.info("uploads: one that breaks begins anew, as the settings say")
            return
        self.log.info(
            "uploads: one that breaks goes on within {expiry}, by tus, the IETF draft or "
            "Content-Range",
            expiry=format_duration(settings.upload_expiry),
        )
        if settings.redis_url:
            place = parse(settings.redis_url).shown
            self.log.info("Redis: {place}, where other nodes find these uploads", place=place)
        for fault in self._metadata.faults():
            self.log.warn("{fault}", fault=fault)
