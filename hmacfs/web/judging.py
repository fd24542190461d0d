"""
May this client have what it asks for?  The verdicts of
:mod:`hmacfs.permission`, on requests.

A refusal tells the client no more than it must; what the operator wants to
know, which message a signature was checked against say, goes to the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.interfaces import IReactorTime

from hmacfs.errors import Refusal
from hmacfs.events import AccessRefused
from hmacfs.http1 import Head
from hmacfs.interfaces.hub import IHub
from hmacfs.names import StoredName
from hmacfs.operations import Operation
from hmacfs.permission import deletion_verdict, download_verdict, operation_verdict
from hmacfs.rules import Rules
from hmacfs.web.engine import head_of
from hmacfs.web.request import UploadRequest

T = TypeVar("T")


class Judging:
    """
    Decides on requests for what is there.
    """

    def __init__(self, hub: IHub, clock: IReactorTime, rules: Rules) -> None:
        self._hub = hub
        self._clock = clock
        self._rules = rules

    def download(self, request: UploadRequest) -> StoredName:
        """
        See :func:`hmacfs.permission.download_verdict`.
        """
        return self._judged(request, download_verdict)

    def operation(self, request: UploadRequest) -> tuple[StoredName, Operation]:
        """
        See :func:`hmacfs.permission.operation_verdict`.
        """
        return self._judged(request, operation_verdict)

    def deletion(self, request: UploadRequest) -> StoredName:
        """
        See :func:`hmacfs.permission.deletion_verdict`.
        """
        return self._judged(request, deletion_verdict)

    def _judged(self, request: UploadRequest, verdict: Callable[[Head, float, Rules], T]) -> T:
        try:
            return verdict(head_of(request), request.started, self._rules)
        except Refusal as refusal:
            if refusal.hint:
                self._hub.emit(
                    AccessRefused(
                        at=self._clock.seconds(),
                        request=request.id,
                        status=refusal.status,
                        code=refusal.code,
                        hint=refusal.hint,
                    )
                )
            raise
