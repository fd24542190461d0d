"""
What the parts of ``web`` ask of each other, and of other processes.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from zope.interface import Attribute, Interface

from hmacfs.interfaces.disk import Drawn
from hmacfs.names import StoredName


class ITurn(Interface):
    """One request's turn at a name."""

    size = Attribute("Bytes of its file, ``None`` where its end will tell.")
    ended = Attribute("A :class:`Deferred` that fires with ``None`` when the name is free again.")

    def supersede(keep: bool) -> None:
        """
        A newer request wants the name.

        :param keep: whether it goes on with the same upload.
        """


class INeighbours(Interface):
    """
    The other processes of this daemon that serve the same names.
    """

    def enter(name: StoredName, turn: ITurn, going_on: bool) -> Deferred[None] | None:
        """
        Take the place of whoever has *name* in another process; until *turn*
        has ended, others that come later take its own.

        :param going_on: as of :meth:`hmacfs.web.turns.Turns.take`.
        :return: fires when the turns that came before are over; what they left
            is known here by then.  ``None`` where nobody is there.
        """

    def size(name: StoredName) -> Deferred[int | None] | None:
        """
        :return: fires with the bytes of the file that is on its way to *name*
            in another process, ``None`` where there is none or its end will
            tell; ``None`` at once where nobody is there.
        """

    def alone(name: StoredName) -> bool:
        """
        :return: whether no other process has a turn at *name*; ``False`` where
            one may have.
        """


class ITakesBodies(Interface):
    """
    A resource that is asked before the body of a request is read.
    """

    body_methods = Attribute("The methods, as ``bytes``, whose bodies it takes.")

    def admit(request: Any) -> Deferred[IBody]:
        """
        Decide on *request*, a :class:`hmacfs.web.request.UploadRequest`, by its
        head alone; the client is held back meanwhile.

        :return: fires with who takes the body.  The client hears
            ``100 Continue`` then, not before.
        :raise Refusal: it is answered, and the body is not read.
        """


class IBody(IConsumer):
    """
    Who takes the body of one request, and answers it.
    """

    draws = Attribute("Whether :meth:`draw` may be called.")

    def draw(socket: int, most: int) -> Deferred[Drawn]:
        """
        Take what is on a socket, behind all that was written: as
        :meth:`IUpload.draw`.  It answers by itself where that fails.
        """

    def finished() -> None:
        """The body is here to its last byte: answer when it is kept."""

    def lost(reason: str) -> None:
        """
        No more of the body will come; whatever is to be said to the client is
        said by the caller.

        :param reason: as of :class:`hmacfs.events.RequestFailed`, or the code
            of a refusal.
        """
