"""
The disk: every system call of the store, each in one line.

The store never says a path.  It walks from folder to folder by descriptors,
one segment at a time, and follows no link on the way: what an attacker, or a
careless operator, plants in the tree is then another kind of thing, and never
a way out of it.

All of it stands here so that it can be replaced: ``PowerCutDisk``, in the
tests, has the same calls over a disk in memory that keeps apart what was
synced and what was not.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import select
import socket
import stat
from collections.abc import Generator, Sequence
from contextlib import suppress
from functools import partial
from threading import local

from zope.interface import implementer

from hmacfs.interfaces.disk import Drawn, IDisk
from hmacfs.records import ATTRIBUTE, Mark, Status
from hmacfs.syncing import Syncing

MOST_PIECES = os.sysconf("SC_IOV_MAX")
"""How many pieces one ``writev`` takes."""

ROOT_MODE = 0o750

# Python opens everything close-on-exec.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_NO_LINKS = os.O_NOFOLLOW
_MEMORY = ("tmpfs", "ramfs")
_APPENDED = os.O_RDWR | os.O_APPEND | _NO_LINKS


DRAWN_AT_ONCE = 16 * 2**20
"""Bytes that one call draws off a socket: some milliseconds of a thread."""

_FAST = 512 * 1024
"""
Bytes in a call that tell of a client who is worth waiting for, until as many more
are there: taken in small pieces, the same bytes cost half as much again.
"""

_PATIENCE = 0.002
"""Seconds that such a client is waited for: he sends as many in a quarter of it."""

_PIPE = 2**20
"""Bytes of a pipe, the most that Linux lets everybody have."""

# sched_yield(2).  That of the module os keeps the lock of the interpreter in
# Python 3.11: so the reactor would wait with it.
_let_others = ctypes.CDLL(None).sched_yield


class Pipe:
    """
    A pipe of one thread, closed with it.
    """

    def __init__(self, ends: tuple[int, int]) -> None:
        self.outlet, self.inlet = ends
        with suppress(OSError):
            # The machine may have set another bound: then it is as long as it is.
            fcntl.fcntl(self.inlet, fcntl.F_SETPIPE_SZ, _PIPE)

    def __del__(self) -> None:
        os.close(self.outlet)
        os.close(self.inlet)


@implementer(IDisk)
class Disk:
    """
    The disk of this machine.
    """

    def __init__(self, durable: bool = True) -> None:
        """
        :param durable: whether what is synced is waited for; without it what
            is kept survives the death of the process, and no power cut
            (``Durability = "fast"``).
        """
        self._durable = durable
        self._mine = local()
        self._in_memory: bool | None = None
        self._syncing = Syncing()
        # The files that are drawn to.
        self._drawn: set[int] = set()

    def root(self, path: str) -> int:
        """See :meth:`hmacfs.interfaces.disk.IDisk.root`.  Each new folder is synced."""
        try:
            return os.open(path, _FOLDER)
        except FileNotFoundError:
            above, name = os.path.split(path)
            parent = self.root(above)
        try:
            self.make_folder(parent, os.fsencode(name), ROOT_MODE)
            self.sync(parent)
        except FileExistsError:
            pass  # Somebody else made it meanwhile, or it is a dangling link.
        finally:
            os.close(parent)
        return os.open(path, _FOLDER)

    def system(self, folder: int) -> str:
        """
        See :meth:`hmacfs.interfaces.disk.IDisk.system`.

        By the number of the mount, which the kernel tells of a descriptor:
        device numbers are ambiguous on btrfs, and paths behind a bind mount.
        """
        try:
            with open(f"/proc/self/fdinfo/{folder}") as lines:
                mount = dict(line.split(":", 1) for line in lines)["mnt_id"].strip()
            with open("/proc/self/mountinfo") as mounts:
                for line in mounts:
                    # 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw  (proc(5))
                    before, _, behind = line.partition(" - ")
                    if before.split()[0] == mount:
                        return behind.split()[0]
        except (OSError, KeyError):
            pass  # No /proc, or another kernel's.
        return ""

    def free(self, folder: int) -> int:
        """See :meth:`hmacfs.interfaces.disk.IDisk.free`."""
        found = os.fstatvfs(folder)
        return found.f_bavail * found.f_frsize

    def boot(self) -> str:
        """See :meth:`hmacfs.interfaces.disk.IDisk.boot`.  Linux tells it (random(4))."""
        try:
            with open("/proc/sys/kernel/random/boot_id") as file:
                return file.read().strip()
        except OSError:
            return ""

    def folder(self, parent: int, name: bytes) -> int:
        """See :meth:`hmacfs.interfaces.disk.IDisk.folder`."""
        return os.open(name, _FOLDER | _NO_LINKS, dir_fd=parent)

    def make_folder(self, parent: int, name: bytes, mode: int) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.make_folder`."""
        os.mkdir(name, mode, dir_fd=parent)

    def remove_folder(self, parent: int, name: bytes) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.remove_folder`."""
        os.rmdir(name, dir_fd=parent)

    def names(self, folder: int) -> list[bytes]:
        """See :meth:`hmacfs.interfaces.disk.IDisk.names`."""
        return [os.fsencode(name) for name in os.listdir(folder)]

    def entries(self, folder: int) -> Generator[tuple[bytes, str]]:
        """See :meth:`hmacfs.interfaces.disk.IDisk.entries`."""
        with os.scandir(folder) as found:
            for entry in found:
                yield os.fsencode(entry.name), _kind(entry)

    def create(self, folder: int, name: bytes, mode: int) -> int:
        """See :meth:`hmacfs.interfaces.disk.IDisk.create`."""
        return os.open(name, _APPENDED | os.O_CREAT | os.O_EXCL, mode, dir_fd=folder)

    def reopen(self, folder: int, name: bytes) -> int:
        """See :meth:`hmacfs.interfaces.disk.IDisk.reopen`."""
        return os.open(name, _APPENDED, dir_fd=folder)

    def open(self, folder: int, name: bytes) -> int:
        """See :meth:`hmacfs.interfaces.disk.IDisk.open`."""
        return os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINKS, dir_fd=folder)

    def close(self, descriptor: int) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.close`."""
        os.close(descriptor)

    def status(self, descriptor: int) -> Status:
        """See :meth:`hmacfs.interfaces.disk.IDisk.status`."""
        return _status(os.fstat(descriptor))

    def mark(self, place: int, path: bytes = b"") -> Mark:
        """See :meth:`hmacfs.interfaces.disk.IDisk.mark`."""
        found = os.stat(path, dir_fd=place, follow_symlinks=False) if path else os.fstat(place)
        return Mark(
            found.st_dev,
            found.st_ino,
            found.st_size,
            found.st_mtime_ns,
            found.st_ctime_ns,
            found.st_mode,
        )

    def look(self, folder: int, name: bytes) -> Status:
        """See :meth:`hmacfs.interfaces.disk.IDisk.look`."""
        return _status(os.stat(name, dir_fd=folder, follow_symlinks=False))

    def write(self, file: int, pieces: Sequence[bytes | memoryview]) -> int:
        """See :meth:`hmacfs.interfaces.disk.IDisk.write`."""
        return os.writev(file, pieces)

    def draw(self, source: int, file: int, most: int) -> Drawn:
        """
        See :meth:`hmacfs.interfaces.disk.IDisk.draw`.

        From the socket to a pipe, and from there to the file: pages are moved,
        and no byte comes to Python.  ``splice`` writes to no file that is opened
        to be appended to; nobody else writes to this one.
        """
        at = before = os.fstat(file).st_size
        try:
            outlet, inlet = self._pipe()
        except OSError:
            # Too many files are open.  To be read it needs no more of them.
            return Drawn(0, ended=True)
        fcntl.fcntl(file, fcntl.F_SETFL, 0)
        self._drawn.add(file)
        try:
            while (drawn := at - before) < min(most, DRAWN_AT_ONCE):
                try:
                    waiting = os.splice(source, inlet, min(most - drawn, _PIPE))
                except BlockingIOError:
                    if drawn >= _FAST and _comes(source, min(_FAST, most - drawn)):
                        continue
                    return Drawn(drawn)
                except OSError:
                    return Drawn(drawn, ended=True)
                if not waiting:
                    return Drawn(drawn, ended=True)
                while waiting:
                    try:
                        written = os.splice(outlet, file, waiting, offset_dst=at)
                    except OSError as error:
                        if error.errno != errno.EINVAL:
                            raise
                        # A file system that takes no pages: FUSE, say.
                        written = _copy(outlet, waiting, file, at)
                    at += written
                    waiting -= written
                if len(self._drawn) > 1:
                    # Whoever waits for this processor has it here, the reactor above
                    # all, and not when some milliseconds are over.  One that draws
                    # alone leaves room enough.
                    _let_others()
            return Drawn(at - before, more=True)
        except OSError:
            # What is left in it is no beginning of another file.
            self._forget_pipe()
            raise
        finally:
            self._drawn.discard(file)
            fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)

    def _pipe(self) -> tuple[int, int]:
        """
        :return: this thread's pipe, which is empty.
        """
        if not hasattr(self._mine, "pipe"):
            self._mine.pipe = Pipe(os.pipe())
        pipe: Pipe = self._mine.pipe
        return pipe.outlet, pipe.inlet

    def _forget_pipe(self) -> None:
        del self._mine.pipe

    def read(self, file: int, offset: int, size: int) -> bytes:
        """See :meth:`hmacfs.interfaces.disk.IDisk.read`."""
        return os.pread(file, size, offset)

    def at_hand(self, file: int, offset: int, size: int) -> bool:
        """
        See :meth:`hmacfs.interfaces.disk.IDisk.at_hand`.

        The first byte and the last speak for all.  Where one is missing the
        kernel begins to read ahead of it, so it pays to ask.
        """
        if self._in_memory:
            return True
        try:
            for place in (offset, offset + size - 1):
                os.preadv(file, [bytearray(1)], place, os.RWF_NOWAIT)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            # A file system in memory does not know the question, and neither do
            # some where it matters.
            if self._in_memory is None:
                self._in_memory = self.system(file) in _MEMORY
            return self._in_memory
        return True

    def truncate(self, file: int, size: int) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.truncate`."""
        os.ftruncate(file, size)

    def attribute(self, file: int) -> bytes | None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.attribute`."""
        try:
            return os.getxattr(file, ATTRIBUTE)
        except OSError as error:
            if error.errno == errno.ENODATA:
                return None
            raise

    def set_attribute(self, file: int, value: bytes) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.set_attribute`."""
        os.setxattr(file, ATTRIBUTE, value)

    def link(self, folder: int, name: bytes, to: int, new: bytes) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.link`."""
        os.link(name, new, src_dir_fd=folder, dst_dir_fd=to, follow_symlinks=False)

    def rename(self, folder: int, name: bytes, to: int, new: bytes) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.rename`."""
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=to)

    def unlink(self, folder: int, name: bytes) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.unlink`."""
        os.unlink(name, dir_fd=folder)

    def sync(self, descriptor: int) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.sync`."""
        if self._durable:
            os.fsync(descriptor)

    def sync_names(self, folder: int) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.sync_names`."""
        if self._durable:
            found = os.fstat(folder)
            self._syncing.share((found.st_dev, found.st_ino), partial(self.sync, folder))

    def lock(self, folder: int, name: bytes, wait: bool) -> int:
        """
        See :meth:`hmacfs.interfaces.disk.IDisk.lock`.  Opened anew each time:
        ``flock`` holds between open files, not between threads that share one.
        """
        file = os.open(name, os.O_RDWR | os.O_CREAT | _NO_LINKS, 0o600, dir_fd=folder)
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(file)
            raise
        return file

    def claim(self, file: int) -> None:
        """See :meth:`hmacfs.interfaces.disk.IDisk.claim`."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _comes(descriptor: int, size: int) -> bool:
    """
    Wait a moment for more on a socket.

    :param size: bytes that are worth waking up for.
    """
    with socket.socket(fileno=descriptor) as opened:
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)
            return bool(select.select([descriptor], [], [], _PATIENCE)[0])
        finally:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            opened.detach()


def _copy(source: int, size: int, file: int, at: int) -> int:
    """
    Write at *at* what is in a pipe, all of it.
    """
    data = memoryview(os.read(source, size))
    done = 0
    while done < len(data):
        done += os.pwrite(file, data[done:], at + done)
    return done


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def _status(found: os.stat_result) -> Status:
    kind = {stat.S_IFREG: "file", stat.S_IFDIR: "folder"}.get(stat.S_IFMT(found.st_mode), "other")
    return Status(found.st_dev, found.st_ino, kind, found.st_size, found.st_mtime_ns)
