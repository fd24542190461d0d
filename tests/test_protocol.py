"""
Tests for :mod:`hmacfs.web.protocol`.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from hmacfs.errors import WrongOffset
from hmacfs.http1 import Head
from hmacfs.records import FileRecord
from hmacfs.resumable.content_range import RANGE
from hmacfs.resumable.draft import DRAFT
from hmacfs.resumable.steps import Append, Create, Front, Probe
from hmacfs.resumable.tus import TUS
from hmacfs.web.protocol import Protocol
from tests.test_plan import record

NOW = 50.0
FILE = FileRecord(6, "text/plain", NOW, "abc")


class Channel:
    """A connection that takes 104s."""

    def __init__(self) -> None:
        self.informed: list[dict[bytes, bytes]] = []

    def inform(self, fields: Any) -> None:
        self.informed.append(dict(fields))


class Asked:
    """
    A request that is answered.

    :ivar channel: ``None`` once the client has left.
    """

    def __init__(self, *fields: tuple[bytes, bytes], version: bytes = b"HTTP/1.1") -> None:
        self.head = Head(b"PUT", b"/uploads/a", version, fields)
        self.started = NOW
        self.channel: Channel | None = Channel()
        self.protocol: Protocol | None = None
        self.status = 0
        self.headers = Headers()
        self.finished = False

    def setResponseCode(self, status: int) -> None:
        self.status = status

    def setHeader(self, name: bytes, value: bytes) -> None:
        self.headers.setRawHeaders(name, [value])

    def finish(self) -> None:
        self.finished = True

    def told(self) -> dict[bytes, bytes]:
        """
        :return: the fields of the answer.
        """
        return {name: values[0] for name, values in self.headers.getAllRawHeaders()}


class SpeakingCase(SynchronousTestCase):
    """A request, and the protocol that it speaks."""

    def speak(self, front: Front, *fields: tuple[bytes, bytes], **rest: Any) -> Protocol:
        self.request = Asked(*fields, **rest)
        return Protocol(self.request, front, 1000)


class ProtocolTests(SpeakingCase):
    """
    What a protocol says to one request.
    """

    def test_known(self) -> None:
        """
        From then on the request speaks it, and so do its refusals.
        """
        protocol = self.speak(TUS)
        self.assertIs(self.request.protocol, protocol)
        self.assertEqual(protocol.refused(WrongOffset(3, 1)), ((b"Tus-Resumable", b"1.0.0"),))

    def test_refused(self) -> None:
        """
        A refusal says where the upload stands, once that is known.
        """
        protocol = self.speak(RANGE)
        protocol.stands(record(), 3)
        self.assertEqual(protocol.refused(WrongOffset(3, 1)), ((b"Range", b"bytes=0-2"),))

    def test_answer(self) -> None:
        """
        An answer says what the table of the protocol names, and no more.
        """
        protocol = self.speak(DRAFT)
        protocol.stands(record(), 3, b"http://x/u")
        protocol.answer(Create(6))
        self.assertEqual(
            (self.request.status, self.request.finished, self.request.told()),
            (
                201,
                True,
                {
                    b"Location": b"http://x/u",
                    b"Upload-Offset": b"3",
                    b"Upload-Complete": b"?0",
                    b"Upload-Limit": b"max-size=1000, min-size=0, max-age=50",
                    b"Content-Length": b"0",
                },
            ),
        )

    def test_file(self) -> None:
        """
        Once the file is there, the answer says which one it is.
        """
        protocol = self.speak(RANGE)
        protocol.stands(record(state="finished"), 6)
        protocol.answer(Append(3, 3), FILE)
        self.assertEqual(
            (self.request.status, self.request.told()),
            (201, {b"ETag": b'"abc"', b"Content-Length": b"0"}),
        )

    def test_no_content(self) -> None:
        """
        A 204 has no length.
        """
        protocol = self.speak(TUS)
        protocol.stands(record(), 3)
        protocol.answer(Probe())
        self.assertEqual(self.request.status, 204)
        self.assertNotIn(b"Content-Length", self.request.told())

    def test_client_left(self) -> None:
        """
        Who has left is told nothing.
        """
        protocol = self.speak(DRAFT, (b"upload-draft-interop-version", b"6"))
        self.request.channel = None
        protocol.stands(record(), 3)
        protocol.answer(Probe())
        protocol.inform()
        self.assertFalse(self.request.finished)


class InformTests(SpeakingCase):
    """
    A 104 goes to who says a version that is spoken here.
    """

    def informed(self, version: bytes, http: bytes = b"HTTP/1.1") -> list[dict[bytes, bytes]]:
        protocol = self.speak(DRAFT, (b"upload-draft-interop-version", version), version=http)
        protocol.stands(record(), 0, b"http://x/u")
        protocol.inform()
        assert self.request.channel is not None
        return self.request.channel.informed

    def test_versions(self) -> None:
        """
        Of 5 to 8 each hears of itself; every other hears nothing.
        """
        for version in (b"5", b"6", b"7", b"8"):
            self.assertEqual(
                self.informed(version),
                [
                    {
                        b"Upload-Draft-Interop-Version": version,
                        b"Location": b"http://x/u",
                        b"Upload-Limit": b"max-size=1000, min-size=0, max-age=50",
                    }
                ],
            )
        for version in (b"3", b"4", b"9", b"six", b""):
            self.assertEqual(self.informed(version), [])

    def test_old_http(self) -> None:
        """
        HTTP/1.0 knows no such answers.
        """
        self.assertEqual(self.informed(b"6", b"HTTP/1.0"), [])
