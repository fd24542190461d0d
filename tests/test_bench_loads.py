"""
Tests for the benchmark's clients, each against a real server.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from bench.clients import putting
from bench.ground import head, slot
from bench.loads import body, download, heads, upload, upload_securely
from bench.probing import Probe
from bench.rivals import Rivals, Server
from tests.certificates import make_certificate

SIZE = 300_000


class LoadTests(SynchronousTestCase):
    """
    What a client says it did was done.
    """

    def setUp(self) -> None:
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.folder = Path(stack.enter_context(TemporaryDirectory(prefix="hmacfs-")))
        self.body = stack.enter_context(body(SIZE))
        probe = Probe()
        stack.callback(probe.end)
        self.rivals = Rivals(probe, make_certificate(self.folder))
        self.place = self.folder / "place"
        self.place.mkdir()

    def started(self, server: Server) -> Server:
        self.addCleanup(server.end)
        return server

    def assertStored(self, server: Server, *names: str) -> None:
        """
        All of *names* have the bytes that were sent.
        """
        sent = os.pread(self.body, SIZE, 0)
        found = {name: (server.files / name).read_bytes() == sent for name in names}
        self.assertEqual(found, dict.fromkeys(names, True))

    def test_plain(self) -> None:
        """
        Files go up and down, some at a time, while ``/health`` answers.
        """
        server = self.started(self.rivals.naive(self.place))
        with server.asking(0.0) as asked:
            put = upload(
                server.port, [head(slot(name, SIZE), SIZE) for name in "ab"], self.body, SIZE
            )
        got = download(server.port, "/uploads/a", SIZE, 3)
        self.assertEqual((put.amount, got.amount), (2 * SIZE, 3 * SIZE))
        self.assertStored(server, "a", "b")
        self.assertTrue(all(taken > 0 for _, taken in asked))
        self.assertTrue(heads(server.port, "/uploads/a", 2, 0.01).amount > 0)
        self.assertTrue(server.seconds() > 0)
        self.assertTrue(server.peak() >= server.idle > 0)
        server.clear("a")
        self.assertEqual(os.listdir(server.files), ["b"])

    def test_secure(self) -> None:
        """
        Likewise over TLS, on connections that are kept and on new ones.
        """
        server = self.started(self.rivals.hmacfs(self.place, secure=True))
        upload_securely(server.port, head(slot("a", SIZE), SIZE), self.body, SIZE)
        self.assertEqual(download(server.port, "/uploads/a", SIZE, 2, True).amount, 2 * SIZE)
        content = self.folder / "content"
        content.write_bytes(os.pread(self.body, SIZE, 0))
        stored = ["a"]
        for anew in (False, True):
            names = [f"{anew}-{at}" for at in range(100)]
            targets = self.folder / "targets"
            targets.write_text("\n".join(slot(name, SIZE) for name in names))
            load = putting(("127.0.0.1", server.port), 2, 0.01, [targets, content], anew=anew)
            stored += names[: int(load.amount)]
            self.assertTrue(2 <= load.amount < 100)
        self.assertStored(server, *stored)

    def test_refused(self) -> None:
        """
        An answer that is no success is a fault.
        """
        server = self.started(self.rivals.naive(self.place))
        ask = partial(download, server.port, "/uploads/nowhere", SIZE)
        self.assertIn("404", str(self.assertRaises(AssertionError, ask)))
        head_of = partial(heads, server.port, "/uploads/nowhere", 1, 0.01)
        self.assertIn("404", str(self.assertRaises(AssertionError, head_of)))
