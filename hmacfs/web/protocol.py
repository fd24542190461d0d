"""
What a protocol of resumable uploads says to one request, on the wire.

The tables are in :mod:`hmacfs.resumable`; here they become the headers of an
answer, of a refusal, and of a 104.
"""

from __future__ import annotations

import attrs

from hmacfs.errors import Headers, Refusal
from hmacfs.records import FileRecord
from hmacfs.resumable.draft import informed, supported
from hmacfs.resumable.steps import Front, Standing, Step
from hmacfs.uploads import UploadRecord
from hmacfs.web.answers import identity
from hmacfs.web.request import UploadRequest


def describe(request: UploadRequest, file: FileRecord) -> None:
    """
    Say in the answer to an upload which file it has become.
    """
    assert request.head is not None
    for name, value in identity(file, request.head.get):
        request.setHeader(name, value)


class Protocol:
    """
    One request, as *front* sees it.

    :ivar standing: where its upload stands, as far as is known by now.
    """

    def __init__(self, request: UploadRequest, front: Front, most: int | None) -> None:
        """
        :param most: ``MaxUploadSize``.
        """
        assert request.head is not None
        self.front = front
        self._request = request
        self._interop = informed(request.head)
        self.standing = Standing(now=request.started, most=most, interop=self._interop)
        request.protocol = self

    def stands(self, record: UploadRecord, offset: int, location: bytes = b"") -> None:
        """
        Take note of where the upload stands.

        :param location: its absolute URL, where that is to be told.
        """
        told = Standing.of(record, offset, self._request.started)
        self.standing = attrs.evolve(
            told, location=location, most=self.standing.most, interop=self._interop
        )

    def answer(self, step: Step, file: FileRecord | None = None) -> None:
        """
        Tell the client that *step* is done.

        :param file: the file, if it is there now.
        """
        request = self._request
        if request.channel is None:
            return
        status, headers = self.front.answer(step, self.standing)
        request.setResponseCode(status)
        for name, value in headers:
            request.setHeader(name, value)
        if file is not None:
            describe(request, file)
        if status != 204:
            request.setHeader(b"Content-Length", b"0")
        request.finish()

    def inform(self) -> None:
        """
        Tell the client by a 104 that its upload can be gone on with, where it
        understands that and no proxy stands between.
        """
        if self._interop is not None and self._request.channel is not None:
            self._request.channel.inform(supported(self.standing))

    def refused(self, refusal: Refusal) -> Headers:
        """
        :return: what the answer to *refusal* has beside its own headers.
        """
        return self.front.refused(refusal, self.standing)
