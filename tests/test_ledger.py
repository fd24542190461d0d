"""
Tests for :mod:`tests.e2e.ledger`: it sees what it is there for.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.ledger import Ledger

CREATED = b"HTTP/1.1 201 Created\r\nLocation: http://x/1\r\nContent-Length: 2\r\n\r\nok"
NOTHING = b"HTTP/1.1 204 No Content\r\nUpload-Offset: %d\r\n\r\n"


def patch(offset: int, content: bytes) -> bytes:
    """
    :return: a request that appends, or the beginning of one.
    """
    return b"PATCH /1 HTTP/1.1\r\nupload-offset: %d\r\nContent-Length: 6\r\n\r\n%b" % (
        offset,
        content,
    )


class LedgerTests(SynchronousTestCase):
    """
    A byte that the server said it has, and that comes again, is counted.
    """

    def setUp(self) -> None:
        self.ledger = Ledger(10)
        self.line = self.ledger.line()

    def found(self) -> tuple[list[str], list[int], int, int]:
        ledger = self.ledger
        return ledger.requests, ledger.answers, ledger.told, ledger.twice

    def test_rest(self) -> None:
        """
        Bytes behind those that were told of are not.
        """
        for data in [b"POST / HTTP/1.1\r\nUpload-Length: 10\r\n\r\n", patch(0, b"abcd")]:
            self.line.sent(data)
        self.line.heard(CREATED)
        self.line = self.ledger.line()
        self.line.sent(b"HEAD /1 HTTP/1.1\r\n\r\n")
        self.line.heard(NOTHING % 4)
        self.line.sent(patch(4, b"efghij"))
        self.line.heard(NOTHING % 10)
        requests = ["POST", "PATCH 0", "HEAD", "PATCH 4"]
        self.assertEqual(self.found(), (requests, [201, 204, 204], 10, 0))

    def test_twice(self) -> None:
        """
        Those before it are, as they come, whatever told of them.
        """
        told = {
            b"HEAD": NOTHING % 4,
            b"PATCH": b"HTTP/1.1 104 Resuming\r\nUpload-Offset: 4\r\n\r\n",
            b"PUT": b"HTTP/1.1 308 Resuming\r\nRange: bytes=0-3\r\nContent-Length: 0\r\n\r\n",
        }
        for method, answer in told.items():
            self.setUp()
            self.line.sent(method + b" /1 HTTP/1.1\r\n\r\n")
            self.line.heard(answer)
            self.line = self.ledger.line()
            self.line.sent(patch(3, b""))
            self.assertEqual(self.ledger.twice, 0)
            self.line.sent(b"def")
            self.assertEqual(self.ledger.twice, 1)

    def test_finished(self) -> None:
        """
        A PUT that was answered 201 leaves nothing to be sent.
        """
        self.line.sent(
            b"PUT / HTTP/1.1\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n"
        )
        self.line.sent(b"efghij")
        self.line.heard(CREATED)
        self.line.sent(patch(9, b"j"))
        self.assertEqual(self.found(), (["PUT 4", "PATCH 9"], [201], 10, 1))

    def test_not_told(self) -> None:
        """
        What was told after they were sent does not count, nor half an answer.
        """
        self.line.sent(patch(0, b"abc"))
        self.line.heard(b"HTTP/1.1 104 Resuming\r\nUpload-Offset: 3\r\n\r\n")
        self.line.sent(b"def")
        self.line.heard((NOTHING % 6)[:-1])
        self.assertEqual(self.found(), (["PATCH 0"], [104], 3, 0))

    def test_pieces(self) -> None:
        """
        It reads bytes as they come, one by one or all at once.
        """
        requests = patch(0, b"abcdef") + patch(2, b"cdefgh") + b"HEAD /1 HTTP/1.1\r\n\r\n"
        answers = NOTHING % 6 + CREATED + b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
        for byte in requests:
            self.line.sent(bytes([byte]))
        for byte in answers:
            self.line.heard(bytes([byte]))
        slowly, self.ledger = self.found(), Ledger(10)
        self.line = self.ledger.line()
        self.line.sent(requests)
        self.line.heard(answers)
        self.assertEqual(self.found(), slowly)
        self.assertEqual(slowly[:2], (["PATCH 0", "PATCH 2", "HEAD"], [204, 201, 200]))
