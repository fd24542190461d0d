"""
Tests for :mod:`hmacfs.gathering`.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from select import PIPE_BUF
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.gathering import Gathering


class Pieces(BytesIO):
    """
    :ivar pieces: what was handed to the system, piece by piece.
    :ivar broken: raised in its stead, where it is set.
    :ivar meanwhile: called while a piece is handed over.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.broken: OSError | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def flush(self) -> None:
        if self.broken is not None:
            raise self.broken
        self.meanwhile()
        self.pieces.append(self.getvalue()[sum(map(len, self.pieces)) :])


class GatheringTests(SynchronousTestCase):
    """
    A line by itself leaves at once; lines that come together leave together.
    """

    def setUp(self) -> None:
        self.file = Pieces()
        self.gathering = Gathering(self.file)

    def write(self, *lines: bytes) -> None:
        for line in lines:
            self.gathering.write(line)

    def test_alone(self) -> None:
        """
        A line that comes by itself is handed over at once.
        """
        self.write(b"one\n", b"two\n")
        self.assertEqual(self.file.pieces, [b"one\n", b"two\n"])

    def test_together(self) -> None:
        """
        Lines that come together are handed over in one piece, in order, at the end.
        """
        with self.gathering.gathered():
            self.write(b"one\n", b"two\n")
            self.assertEqual(self.file.pieces, [])
        self.write(b"three\n")
        self.assertEqual(self.file.pieces, [b"one\ntwo\n", b"three\n"])

    def test_nothing(self) -> None:
        """
        Where no line came, nothing is handed over.
        """
        with self.gathering.gathered():
            pass
        self.assertEqual(self.file.pieces, [])

    def test_whole_lines(self) -> None:
        """
        A piece is whole lines, no more than a pipe takes undivided; a longer
        line is a piece of its own.
        """
        line, long = b"x" * 999 + b"\n", b"y" * PIPE_BUF + b"\n"
        with self.gathering.gathered():
            self.write(*[line] * 5, long, line)
        self.assertEqual(self.file.pieces, [line * 4, line, long, line])

    def test_raised(self) -> None:
        """
        What was written before a failure is handed over all the same.
        """
        with self.assertRaises(KeyError), self.gathering.gathered():
            self.write(b"one\n")
            raise KeyError("one")
        self.assertEqual(self.file.pieces, [b"one\n"])

    def test_other_threads(self) -> None:
        """
        Of lines that other threads write meanwhile none is lost.
        """
        lines = [b"%d %d\n" % (thread, number) for thread in range(4) for number in range(200)]
        threads = [Thread(target=self.write, args=lines[n : n + 200]) for n in range(0, 800, 200)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            with self.gathering.gathered():
                self.write(b"mine\n")
        for thread in threads:
            thread.join()
        written = self.file.getvalue().splitlines(keepends=True)
        self.assertEqual(sorted(line for line in written if line != b"mine\n"), sorted(lines))

    def test_out_of_itself(self) -> None:
        """
        A line that comes while another is handed over follows it.
        """
        self.file.meanwhile = lambda: (
            setattr(self.file, "meanwhile", lambda: None) or self.write(b"two\n")
        )
        self.write(b"one\n")
        self.assertEqual(self.file.pieces, [b"one\n", b"two\n"])

    def test_full_disk(self) -> None:
        """
        What cannot be written is said and given up, and what comes later is written.
        """
        self.file.broken = OSError("full")
        with self.assertRaises(OSError), self.gathering.gathered():
            self.write(*[b"x" * PIPE_BUF] * 3)
        self.assertRaises(OSError, self.write, b"lost\n")
        self.file.broken = None
        before = len(self.file.getvalue())
        self.write(b"later\n")
        self.assertEqual(self.file.getvalue()[before:], b"later\n")
