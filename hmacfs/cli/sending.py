"""
The way of a file to the server, over as many connections as it takes.

Nothing is remembered here between two starts: the server is asked what it has,
by a PUT with ``Content-Range: bytes */<total>`` to the signed URL, and what it
lacks is sent.  So each turn is one of two requests:

* **ask**, at the start and whenever something broke: 308 with ``Range`` says
  how much is kept, 200 that all of it is there.  Any other answer but those
  that say "later" is of a server that does not speak so: then the whole file
  is sent, each time, and the answer to that is what counts;
* **bring**: the whole file by a plain PUT where nothing is kept, else the rest
  of it with ``Content-Range``.

What the server keeps may be of another file, of the same size, that was begun
under this URL.  So each request promises the SHA-256 of the whole
(``Repr-Digest``, RFC 9530): a mixture is refused, and the file is then sent
from its beginning.  And where the server says that all is there already, before
a byte was sent, it is believed only if it shows the same digest; else the file
is sent, and the server compares.
"""

from __future__ import annotations

import os
import re
import stat
import time
from base64 import b64encode
from collections.abc import Mapping
from hashlib import file_digest
from http.client import HTTPConnection, HTTPException
from io import FileIO

import attrs

from hmacfs.cli import connections, replies
from hmacfs.cli.failures import Failure
from hmacfs.cli.progress import Progress
from hmacfs.cli.replies import Reply
from hmacfs.cli.retries import TEMPORARY, Interruption, Retries, retry_after
from hmacfs.cli.ways import Way

#: Bytes that are read and sent at once.
BLOCK = 256 * 1024

#: Seconds that the server may be silent, and the line be stuck.
PATIENCE = 60

# What a 308 tells of what is kept: it always begins at the first byte.
_KEPT = re.compile(r"bytes=0-([0-9]{1,19})")

#: The code of a refusal that tells where to go on.
_WRONG_OFFSET = "wrong-offset"

#: Answers to the rest of a file that mean: not with what is kept.
_NOT_WITH_THIS = frozenset({400, 404, 410, 501})


@attrs.frozen
class Content:
    """
    A file as it was when its upload began.

    :ivar name: how to call it to who looks on.
    :ivar digest: the value of its ``Repr-Digest``.
    """

    file: FileIO = attrs.field(repr=False)
    name: str
    size: int
    modified: int
    digest: str

    @classmethod
    def of(cls, file: FileIO, name: str) -> Content:
        """
        :param file: open for reading; it is for the caller to close.
        :raise Failure: it is no regular file.
        """
        # Looked at first, so that a change while it is hashed is noticed too.
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise Failure(f"{name} is no regular file.")
        digest = b64encode(file_digest(file, "sha256").digest()).decode()
        return cls(file, name, found.st_size, found.st_mtime_ns, f"sha-256=:{digest}:")

    def read(self, offset: int) -> bytes:
        """
        :return: the next bytes from *offset* on.
        :raise Failure: the file is not what it was.
        """
        block = os.pread(self.file.fileno(), min(BLOCK, self.size - offset), offset)
        found = os.fstat(self.file.fileno())
        if not block or (found.st_size, found.st_mtime_ns) != (self.size, self.modified):
            raise Failure(
                f"{self.name} was changed while it was uploaded: nothing is stored of it.\n"
                "Start again when it is at rest."
            )
        return block


