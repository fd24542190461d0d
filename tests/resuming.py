"""
A client that comes again and again, for the tests of uploads that go on.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256

from tests.serving import ServingCase
from tests.wire import Answer, Conversation

PARTIAL = "Content-Type: application/partial-upload"
OFFSETS = "Content-Type: application/offset+octet-stream"
TUS = "Tus-Resumable: 1.0.0"
CHUNKED = "Transfer-Encoding: chunked"


def head(method: str, target: str, *fields: str) -> bytes:
    """
    :return: the head of a request as it stands on the wire.
    """
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *fields, "", ""]).encode()


def chunks(*pieces: bytes) -> bytes:
    """
    :return: a chunked body, whole.
    """
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


def digest(field: str, data: bytes) -> str:
    """
    :return: a field that says the SHA-256 of *data*.
    """
    return f"{field}: sha-256=:{b64encode(sha256(data).digest()).decode()}:"


class ResumingCase(ServingCase):
    """
    A client that comes again and again, on new connections.
    """

    def ask(self, method: str, target: str, *fields: str, body: bytes = b"") -> Answer:
        """One request on a connection of its own."""
        self.client = Conversation(self.site)
        return self.client.request(method, target, *fields, body=body)

    def broken(self, method: str, target: str, *fields: str, body: bytes, length: int) -> None:
        """One request whose client is gone before its body is whole."""
        client = Conversation(self.site)
        client.send(head(method, target, *fields, f"Content-Length: {length}") + body)
        client.vanish()

    def served(self, path: str) -> tuple[int, bytes]:
        """
        :return: the status and the body of a GET.
        """
        answer = self.ask("GET", f"/uploads/{path}")
        return answer.status, answer.body

    def below(self, location: str) -> str:
        """
        :return: the target of an absolute URL.
        """
        self.assertTrue(location.startswith("http://x/uploads/.hmacfs/uploads/"), location)
        return location.removeprefix("http://x")
