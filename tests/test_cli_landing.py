"""
Tests for :mod:`hmacfs.cli.landing`.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.cli.failures import Failure
from hmacfs.cli.landing import PartFile, Pipe

TAG = '"abc"'


class PartFileTests(SynchronousTestCase):
    """
    A file is there as a whole or not at all, and what has come of it is never
    taken for a part of another one.
    """

    def setUp(self) -> None:
        """Have a folder of its own."""
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.path = self.folder / "a"

    def open(self) -> PartFile:
        """
        :return: the part as the next command finds it.
        """
        part = PartFile(str(self.path))
        self.addCleanup(part.close)
        return part

    def leave(self, etag: str, data: bytes) -> None:
        """
        End a command in the middle.
        """
        part = PartFile(str(self.path))
        part.begin(etag)
        part.write(data)
        part.close()

    def assertFiles(self, **files: bytes) -> None:
        """
        Check what is in the folder; an underscore stands for a dot.
        """
        found = {path.name.replace(".", "_"): path.read_bytes() for path in self.folder.iterdir()}
        self.assertEqual(found, files)

    def test_whole(self) -> None:
        """
        It gets its name when it is all there, and nothing else stays.
        """
        self.path.write_bytes(b"former")
        part = self.open()
        part.begin(TAG)
        part.write(b"new ")
        part.write(b"one")
        self.assertFiles(a=b"former", a_part=b"new one", a_part_etag=TAG.encode())
        part.finish()
        self.assertFiles(a=b"new one")

    def test_gone_on_with(self) -> None:
        """
        The next command goes on with what is there.
        """
        self.leave(TAG, b"01234")
        part = self.open()
        self.assertEqual((part.offset, part.etag), (5, TAG))
        part.write(b"56789")
        part.finish()
        self.assertFiles(a=b"0123456789")

    def test_begun_anew(self) -> None:
        """
        Of another state of the file, nothing is kept.
        """
        self.leave(TAG, b"01234")
        part = self.open()
        part.begin('"other"')
        part.write(b"ab")
        part.finish()
        self.assertFiles(a=b"ab")

    def test_nothing(self) -> None:
        """
        Where nothing came, nothing is left behind.
        """
        self.leave(TAG, b"")
        self.assertFiles()

    def test_weak(self) -> None:
        """
        What no strong tag vouches for is not gone on with.
        """
        for tag in ("", 'W/"abc"', "abc", '"a', '"a\x00"', '"' + "a" * 2000 + '"'):
            self.leave(tag, b"01234")
            part = PartFile(str(self.path))
            self.assertEqual((part.offset, part.etag), (0, ""), tag)
            part.close()

    def test_tag_spoilt(self) -> None:
        """
        Nor what stands beside a tag that is none.
        """
        for spoilt in (b"\xff\xfe", b'"a" "b"', b""):
            self.leave(TAG, b"01234")
            (self.folder / "a.part.etag").write_bytes(spoilt)
            part = PartFile(str(self.path))
            self.assertEqual((part.offset, part.etag), (0, ""))
            part.close()

    def test_another_command(self) -> None:
        """
        Two commands never write to one part.
        """
        self.open()
        failure = self.assertRaises(Failure, self.open)
        self.assertIn("another command", failure.text)

    def test_links(self) -> None:
        """
        A link that somebody laid is not followed.
        """
        target = self.folder / "target"
        target.write_bytes(b"dear")
        (self.folder / "a.part").symlink_to(target)
        self.assertRaises(Failure, self.open)
        (self.folder / "a.part").unlink()
        (self.folder / "a.part.etag").symlink_to(target)
        self.assertRaises(OSError, self.open().begin, TAG)
        self.assertEqual(target.read_bytes(), b"dear")

    def test_no_file(self) -> None:
        """
        What is no regular file is not replaced by one.
        """
        self.path.mkdir()
        self.assertRaises(Failure, self.open)
        self.path.rmdir()
        os.mkfifo(self.path)
        self.assertRaises(Failure, self.open)
        self.path.unlink()
        os.mkfifo(self.folder / "a.part")
        self.assertRaises(Failure, self.open)

    def test_no_folder(self) -> None:
        """
        Where no file can be made, that is said.
        """
        self.path = self.folder / "b" / "a"
        failure = self.assertRaises(Failure, self.open)
        self.assertIn("a.part: No such file or directory.", failure.text)


class PipeTests(SynchronousTestCase):
    """
    What went out to a pipe stays out.
    """

    def test_pipe(self) -> None:
        """
        It cannot begin anew once a byte is out.
        """
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        with open(theirs, "wb") as stream:
            pipe = Pipe(stream.fileno())
            pipe.begin(TAG)
            pipe.begin(TAG)
            pipe.write(b"01")
            pipe.write(b"23")
            self.assertEqual((pipe.offset, pipe.etag), (4, TAG))
            self.assertRaises(Failure, pipe.begin, TAG)
            pipe.finish()
            pipe.close()
        self.assertEqual(os.read(ours, 9), b"0123")
