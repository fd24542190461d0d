"""
Tests for :mod:`hmacfs.cli.sending`, against servers that play a script.
"""

from __future__ import annotations

import json
import socket
from base64 import b64encode
from hashlib import sha256
from io import FileIO, StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.cli.failures import Failure
from hmacfs.cli.progress import Lines
from hmacfs.cli.retries import MOST, Retries
from hmacfs.cli.sending import Content, Sending
from hmacfs.cli.ways import Way
from tests.script import Scene, Script, answer

BODY = b"0123456789"
DIGEST = f"sha-256=:{b64encode(sha256(BODY).digest()).decode()}:"

NOTHING = Scene(answer(308))
STORED = Scene(answer(201))


def kept(count: int, status: int = 308) -> Scene:
    """
    :return: an answer that says that *count* bytes are kept.
    """
    return Scene(answer(status, f"Range: bytes=0-{count - 1}"))


def refusal(status: int, code: str, *fields: str) -> Scene:
    """
    :return: an answer as hmacfs gives it.
    """
    said = json.dumps({"status": status, "code": code, "text": "No."}).encode()
    return Scene(answer(status, *fields, body=said))


class SendingTestCase(SynchronousTestCase):
    """
    What the tests below share.
    """

    def setUp(self) -> None:
        """Have a file to send, and a clock that does not tick."""
        self.path = Path(self.mktemp())
        self.path.write_bytes(BODY)
        self.file = FileIO(self.path)
        self.addCleanup(self.file.close)
        self.said = StringIO()
        self.slept: list[float] = []

    def sending(self, way: Way) -> Sending:
        """
        :return: the file, ready to be sent there.
        """
        progress = Lines(self.said)
        retries = Retries(progress.say, self.slept.append, lambda least, most: most)
        content = Content.of(self.file, "file")
        return Sending(way, "/u/f?v=1", content, "text/plain", progress, retries)

    def play(self, *scenes: Scene) -> list[tuple[str, bytes]]:
        """
        Send the file to a server that plays *scenes*, all of them.

        :return: the ``Content-Range`` and the body of each request.
        """
        self.script = Script(*scenes)
        try:
            self.sending(self.script.way).send()
        finally:
            self.script.stop()
        self.assertEqual(self.script.unplayed, [])
        return [(*asked.get("Content-Range"), asked.body) for asked in self.script.asked]

    def assertFails(self, *scenes: Scene) -> str:
        """
        Check that the last of *scenes* ends it.

        :return: what is said of it.
        """
        failure = self.assertRaises(Failure, self.play, *scenes)
        self.assertEqual((self.script.unplayed, failure.status), ([], 1))
        return failure.text


