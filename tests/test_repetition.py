"""
Tests for :mod:`hmacfs.web.repetition`: the same file, sent again.
"""

from __future__ import annotations

from twisted.internet.defer import fail

from hmacfs.errors import NotFound
from hmacfs.events import UploadCompleted
from tests.serving import ServingCase, signed, timed
from tests.wire import Conversation


class RepetitionTests(ServingCase):
    """
    The same file again is 201, another one 409.
    """

    def test_same(self) -> None:
        """
        A client whose 201 was lost simply tries again.
        """
        first, second = self.put("a", b"abc"), self.put("a", b"abc")
        self.assertEqual((first.status, second.status), (201, 201))
        self.assertEqual(first.headers["etag"], second.headers["etag"])
        self.assertEqual([event.repeated for event in self.told(UploadCompleted)], [False, True])

    def test_other_length(self) -> None:
        """
        Another length is refused at once, and the file stays.
        """
        self.put("a", b"abc")
        refused = self.put("a", b"abcd")
        self.client = Conversation(self.site)
        self.assertEqual((refused.status, self.get("a").body), (409, b"abc"))

    def test_other_bytes(self) -> None:
        """
        The first other byte is refused, without waiting for the rest.
        """
        self.put("a", b"abcdef")
        self.client.send(
            f"PUT {signed('a', 6)} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabX".encode()
        )
        self.assertEqual(self.client.statuses(), [201, 409])

    def test_piecewise(self) -> None:
        """
        It does not matter how the bytes are cut.
        """
        self.put("a", b"abcdef")
        self.client.send(
            f"PUT {signed('a', 6)} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n".encode()
        )
        for byte in b"abcdef":
            self.client.send(bytes([byte]))
        self.assertEqual(self.client.statuses(), [201, 201])

    def test_longer_file(self) -> None:
        """
        A chunked body that is only the beginning of the file is refused.
        """
        self.put("a", b"abcdef")
        self.client.send(
            f"PUT {timed('PUT', 'a')} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n0\r\n\r\n".encode()
        )
        self.assertEqual(self.client.statuses(), [201, 409])

    def test_vanished_file(self) -> None:
        """
        A file that goes at this very moment still had the name.
        """
        self.put("a", b"abc")
        self.store.open = lambda name: fail(NotFound("Gone."))
        self.assertEqual(self.put("a", b"abc").status, 409)

    def test_versioned(self) -> None:
        """
        Where files may be replaced, the newer one is served.
        """
        self.serve(EnableVersioning=True)
        self.put("a", b"abc")
        self.assertEqual((self.put("a", b"defg").status, self.get("a").body), (201, b"defg"))

    def test_protected_version(self) -> None:
        """
        A signature that never expires may be kept from replacing anything.
        """
        self.serve(EnableVersioning=True, OverwriteNeeds="expiring")
        self.put("a", b"abc")
        by_time = self.client.request("PUT", timed("PUT", "a"), body=b"defg")
        by_size = self.put("a", b"hi")
        self.assertEqual((by_time.status, by_size.status), (201, 409))
