"""
What everybody tells the hub.
"""

from __future__ import annotations

from zope.interface import Interface

from hmacfs.events import Event


class IHub(Interface):
    """Where events go."""

    def emit(event: Event) -> None:
        """
        Take *event* for every listener; returns before any of them hears it.
        Never raises.
        """