class Sending:
    """
    One file on its way to one URL.
    """

    def __init__(
        self,
        way: Way,
        target: str,
        content: Content,
        content_type: str,
        progress: Progress,
        retries: Retries,
    ) -> None:
        """
        :param target: the path and query that were signed, as they stand in a
            request.
        """
        self._way = way
        self._target = target
        self._content = content
        self._type = content_type
        self._progress = progress
        self._retries = retries
        self._connection: HTTPConnection = connections.prepare(way, PATIENCE)
        self._resumable = True
        # Where to go on, or None where the server has to be asked.
        self._offset: int | None = None
        # How far the server ever was.
        self._furthest = 0
        # Whether the last byte went out, and whether the server had a file before that.
        self._sent = False
        self._doubted = False
        self._began_anew = False

    def send(self) -> None:
        """
        Send what the server lacks, until it has all of it.

        :raise Failure: it refuses, or cannot be reached for long.
        """
        self._progress.begin(f"uploading {self._content.name}", self._content.size, 0)
        try:
            while True:
                try:
                    if self._bring() if self._knows() else self._ask():
                        return
                except Interruption as interruption:
                    self._connection.close()
                    self._offset = None
                    self._retries.pause(interruption)
        finally:
            self._connection.close()

    def _knows(self) -> bool:
        if not self._resumable:
            self._offset = 0
        return self._offset is not None

    def _ask(self) -> bool:
        """
        :return: whether all of it is there.
        """
        fields = {"Want-Repr-Digest": "sha-256=10"}
        reply = self._exchange(fields, f"bytes */{self._content.size}", 0, 0)
        if _tells(reply):
            self._stands(_kept(reply))
        elif reply.status == 200 and self._is_this(reply):
            self._progress.at(self._content.size)
            return True
        elif reply.status == 200:
            self._doubted = True
            self._stands(0)
        elif 300 <= reply.status < 400:
            raise reply.failure("the upload")
        else:
            # Among them a 201: whoever stored the empty body of a question as
            # the file gets the file now.
            self._resumable = False
        return False

    def _bring(self) -> bool:
        """
        :return: whether all of it is there.
        """
        start, size = self._offset, self._content.size
        assert start is not None
        place = f"bytes {start}-{size - 1}/{size}" if start else ""
        reply = self._exchange({"Repr-Digest": self._content.digest}, place, start, size)
        if 200 <= reply.status < 300:
            return True
        if _tells(reply):
            furthest = self._furthest
            self._stands(_kept(reply))
            if self._furthest == furthest:
                # Its word is taken, but not without end.
                self._retries.pause(Interruption(f"The server goes on at byte {self._offset}."))
        elif start and reply.status in _NOT_WITH_THIS and not self._began_anew:
            self._began_anew = True
            self._stands(0)
            self._progress.say("What the server kept is not of this file: it is sent as a whole.")
        else:
            raise reply.failure("the upload")
        return False

    def _stands(self, kept: int) -> None:
        """The server says that it has so many bytes."""
        if kept > self._furthest:
            self._furthest = kept
            self._retries.progressed()
        # It has all of it and stored nothing: no rest is left that could be sent.
        self._offset = kept if kept < self._content.size else 0
        self._progress.at(self._offset)

    def _is_this(self, reply: Reply) -> bool:
        """
        :return: whether the file that the server has is this one.
        """
        digests = str(reply.fields.get("Repr-Digest", "")).split(",")
        return self._content.digest in map(str.strip, digests) or (self._sent and not self._doubted)

    def _exchange(self, fields: Mapping[str, str], place: str, start: int, stop: int) -> Reply:
        """
        PUT the bytes from *start* to before *stop*.

        :param place: the ``Content-Range``; none where it is empty.
        :return: an answer that is about the upload.
        :raise Interruption: there is none, or it says that there will be.
        """
        connection = self._connection
        if connection.sock is None:
            self._connect()
        try:
            connection.putrequest("PUT", self._target, skip_accept_encoding=True)
            connection.putheader("Accept", "application/json")
            connection.putheader("Content-Type", self._type)
            connection.putheader("Content-Length", str(stop - start))
            if place:
                connection.putheader("Content-Range", place)
            if self._way.authorization:
                connection.putheader("Authorization", self._way.authorization)
            for name, value in fields.items():
                connection.putheader(name, value)
            connection.endheaders()
            reply = self._body(start, stop) or replies.receive(connection)
        except (HTTPException, OSError) as error:
            raise Interruption(f"The upload broke: {error or type(error).__name__}.") from None
        if reply.status in TEMPORARY:
            raise Interruption(f"The server {reply.text()}", retry_after(reply.fields, time.time()))
        return reply

    def _connect(self) -> None:
        try:
            self._connection.connect()
        except OSError as error:
            text = connections.reason(error, self._way)
            if connections.hopeless(error):
                raise Failure(text) from None
            raise Interruption(text) from None

    def _body(self, offset: int, stop: int) -> Reply | None:
        """
        :return: the answer, where it came before all was sent.
        """
        while offset < stop:
            block = self._content.read(offset)
            try:
                self._connection.send(block)
            except TimeoutError:
                raise
            except OSError:
                # A refusal does not wait for the body: it is what counts.
                reply = replies.receive(self._connection)
                self._connection.close()
                return reply
            offset += len(block)
            self._progress.at(offset)
            self._sent = offset == self._content.size
        return None


def _tells(reply: Reply) -> bool:
    """
    :return: whether *reply* says how much is kept.
    """
    if reply.status == 308:
        # With a Location it is what RFC 9110 has it for: a redirect.
        return "Location" not in reply.fields
    return reply.status == 409 and ("Range" in reply.fields or reply.said[1] == _WRONG_OFFSET)


def _kept(reply: Reply) -> int:
    """
    :return: the bytes that a 308 or 409 says are kept; without ``Range``, none.
    """
    found = _KEPT.fullmatch(str(reply.fields.get("Range", "")).strip())
    return int(found[1]) + 1 if found else 0
