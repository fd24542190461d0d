"""
Tests for :mod:`hmacfs.cli.fetching`, against servers that play a script.
"""

from __future__ import annotations

import json
import socket
from io import StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.cli.failures import Failure
from hmacfs.cli.fetching import Fetching
from hmacfs.cli.landing import PartFile
from hmacfs.cli.progress import Lines
from hmacfs.cli.retries import MOST, Retries
from hmacfs.cli.ways import Way
from tests.script import Scene, Script, answer

BODY = b"0123456789"
ETAG = 'ETag: "a"'


def whole(count: int = 10, etag: str = ETAG, body: bytes = BODY) -> Scene:
    """
    :return: the file, of which the first *count* bytes come.
    """
    cuts = count < len(body)
    return Scene(answer(200, etag, body=body[:count], length=len(body)), cuts=cuts)


def rest(start: int, count: int = 10, etag: str = ETAG) -> Scene:
    """
    :return: the file from *start* on, of which the first *count* bytes come.
    """
    place = f"Content-Range: bytes {start}-9/10"
    body = BODY[start:]
    cuts = count < len(body)
    return Scene(answer(206, etag, place, body=body[:count], length=len(body)), cuts=cuts)


def outside(total: int) -> Scene:
    """
    :return: what is said where no byte of the range is in the file.
    """
    return Scene(answer(416, f"Content-Range: bytes */{total}"))


class FetchingTestCase(SynchronousTestCase):
    """
    What the tests below share.
    """

    def setUp(self) -> None:
        """Have a place for the file, and a clock that does not tick."""
        self.path = Path(self.mktemp())
        self.said = StringIO()
        self.slept: list[float] = []

    def fetch(self, way: Way) -> None:
        """
        Fetch the file from there.
        """
        progress = Lines(self.said)
        retries = Retries(progress.say, self.slept.append, lambda least, most: most)
        landing = PartFile(str(self.path))
        try:
            Fetching(way, "/u/f", "f", landing, progress, retries).fetch()
        finally:
            landing.close()

    def play(self, *scenes: Scene) -> list[tuple[str, ...]]:
        """
        Fetch the file from a server that plays *scenes*, all of them.

        :return: ``Range`` and ``If-Range`` of each request.
        """
        self.script = Script(*scenes)
        try:
            self.fetch(self.script.way)
        finally:
            self.script.stop()
        self.assertEqual(self.script.unplayed, [])
        return [asked.get("Range", "If-Range") for asked in self.script.asked]

    def leave(self, data: bytes, etag: str = '"a"') -> None:
        """
        Be a command that was ended after *data* had come.
        """
        part = PartFile(str(self.path))
        part.begin(etag)
        part.write(data)
        part.close()

    def assertFetched(self, body: bytes = BODY) -> None:
        """
        Check that the file is there, and nothing beside it.
        """
        found = {path.name: path.read_bytes() for path in self.path.parent.glob("*[!.log]")}
        names = {name: data for name, data in found.items() if name.startswith(self.path.name)}
        self.assertEqual(names, {self.path.name: body})

    def assertFails(self, *scenes: Scene) -> str:
        """
        Check that the last of *scenes* ends it, without a file.

        :return: what is said of it.
        """
        failure = self.assertRaises(Failure, self.play, *scenes)
        self.assertEqual((self.script.unplayed, self.path.exists()), ([], False))
        return failure.text