class ResumptionTests(SendingTestCase):
    """
    The server is asked what it has, and gets what it lacks.
    """

    def test_whole(self) -> None:
        """
        A server that has nothing gets all of it, as a plain PUT.
        """
        self.assertEqual(self.play(NOTHING, STORED), [("bytes */10", b""), ("", BODY)])
        names = ("Content-Type", "Content-Length", "Repr-Digest", "Accept")
        self.assertEqual(
            [(asked.method, asked.target, asked.get(*names)) for asked in self.script.asked],
            [
                ("PUT", "/u/f?v=1", ("text/plain", "0", "", "application/json")),
                ("PUT", "/u/f?v=1", ("text/plain", "10", DIGEST, "application/json")),
            ],
        )
        self.assertEqual(self.slept, [])

    def test_empty(self) -> None:
        """
        So does one for a file with nothing in it.
        """
        self.path.write_bytes(b"")
        self.assertEqual(self.play(NOTHING, STORED), [("bytes */0", b""), ("", b"")])

    def test_cut(self) -> None:
        """
        Where the connection breaks the server is asked, and gets the rest.
        """
        self.assertEqual(
            self.play(NOTHING, Scene(reads=4, cuts=True), kept(4), STORED),
            [
                ("bytes */10", b""),
                ("", b"0123"),
                ("bytes */10", b""),
                ("bytes 4-9/10", b"456789"),
            ],
        )
        self.assertEqual(len(self.slept), 1)

    def test_second_start(self) -> None:
        """
        What an earlier command sent is not sent again.
        """
        self.assertEqual(
            self.play(kept(7), STORED), [("bytes */10", b""), ("bytes 7-9/10", b"789")]
        )
        self.assertEqual(self.script.asked[1].get("Repr-Digest"), (DIGEST,))

    def test_answer_lost(self) -> None:
        """
        An answer that does not come is asked for.
        """
        for lost in (b"", b"HTTP/1.1 20"):
            self.assertEqual(
                self.play(NOTHING, Scene(lost, cuts=True), Scene(answer(200))),
                [("bytes */10", b""), ("", BODY), ("bytes */10", b"")],
            )

    def test_bad_line(self) -> None:
        """
        A line that breaks after every byte is borne with.
        """
        scenes = [NOTHING]
        for count in range(1, 10):
            scenes += [Scene(reads=1, cuts=True), kept(count)]
        told = self.play(*scenes, STORED)
        self.assertEqual(b"".join(body for _, body in told), BODY)
        self.assertEqual(set(self.slept), {0.25})

    def test_moved(self) -> None:
        """
        A server that says where to go on is believed.
        """
        for moved in (kept(4, 409), kept(4)):
            self.assertEqual(
                self.play(kept(2), moved, STORED)[1:],
                [("bytes 2-9/10", BODY[2:]), ("bytes 4-9/10", BODY[4:])],
            )
        self.assertEqual(self.slept, [])
        self.assertEqual(
            self.play(kept(4), kept(2, 409), STORED)[1:],
            [("bytes 4-9/10", BODY[4:]), ("bytes 2-9/10", BODY[2:])],
        )
        self.assertEqual(len(self.slept), 1)

    def test_lost(self) -> None:
        """
        A server that says that it has nothing any more gets all of it.
        """
        self.assertEqual(
            self.play(kept(4), refusal(409, "wrong-offset"), STORED)[1:],
            [("bytes 4-9/10", BODY[4:]), ("", BODY)],
        )

    def test_not_committed(self) -> None:
        """
        One that has all of it and did not store it gets it once more.
        """
        self.assertEqual(self.play(kept(10), STORED)[1:], [("", BODY)])

    def test_later(self) -> None:
        """
        A server that wants to be asked later is asked later.
        """
        for status in (408, 423, 429, 500, 503):
            self.slept = []
            told = self.play(
                refusal(status, "locked", "Retry-After: 3"), NOTHING, Scene(answer(status)),
                kept(4), STORED,
            )  # fmt: skip
            self.assertEqual((told[-1], self.slept), (("bytes 4-9/10", BODY[4:]), [3.0, 0.5]))
        self.assertIn("The server answered 503. No. Trying again in 3.0 s.", self.said.getvalue())


class OtherFileTests(SendingTestCase):
    """
    What another file left under the same URL is never mixed with this one.
    """

    def test_same(self) -> None:
        """
        A file that is there already is not sent, where the server shows its digest.
        """
        digests = f"Repr-Digest: sha-512=:AAAA:, {DIGEST}"
        self.assertEqual(self.play(Scene(answer(200, digests))), [("bytes */10", b"")])
        self.assertEqual(self.script.asked[0].get("Want-Repr-Digest"), ("sha-256=10",))

    def test_unknown(self) -> None:
        """
        Where it does not, or shows another one, the server compares.
        """
        for fields in ((), ("Repr-Digest: sha-256=:AAAA:",)):
            self.assertEqual(self.play(Scene(answer(200, *fields)), STORED)[1:], [("", BODY)])

    def test_doubted(self) -> None:
        """
        A file that was there before stays in doubt, also where an answer was lost.
        """
        there = Scene(answer(200))
        text = self.assertFails(there, Scene(cuts=True), there, refusal(409, "exists"))
        self.assertIn("another name", text)

    def test_mixed(self) -> None:
        """
        A rest that does not fit what is kept is followed by the whole.
        """
        for status in (400, 404, 410):
            self.assertEqual(
                self.play(kept(4), refusal(status, "wrong-digest"), STORED)[1:],
                [("bytes 4-9/10", BODY[4:]), ("", BODY)],
            )
        self.assertIn("not of this file", self.said.getvalue())

    def test_mixed_again(self) -> None:
        """
        Once, and not for ever.
        """
        wrong = refusal(400, "wrong-digest")
        text = self.assertFails(
            kept(4), wrong, Scene(reads=5, cuts=True), kept(5), wrong,
        )  # fmt: skip
        self.assertIn("answered 400", text)

    def test_changed(self) -> None:
        """
        A file that changes on the way is not sent to its end.
        """
        script = Script(NOTHING, STORED)
        sending = self.sending(script.way)
        self.path.write_bytes(b"9876543210!")
        failure = self.assertRaises(Failure, sending.send)
        script.stop()
        self.assertIn("was changed while it was uploaded", failure.text)
        self.assertEqual([asked.body for asked in script.asked], [b"", b""])

    def test_no_file(self) -> None:
        """
        What is no regular file has no length to sign.
        """
        with FileIO("/dev/null") as file:
            failure = self.assertRaises(Failure, Content.of, file, "null")
        self.assertEqual(failure.text, "null is no regular file.")


