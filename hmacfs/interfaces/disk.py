"""
What a store asks of the system: of its disk, and of who may wait for it.

Stores know the system by these alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import attrs
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from hmacfs.records import Mark, Status

T = TypeVar("T")


@attrs.frozen
class Drawn:
    """
    What was drawn off a socket.

    :ivar size: bytes.
    :ivar more: whether there was more.
    :ivar ended: whether nothing will come any more, or not in this way.
    """

    size: int
    more: bool = False
    ended: bool = False


class IDisk(Interface):
    """
    Every system call of a store, and nothing else.

    Folders and files are descriptors, from the call that opened them to
    :meth:`close`; a name is one segment below a folder, and no link is ever
    followed.  What goes wrong is an :class:`OSError`, told by its ``errno``.
    """

    def root(path: str) -> int:
        """
        Open the folder *path*, and make it with its parents where it is
        missing.  The one call that takes a path, the operator's, and follows links.
        """

    def system(folder: int) -> str:
        """
        :return: the type of the file system, as ``mount`` shows it: ``"ext4"``;
            ``""`` where nobody knows.
        """

    def free(folder: int) -> int:
        """
        :return: bytes that may still be written by us.
        """

    def boot() -> str:
        """
        :return: what no two boots of the machine have in common; ``""`` where
            nobody knows.
        """

    def folder(parent: int, name: bytes) -> int:
        """Open a folder."""

    def make_folder(parent: int, name: bytes, mode: int) -> None:
        """Make a folder."""

    def remove_folder(parent: int, name: bytes) -> None:
        """Remove an empty folder."""

    def names(folder: int) -> list[bytes]:
        """
        :return: what is in *folder*, in no order.
        """

    def entries(folder: int) -> Generator[tuple[bytes, str]]:
        """
        :return: what is in *folder*, in no order, each with its kind as of
            :class:`hmacfs.records.Status`; read as it is asked for, and not
            held at once.  *folder* stays open until it is closed.
        """

    def create(folder: int, name: bytes, mode: int) -> int:
        """Make a new file, to be read, and written at its end."""

    def reopen(folder: int, name: bytes) -> int:
        """Open a file that is there, to be read, and written at its end."""

    def open(folder: int, name: bytes) -> int:
        """
        Open whatever is there, to be read; never waits for a pipe's other end.
        """

    def close(descriptor: int) -> None:
        """Let go of a file or a folder, and of the lock it holds."""

    def status(descriptor: int) -> Status:
        """
        :return: what is open there.
        """

    def mark(place: int, path: bytes = b"") -> Mark:
        """
        :param place: what is open, or the folder that *path* begins in.
        :param path: of several segments.  The one call that follows links on
            the way, but for the last: good to see that nothing has changed,
            and for nothing else.
        :return: the mark of what is there.
        """

    def look(folder: int, name: bytes) -> Status:
        """
        :return: what stands under *name*.
        """

    def write(file: int, pieces: Sequence[bytes | memoryview]) -> int:
        """
        :param pieces: at most :data:`hmacfs.disk.MOST_PIECES`.
        :return: how many bytes of them were written, fewer where the disk is
            nearly full.
        """

    def draw(source: int, file: int, most: int) -> Drawn:
        """
        Write what is on the socket *source* to the end of *file*.

        :param source: it does not block.
        :param most: bytes.
        :raise OSError: of the file; what was written is written.  A socket that
            fails has ended.
        """

    def read(file: int, offset: int, size: int) -> bytes:
        """
        :return: up to *size* bytes from *offset*; ``b""`` only at the end.
        """

    def at_hand(file: int, offset: int, size: int) -> bool:
        """
        :return: whether these bytes, of which there is one at least, are in
            memory, so that to read them nothing has to be waited for.
        """

    def truncate(file: int, size: int) -> None:
        """Cut a file to its first *size* bytes."""

    def attribute(file: int) -> bytes | None:
        """
        :return: the attribute ``user.hmacfs``, or ``None``.
        """

    def set_attribute(file: int, value: bytes) -> None:
        """Set it, as a whole or not at all."""

    def link(folder: int, name: bytes, to: int, new: bytes) -> None:
        """
        Give a file the name *new* in the folder *to* as well; fails where
        that is taken.
        """

    def rename(folder: int, name: bytes, to: int, new: bytes) -> None:
        """Move a file to *new* in the folder *to*, in place of what is there."""

    def unlink(folder: int, name: bytes) -> None:
        """Take a name from a file."""

    def sync(descriptor: int) -> None:
        """
        Make what is in a file, its attribute included, or which names are in
        a folder, survive a power cut.
        """

    def sync_names(folder: int) -> None:
        """
        As :meth:`sync`, of a folder in which many may have put something at
        once: those share one call that began behind all of them.
        """

    def lock(folder: int, name: bytes, wait: bool) -> int:
        """
        Take the lock *name*, a file that is made where it is missing.

        :param wait: whether to wait until whoever has it lets go.
        :return: its descriptor, which holds the lock until it is closed.
        :raise BlockingIOError: somebody has it, and *wait* is false.
        """

    def claim(file: int) -> None:
        """
        Take the lock of an open file, which holds it until it is closed.

        :raise BlockingIOError: somebody has it.
        """


class IThreads(Interface):
    """Where what may block is done."""

    def start() -> None:
        """Get ready."""

    def stop() -> Deferred[None]:
        """
        :return: fires when all that was asked for is done, and told.
        """

    def run(function: Callable[..., T], *args: Any) -> Deferred[T]:
        """
        :return: fires with what *function* returned, or fails with what it raised.
        """

    def ask(function: Callable[..., Deferred[T]], *args: Any) -> T:
        """
        From within one of these threads: call *function* where all else is
        called, and wait for what its Deferred fires with, or raise it.
        """


class ISyncs(Interface):
    """Who syncs, while nobody waits for it in a thread of ours."""

    most = Attribute("How many orders it takes at a time: an ``int``, 0 where it takes none.")

    def start() -> None:
        """Get ready."""

    def stop() -> None:
        """Take no more; none is under way."""

    def order(descriptor: int) -> Deferred[None] | None:
        """
        Have it done what :meth:`IDisk.sync` does.

        :return: fires when it is done; ``None`` where this one is not taken.
        :raise OSError: the Deferred does.
        """
