"""
A body that nobody wants: the request is answered when it is in.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProducer
from zope.interface import implementer

from hmacfs.interfaces.disk import Drawn
from hmacfs.interfaces.web import IBody


@implementer(IBody)
class Reply:
    """
    Takes the body of a request that asks or gives up, which mostly has none.
    """

    def __init__(self, answer: Callable[[], None]) -> None:
        """
        :param answer: answers the request.
        """
        self._answer = answer

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """It is never held back."""

    def unregisterProducer(self) -> None:
        """There was nothing to hold back."""

    def write(self, data: bytes) -> None:
        """Drop it."""

    draws = False

    def draw(self, socket: int, most: int) -> Deferred[Drawn]:
        """There is nothing to draw to."""
        raise NotImplementedError

    def finished(self) -> None:
        """Answer."""
        self._answer()

    def lost(self, reason: str) -> None:
        """There is nobody to answer."""
