"""
Tests of what a real daemon takes of memory.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.calling import ProcessCase, places
from tests.process import Daemon

CLIENTS = 64
UPLOADS = 12
BODY = b"x" * 200_000
"""Too large to be stored at once, too small to be drawn by a thread."""

OVER_IDLE = 40_000_000
"""Bytes; some 10 million were measured, and 45 where bodies waited for the collector."""


class MemoryTests(ProcessCase):
    """
    A daemon's memory does not grow with what its clients send.
    """

    def taken(self, daemon: Daemon, field: str) -> int:
        """
        :param field: of ``/proc/PID/status``.
        :return: bytes.
        """
        lines = Path(f"/proc/{daemon.pid}/status").read_text().splitlines()
        found = dict(line.split(":", 1) for line in lines)
        return int(found[field].split()[0]) * 1024

    def test_flood(self) -> None:
        """
        Uploads of many clients at once leave it where it was, within 40 MB.
        """
        daemon = self.start(Durability="fast")
        place, idle = places(daemon)[0], self.taken(daemon, "VmRSS")

        def upload(number: int) -> set[int]:
            caller = self.connect(place)
            return {caller.upload(f"{number}-{at}", BODY) for at in range(UPLOADS)}

        with ThreadPoolExecutor(CLIENTS) as clients:
            statuses = set().union(*clients.map(upload, range(CLIENTS)))
        self.assertEqual(statuses, {201})
        self.assertLess(self.taken(daemon, "VmHWM") - idle, OVER_IDLE)
