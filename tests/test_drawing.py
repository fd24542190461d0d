"""
Tests for what a disk draws off a socket.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from resource import RLIMIT_NOFILE, getrlimit, setrlimit

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.disk import DRAWN_AT_ONCE, Disk
from hmacfs.interfaces.disk import Drawn

# fcntl(2): the module of this name knows them from Python 3.13 on.
ADD_SEALS, SEAL_GROW = 1033, 4


class DrawingTests(SynchronousTestCase):
    """
    A disk takes what is on a socket, and never waits for what is not.
    """

    def setUp(self) -> None:
        self.disk = Disk()
        self.server, self.client = socket.socketpair()
        for each in (self.server, self.client):
            self.addCleanup(each.close)
        self.server.setblocking(False)
        self.path = self.mktemp()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self.file = os.open(self.path, flags, 0o600)
        self.addCleanup(os.close, self.file)

    def draw(self, most: int = 100) -> Drawn:
        return self.disk.draw(self.server.fileno(), self.file, most)

    def read(self) -> bytes:
        with open(self.path, "rb") as file:
            return file.read()

    @contextmanager
    def no_more_files(self) -> Iterator[None]:
        """
        Let nothing more be opened.
        """
        former = getrlimit(RLIMIT_NOFILE)
        lowest = os.dup(self.file)
        os.close(lowest)
        setrlimit(RLIMIT_NOFILE, (lowest, former[1]))
        try:
            yield
        finally:
            setrlimit(RLIMIT_NOFILE, former)

    def test_nothing(self) -> None:
        """
        Where nothing is, nothing is taken.
        """
        self.assertEqual(self.draw(), Drawn(0))

    def test_some(self) -> None:
        """
        What is there is put behind what the file has, and no more than may be.
        """
        self.disk.write(self.file, [b"ab"])
        self.client.send(b"cdefg")
        self.assertEqual(self.draw(3), Drawn(3, more=True))
        self.assertEqual(self.draw(), Drawn(2))
        self.assertEqual(self.read(), b"abcdefg")

    def test_appended(self) -> None:
        """
        The file is one to append to again.
        """
        self.client.send(b"ab")
        self.draw()
        self.disk.write(self.file, [b"c"])
        self.assertEqual(self.read(), b"abc")

    def test_end(self) -> None:
        """
        The end of the client's sending is told with the last bytes.
        """
        self.client.send(b"ab")
        self.client.shutdown(socket.SHUT_WR)
        self.assertEqual((self.draw(), self.read()), (Drawn(2, ended=True), b"ab"))

    def test_no_socket(self) -> None:
        """
        Neither does what cannot be drawn off fail: somebody else reads it.
        """
        other = os.open(os.devnull, os.O_RDONLY)
        self.addCleanup(os.close, other)
        self.assertEqual(self.disk.draw(other, self.file, 9), Drawn(0, ended=True))

    def test_too_many_files(self) -> None:
        """
        Neither where no pipe is to be had; later there may be one.
        """
        self.client.send(b"abc")
        with self.no_more_files():
            self.assertEqual(self.draw(), Drawn(0, ended=True))
        self.assertEqual((self.draw(), self.read()), (Drawn(3), b"abc"))

    def test_full(self) -> None:
        """
        A file that takes no more is a failure, and what was on its way to it is
        in no other file.
        """
        full = os.memfd_create("full", os.MFD_ALLOW_SEALING)
        self.addCleanup(os.close, full)
        fcntl.fcntl(full, ADD_SEALS, SEAL_GROW)
        self.client.send(b"lost")
        with self.assertRaises(OSError):
            self.disk.draw(self.server.fileno(), full, 9)
        self.client.send(b"kept")
        self.assertEqual((self.draw(), self.read()), (Drawn(4), b"kept"))

    def test_waited_for(self) -> None:
        """
        A fast client is waited for a moment, and left to the reactor when he pauses.
        """
        # Over TCP: a UNIX socket holds less than tells of a fast client.
        with socket.create_server(("127.0.0.1", 0)) as listening:
            client = socket.create_connection(listening.getsockname())
            server, _ = listening.accept()
        for each in (server, client):
            self.addCleanup(each.close)
            each.setblocking(False)
        sent = client.send(bytes(4 * 2**20))
        self.assertGreater(sent, 2**20)
        drawn = self.disk.draw(server.fileno(), self.file, DRAWN_AT_ONCE)
        self.assertEqual((drawn, len(self.read())), (Drawn(sent), sent))