class PlainServerTests(SendingTestCase):
    """
    A server that does not know ``Content-Range`` gets the whole file, each time.
    """

    def test_refused(self) -> None:
        """
        Whatever it says to the question, the file is what counts.
        """
        for status in (400, 403, 404, 405, 411, 501):
            self.assertEqual(self.play(Scene(answer(status)), STORED)[1:], [("", BODY)])

    def test_stored(self) -> None:
        """
        One that took the question for an empty file gets the file in its place.
        """
        for status in (201, 204):
            self.assertEqual(self.play(Scene(answer(status)), STORED)[1:], [("", BODY)])

    def test_again(self) -> None:
        """
        It is not asked again.
        """
        self.assertEqual(
            self.play(Scene(answer(501)), Scene(reads=4, cuts=True), Scene(answer(200))),
            [("bytes */10", b""), ("", b"0123"), ("", BODY)],
        )


class EndTests(SendingTestCase):
    """
    What cannot go well ends, and says why.
    """

    def test_refusals(self) -> None:
        """
        A refusal is final, and what to look at is said.
        """
        refusals = {
            (403, "bad-signature"): "another secret",
            (409, "exists"): "another name",
            (409, "superseded"): "somebody else",
            (410, "expired"): "Sign a new URL",
            (413, "too-large"): "MaxUploadSize",
            (507, "no-space"): "MinFreeSpace",
        }
        for (status, code), hint in refusals.items():
            text = self.assertFails(NOTHING, refusal(status, code))
            self.assertIn(f"the upload: answered {status}. No.\n", text)
            self.assertIn(hint, text)
        self.assertEqual(self.slept, [])

    def test_proxy(self) -> None:
        """
        A refusal of somebody before hmacfs is told from one of its own.
        """
        text = self.assertFails(NOTHING, Scene(answer(413, body=b"<html>" * 99999)))
        self.assertIn("client_max_body_size", text)

    def test_terminal(self) -> None:
        """
        What a server says cannot drive the terminal.
        """
        said = json.dumps({"code": "x", "text": "\x1b[2J\nhmacfs: all is well"}).encode()
        text = self.assertFails(NOTHING, Scene(answer(403, body=said)))
        self.assertIn("\\x1b[2J\\nhmacfs", text)

    def test_redirects(self) -> None:
        """
        A redirect is told of, and so is a 308 that is one.
        """
        elsewhere = Scene(answer(308, "Location: https://elsewhere.example/"))
        for scenes in ([Scene(answer(301))], [elsewhere], [NOTHING, elsewhere]):
            self.assertIn("redirects", self.assertFails(*scenes))

    def test_nobody(self) -> None:
        """
        Where nobody listens for long it is given up, after ever longer pauses.
        """
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        sending = self.sending(Way(f"http://127.0.0.1:{port}"))
        failure = self.assertRaises(Failure, sending.send)
        self.assertIn(f"nothing answers at http://127.0.0.1:{port}", failure.text)
        self.assertIn(f"Given up after {MOST} tries", failure.text)
        self.assertEqual(self.slept, [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30])

    def test_no_progress(self) -> None:
        """
        So it is where it breaks at the same byte again and again.
        """
        scenes = [kept(4), *[Scene(reads=0, cuts=True), kept(4)] * (MOST + 1)]
        text = self.assertFails(*scenes[:-1])
        self.assertIn("The upload broke", text)

    def test_long_wait(self) -> None:
        """
        Who wants to be asked in an hour is not waited for.
        """
        text = self.assertFails(refusal(503, "shutting-down", "Retry-After: 3600"))
        self.assertIn("come back in 3600 s", text)

    def test_hopeless(self) -> None:
        """
        Where it would never be different, it is not tried twice.
        """
        script = Script()
        self.addCleanup(script.stop)
        sending = self.sending(Way(f"https://127.0.0.1:{script.port}"))
        failure = self.assertRaises(Failure, sending.send)
        self.assertIn("TLS with", failure.text)
        self.assertEqual(self.slept, [])