class ResumptionTests(FetchingTestCase):
    """
    What has come is gone on with, as long as the file is the same.
    """

    def test_whole(self) -> None:
        """
        The whole file is asked for, and has its name when it is there.
        """
        self.assertEqual(self.play(whole()), [("", "")])
        self.assertFetched()
        self.assertEqual(self.slept, [])

    def test_empty(self) -> None:
        """
        So it is with a file that has nothing in it.
        """
        self.assertEqual(self.play(whole(body=b"")), [("", "")])
        self.assertFetched(b"")

    def test_chunked(self) -> None:
        """
        Chunks tell by themselves when all of them are there.
        """
        head = f"HTTP/1.1 200 Said\r\n{ETAG}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        told = self.play(
            Scene(head + b"4\r\n0123\r\n6\r\n45", cuts=True),
            Scene(head + b"a\r\n0123456789\r\n0\r\n\r\n"),
        )
        self.assertEqual(told, [("", ""), ("bytes=6-", '"a"')])
        self.assertFetched()

    def test_cut(self) -> None:
        """
        Where the connection breaks, the rest is asked for.
        """
        self.assertEqual(
            self.play(whole(4), rest(4, 3), rest(7)),
            [("", ""), ("bytes=4-", '"a"'), ("bytes=7-", '"a"')],
        )
        self.assertFetched()

    def test_second_start(self) -> None:
        """
        What an earlier command fetched is not fetched again.
        """
        self.leave(b"0123")
        self.assertEqual(self.play(rest(4)), [("bytes=4-", '"a"')])
        self.assertFetched()

    def test_complete(self) -> None:
        """
        Nor is anything where all of it had come.
        """
        self.leave(BODY)
        self.assertEqual(self.play(outside(10)), [("bytes=10-", '"a"')])
        self.assertFetched()

    def test_replaced(self) -> None:
        """
        Another file by now is fetched from its beginning.
        """
        self.leave(b"abcd", '"former"')
        self.assertEqual(self.play(whole()), [("bytes=4-", '"former"')])
        self.assertFetched()

    def test_shrunk(self) -> None:
        """
        So it is where more had come than there is.
        """
        self.leave(b"a" * 12)
        self.assertEqual(self.play(outside(10), whole()), [("bytes=12-", '"a"'), ("", "")])
        self.assertFetched()

    def test_other_part(self) -> None:
        """
        A part that was not asked for, or of another file, is not put behind what is there.
        """
        no_place = Scene(answer(206, ETAG, body=BODY[4:]))
        for wrong in (rest(3), rest(4, etag='ETag: "b"'), no_place):
            self.leave(b"0123")
            self.assertEqual(self.play(wrong, whole()), [("bytes=4-", '"a"'), ("", "")])
            self.assertFetched()
            self.path.unlink()

    def test_no_etag(self) -> None:
        """
        Without a tag to tell one file from another, it begins anew.
        """
        for etag in ('ETag: W/"a"', "X: y"):
            self.assertEqual(self.play(whole(4, etag), whole(10, etag)), [("", "")] * 2)
            self.assertFetched()

    def test_later(self) -> None:
        """
        A server that wants to be asked later is asked later.
        """
        later = Scene(answer(503, "Retry-After: 3"))
        self.assertEqual(len(self.play(later, whole(4), later, rest(4))), 4)
        self.assertFetched()
        self.assertEqual(self.slept, [3.0, 0.25, 3.0])


class EndTests(FetchingTestCase):
    """
    What cannot go well ends, and says why.
    """

    def test_refusals(self) -> None:
        """
        A refusal is final, and what has come stays for another time.
        """
        said = json.dumps({"status": 404, "code": "not-found", "text": "Nothing."}).encode()
        text = self.assertFails(whole(4), Scene(answer(404, body=said)))
        self.assertIn("the download: answered 404. Nothing.", text)
        self.assertEqual(Path(f"{self.path}.part").read_bytes(), b"0123")

    def test_redirect(self) -> None:
        """
        A redirect is told of.
        """
        self.assertIn("redirects", self.assertFails(Scene(answer(302))))

    def test_no_length(self) -> None:
        """
        A file of which nobody could say whether it is all there is not taken.
        """
        scene = Scene(b"HTTP/1.1 200 Said\r\n\r\n0123", cuts=True)
        self.assertIn("how long", self.assertFails(scene))

    def test_no_progress(self) -> None:
        """
        One that always breaks at the same byte is given up.
        """
        stuck = [rest(4, 0)] * MOST
        self.assertIn("broke at byte 4 of 10", self.assertFails(whole(4), *stuck))
        wholes = [whole(4, "X: y")] * (MOST + 1)
        self.assertIn("Given up", self.assertFails(*wholes))

    def test_nobody(self) -> None:
        """
        So is one where nobody listens.
        """
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        failure = self.assertRaises(Failure, self.fetch, Way(f"http://127.0.0.1:{port}"))
        self.assertIn("nothing answers", failure.text)
        self.assertEqual(len(self.slept), MOST)

    def test_hopeless(self) -> None:
        """
        Where it would never be different, it is not tried twice.
        """
        script = Script()
        self.addCleanup(script.stop)
        failure = self.assertRaises(Failure, self.fetch, Way(f"https://127.0.0.1:{script.port}"))
        self.assertIn("TLS with", failure.text)
        self.assertEqual(self.slept, [])
