"""
The way of a file from the server, over as many connections as it takes.

What is there already is gone on with by ``Range``, under the condition that the
file is still the same (``If-Range``, RFC 9110 section 13.1.5): a server that has
another one by now answers with all of that, and it is begun anew.  The length
that the server tells is the length that must come.
"""

from __future__ import annotations

import re
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse

from hmacfs.cli import connections, replies
from hmacfs.cli.failures import Failure
from hmacfs.cli.landing import Landing
from hmacfs.cli.progress import Progress
from hmacfs.cli.retries import TEMPORARY, Interruption, Retries, retry_after
from hmacfs.cli.ways import Way

#: Bytes that are read and written at once.
BLOCK = 256 * 1024

#: Seconds that the server may be silent.
PATIENCE = 60

# Content-Range of a 206, and of a 416 (RFC 9110 section 14.4).
_PART = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})")
_OUTSIDE = re.compile(r"bytes \*/([0-9]{1,19})")


class Fetching:
    """
    One file on its way from one URL.
    """

    def __init__(
        self,
        way: Way,
        target: str,
        name: str,
        landing: Landing,
        progress: Progress,
        retries: Retries,
    ) -> None:
        """
        :param target: the path and query of the URL, as they stand in a request.
        :param name: how to call the file to who looks on.
        """
        self._way = way
        self._target = target
        self._name = name
        self._landing = landing
        self._progress = progress
        self._retries = retries
        self._connection: HTTPConnection = connections.prepare(way, PATIENCE)
        # Bytes of all of it, or None where the server does not tell.
        self._total: int | None = None
        # How far it ever was: what has to come again is no progress.
        self._furthest = landing.offset

    def fetch(self) -> None:
        """
        Fetch what is missing, until all of it is there.

        :raise Failure: the server refuses, or cannot be reached for long.
        """
        try:
            while True:
                try:
                    with self._ask() as response:
                        complete = self._get(response)
                    if complete:
                        self._landing.finish()
                        return
                except Interruption as interruption:
                    self._connection.close()
                    self._retries.pause(interruption)
        finally:
            self._connection.close()

    def _get(self, response: HTTPResponse) -> bool:
        """
        :return: whether all of it is there.
        """
        if response.status == 200:
            self._begin(response)
        elif response.status == 206:
            if not self._fits(response):
                # It says that it goes on, and does so elsewhere: not with this one.
                self._again("The server goes on at another byte.")
                return False
            self._progress.begin(self._doing, self._total, self._landing.offset)
        elif response.status == 416 and self._landing.offset:
            found = _OUTSIDE.fullmatch(str(response.headers.get("Content-Range", "")))
            if found and int(found[1]) == self._landing.offset:
                return True
            self._again("There is more of it here than the server has.")
            return False
        else:
            raise self._read(response).failure("the download")
        self._take(response)
        return True

    @property
    def _doing(self) -> str:
        return f"downloading {self._name}"

    def _ask(self) -> HTTPResponse:
        """
        :return: an answer that is about the file, its body yet to be read.
        """
        connection, landing = self._connection, self._landing
        if connection.sock is None:
            try:
                connection.connect()
            except OSError as error:
                text = connections.reason(error, self._way)
                if connections.hopeless(error):
                    raise Failure(text) from None
                raise Interruption(text) from None
        try:
            connection.putrequest("GET", self._target, skip_accept_encoding=True)
            connection.putheader("Accept", "application/json, */*;q=0.5")
            if self._way.authorization:
                connection.putheader("Authorization", self._way.authorization)
            if landing.offset and landing.etag:
                connection.putheader("Range", f"bytes={landing.offset}-")
                connection.putheader("If-Range", landing.etag)
            connection.endheaders()
            response = connection.getresponse()
        except (HTTPException, OSError) as error:
            raise Interruption(f"The download broke: {error or type(error).__name__}.") from None
        if response.status in TEMPORARY:
            wait = retry_after(response.headers, time.time())
            raise Interruption(f"The server {self._read(response).text()}", wait)
        return response

    def _read(self, response: HTTPResponse) -> replies.Reply:
        try:
            return replies.read(response, self._connection)
        except (HTTPException, OSError):
            return replies.Reply(response.status, response.headers)

    def _begin(self, response: HTTPResponse) -> None:
        """
        All of it comes, from its first byte on.
        """
        length = response.length
        if length is None and response.headers.get("Transfer-Encoding") is None:
            raise Failure(
                "The server does not say how long the file is, so nobody could tell when it is "
                "all there."
            )
        self._total = length
        self._landing.begin(str(response.headers.get("ETag", "")))
        self._progress.begin(self._doing, self._total, 0)

    def _fits(self, response: HTTPResponse) -> bool:
        """
        :return: whether what comes goes on with what is there.
        """
        found = _PART.fullmatch(str(response.headers.get("Content-Range", "")))
        if found is None or response.headers.get("ETag", self._landing.etag) != self._landing.etag:
            return False
        first, last, total = map(int, found.groups())
        self._total = total
        return first == self._landing.offset and first <= last < total

    def _again(self, why: str) -> None:
        """
        Begin anew with the next request.
        """
        self._connection.close()
        self._landing.begin("")
        self._retries.pause(Interruption(why))

    def _take(self, response: HTTPResponse) -> None:
        """
        :raise Interruption: it breaks off before all of it is there.
        """
        landing = self._landing
        while True:
            try:
                # One read of the connection at most, so that what came is kept.
                block = response.read1(BLOCK)
            except (HTTPException, OSError) as error:
                raise Interruption(
                    f"The download broke: {error or type(error).__name__}."
                ) from None
            if not block:
                break
            landing.write(block)
            if landing.offset > self._furthest:
                self._furthest = landing.offset
                self._retries.progressed()
            self._progress.at(landing.offset)
        if self._total is not None and landing.offset != self._total:
            raise Interruption(f"The download broke at byte {landing.offset} of {self._total}.")
