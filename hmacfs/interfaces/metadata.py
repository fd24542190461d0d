"""
What is asked of whoever remembers uploads.
"""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from zope.interface import Interface

from hmacfs.records import Sharing
from hmacfs.uploads import UploadRecord


class IMetadata(Interface):
    """
    What is remembered of uploads.

    Ids are never used twice.  A record that is past its ``until`` may be
    forgotten at any time, and is so at the latest when it is removed.
    """

    def start() -> Deferred[None]:
        """Get ready."""

    def stop() -> Deferred[None]:
        """Finish what was asked for, and let go of everything."""

    def put(record: UploadRecord) -> Deferred[None]:
        """
        Remember *record*, in place of one with the same id and a lower
        revision.  One with the same or a higher revision stays as it is, and
        an id that was removed stays removed.

        :return: fires when it is kept: where the provider outlives this
            process, so that the next one finds it.
        """

    def get(id: str) -> Deferred[UploadRecord | None]:
        """
        :return: fires with the record; ``None`` where there is none, or it
            was removed.
        """

    def remove(id: str) -> Deferred[None]:
        """
        Forget a record, known or not, and remember for ``UploadExpiry`` that
        it was removed.  Harmless when called twice.
        """


class ILedger(IMetadata):
    """
    Metadata of one node, which can be gone through.
    """

    def all() -> Deferred[Sequence[UploadRecord]]:
        """
        :return: fires with this node's own records, in the order of their ids.
        """

    def expired(now: float, most: int) -> Deferred[Sequence[UploadRecord]]:
        """
        :param now: unix seconds.
        :return: fires with up to *most* records whose ``until`` is over, the
            oldest first.
        """

    def faults() -> Sequence[str]:
        """
        :return: what an operator should know of it as it stands, a sentence
            each.  Empty where all is well.
        """


class ISharedMetadata(IMetadata):
    """
    Metadata that several nodes share, on a server that may go away.

    A record there goes by itself once its ``until`` is over.

    Each call but the first and the last ends within 250 ms, and fails with
    :class:`hmacfs.errors.MetadataUnavailable` where the server did not answer
    by then, or refused.
    """

    def start() -> Deferred[None]:
        """
        Get ready.

        :return: fires when the server was reached, or soon without.
        """

    def server() -> Deferred[str]:
        """
        :return: fires with a name for the server that has it, which changes
            whenever that is started anew.
        """


class ISharing(Interface):
    """
    Metadata that tells others of its own records.
    """

    def sharing() -> Deferred[Sharing]:
        """
        :return: fires with how it stands, for the metrics.
        """
