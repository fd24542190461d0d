"""
Tests for :mod:`hmacfs.web.download`: how downloads end before their time.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.events import DownloadFailed
from hmacfs.web.sources import Truncated
from tests.test_download import LARGE, NOW, Serving
from tests.test_sources import ALPHABET, QuickFile, SlowFile


class EndTests(Serving, SynchronousTestCase):
    """
    What was opened is closed, and what is not complete does not look complete.
    """

    def test_gone_while_opening(self) -> None:
        """
        A client that leaves while the file is opened leaves no open file.
        """
        self.serve(SlowFile())
        self.store.slow = True
        self.start()
        self.client.vanish()
        self.store.opening.callback(self.file)
        self.assertEqual((self.file.closed, self.file.reads, self.told()), (1, [], []))

    def test_gone_while_reading(self) -> None:
        """
        A client that leaves while a small file is read leaves no open file.
        """
        self.serve(SlowFile())
        self.start()
        self.client.vanish()
        self.file.answer()
        self.assertEqual((self.file.closed, self.told()), (1, []))

    def test_gone_on_the_way(self) -> None:
        """
        A client that leaves in mid-body is told of, with what it took.
        """
        self.serve(SlowFile(LARGE))
        self.start()
        self.file.answer()
        self.client.vanish()
        self.file.answer()
        self.assertEqual(self.file.closed, 1)
        self.assertEqual(
            self.told()[1:],
            [DownloadFailed(at=NOW, request="r", name="a/b.txt", sent=4096, reason="disconnected")],
        )

    def test_cut(self) -> None:
        """
        A download that the daemon's end cuts off says so.
        """
        self.serve(SlowFile(LARGE))
        self.start()
        self.file.answer()
        self.site.cut()
        self.assertEqual(
            self.told()[1:],
            [
                DownloadFailed(
                    at=NOW, request="r", name="a/b.txt", sent=4096, reason="shutting-down"
                )
            ],
        )

    def test_truncated(self) -> None:
        """
        A file that is cut short on the way ends the connection, not the body.
        """
        self.serve(SlowFile(LARGE))
        self.start()
        self.file.content = LARGE[:4096]
        self.file.answer()
        self.file.answer()
        self.assertEqual(self.client.transport.closed, "aborted")
        self.assertEqual(self.file.closed, 1)
        self.assertEqual(
            self.told()[1:],
            [DownloadFailed(at=NOW, request="r", name="a/b.txt", sent=4096, reason="internal")],
        )
        self.assertEqual([event.reason for event in self.hub.failed], ["internal"])
        self.assertEqual(len(self.flushLoggedErrors(Truncated)), 1)

    def test_truncated_small(self) -> None:
        """
        A small file that is cut short is our fault, and said so.
        """
        self.serve(QuickFile())
        self.file.content = ALPHABET[:3]
        found = self.get()
        self.assertEqual((found.status, found.code, self.file.closed), (500, "internal", 1))
        self.assertEqual(self.told(), [])
        self.assertEqual(len(self.flushLoggedErrors(Truncated)), 1)

    def test_failing_disk(self) -> None:
        """
        Where not one byte can be read, the answer is 500 and says nothing of the file.
        """
        self.serve(SlowFile(LARGE))
        self.start("Range: bytes=1-")
        _, _, reading = self.file.reads.pop()
        reading.errback(OSError("/srv/secret/path"))
        [found] = self.client.answers()
        self.assertEqual((found.status, found.code, self.file.closed), (500, "internal", 1))
        said = {"accept-ranges", "content-disposition", "content-range", "etag", "last-modified"}
        self.assertEqual(said & set(found.headers), set())
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_failing_store(self) -> None:
        """
        A store that fails is our fault, and said so without its words.
        """
        self.serve(OSError("/srv/secret/path"))
        found = self.get()
        self.assertEqual((found.status, found.code), (500, "internal"))
        self.assertNotIn(b"secret", self.client.transport.written)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
