"""
From the root of a tree down to a file, and the folders made on the way.

A folder is opened below the one that holds it, by descriptor, and no link is
followed.  One that is missing is made, and the folder that holds it is synced
before anything is put in: else a power cut could take away the folder with a
file in it that was acknowledged.

That holds for a folder that another thread has made this very moment, too.
Whoever makes one says so first and takes it back when it is synced; whoever
finds it in between syncs as well, and does not wait.  Where several processes
work in one store they say so in their :class:`~hmacfs.commons.Commons`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from threading import Lock

from hmacfs.commons import Commons
from hmacfs.interfaces.disk import IDisk
from hmacfs.names import StoredName, jailed
from hmacfs.store.troubles import MISSING

FOLDER_MODE = 0o750
"""
As the umask lets it be.  The group may read, so that a web server in it can
serve the files by itself.
"""

Segments = tuple[bytes, ...]


class Unsynced:
    """
    The folders that are made and not synced yet, by this process.
    """

    def __init__(self) -> None:
        self._folders: Counter[Segments] = Counter()
        self._lock = Lock()

    def __contains__(self, path: Segments) -> bool:
        return path in self._folders

    def count(self, path: Segments, change: int) -> None:
        """
        :param change: 1 before it is made, -1 when it is synced.
        """
        with self._lock:
            self._folders[path] += change
            if not self._folders[path]:
                del self._folders[path]


class CommonUnsynced(Unsynced):
    """
    The same, by any process; some more may be taken for one.
    """

    def __init__(self, commons: Commons) -> None:
        super().__init__()
        self._commons = commons

    def __contains__(self, path: Segments) -> bool:
        return self._commons.unsynced(b"/".join(path))

    def count(self, path: Segments, change: int) -> None:
        """See :meth:`Unsynced.count`."""
        self._commons.folder(b"/".join(path), change)


class NeverSynced(Unsynced):
    """
    Where nothing is synced there is nothing to be told.
    """

    def __contains__(self, path: Segments) -> bool:
        return False

    def count(self, path: Segments, change: int) -> None:
        """See :meth:`Unsynced.count`."""


class Folders:
    """
    The folders of one tree: of the files as they are served, or of the versions.
    """

    def __init__(self, disk: IDisk, root: int, unsynced: Unsynced | None = None) -> None:
        """
        :param root: the folder that all of it is below, which stays open.
        :param unsynced: shared with whoever makes folders there as well.
        """
        self._disk = disk
        self._root = root
        self._unsynced = unsynced or Unsynced()

    def holding(self, name: StoredName, make: bool = False) -> AbstractContextManager[int]:
        """
        The folder that the last segment of *name* is in.

        :param make: whether to make what is missing.
        :raise FileNotFoundError: a folder is missing; with *make*, it was
            removed this moment and may be made again.
        :raise NotADirectoryError: one of them is no folder.
        """
        return self._walk(jailed(name.segments)[:-1], make)

    def within(self, name: StoredName, make: bool = False) -> AbstractContextManager[int]:
        """
        The folder that *name* itself is, in a tree where each name is one; as
        :meth:`holding`.
        """
        return self._walk(jailed(name.segments), make)

    def at(self, segments: Segments, make: bool = False) -> AbstractContextManager[int]:
        """
        The folder *segments*, be it one that no name leads to; ``()`` for the
        root.  As :meth:`holding`.
        """
        return self._walk(jailed(segments) if segments else (), make)

    @contextmanager
    def there(self, segments: Segments) -> Iterator[int | None]:
        """
        The folder *segments*, ``None`` where there is none.
        """
        with ExitStack() as stack:
            try:
                folder = stack.enter_context(self.at(segments))
            except OSError as error:
                if error.errno not in MISSING:
                    raise
                yield None
            else:
                yield folder

    @contextmanager
    def doubted(self, segments: Segments) -> Iterator[None]:
        """
        Have the folders down to *segments* synced where one is put in that is
        to be made: a process that ended has made them, and maybe nothing more.
        """
        paths = [segments[:depth] for depth in range(1, len(segments) + 1)]
        for path in paths:
            self._unsynced.count(path, 1)
        try:
            yield
        finally:
            for path in paths:
                self._unsynced.count(path, -1)

    def prune(self, segments: Segments) -> None:
        """
        Remove the folder *segments* and those that hold it, as far up as they
        are empty, and never the root.

        Nothing is synced: what a power cut brings back is empty.  Whoever is
        about to put a file there finds that his folder is gone, and makes it
        again.
        """
        for depth in range(len(segments), 0, -1):
            try:
                with self._walk(segments[: depth - 1], False) as parent:
                    self._disk.remove_folder(parent, segments[depth - 1])
            except FileNotFoundError:
                continue
            except OSError:
                # Not empty, or not ours to remove: it does no harm.
                return

    def _walk(self, segments: Segments, make: bool) -> AbstractContextManager[int]:
        return _Walk(self, segments, make)

    def walk(self, segments: Segments, make: bool) -> int:
        """
        Open the folder *segments*, which are jailed; as :meth:`at`, to be let go of
        by :meth:`leave`.
        """
        steps = self.reach(segments, make)
        try:
            while True:
                here = next(steps)
                try:
                    self._disk.sync_names(here)
                except BaseException as error:
                    steps.throw(error)
        except StopIteration as end:
            folder: int = end.value
            return folder

    def reach(self, segments: Segments, make: bool) -> Generator[int, None, int]:
        """
        As :meth:`walk`, where the syncs are left to others.

        :return: gives each folder that is to be synced, and goes on when it is, or
            is thrown what that failed with; at last the one that is reached.
        """
        here = self._root
        try:
            for depth in range(1, len(segments) + 1):
                below = yield from self._step(here, segments[:depth], make)
                self.leave(here)
                here = below
        except BaseException:
            self.leave(here)
            raise
        return here

    def leave(self, folder: int) -> None:
        """
        Let go of a folder.
        """
        if folder != self._root:
            self._disk.close(folder)

    def _step(self, here: int, path: Segments, make: bool) -> Generator[int, None, int]:
        """
        :param here: the folder above.
        :param path: all segments of the one to open, its own the last.
        """
        if not make:
            return self._disk.folder(here, path[-1])
        try:
            below = self._disk.folder(here, path[-1])
        except FileNotFoundError:
            self._begin(here, path)
            yield here
            self._unsynced.count(path, -1)
            return self._disk.folder(here, path[-1])
        if path in self._unsynced:
            try:
                yield here
            except BaseException:
                self._disk.close(below)
                raise
        return below

    def _begin(self, here: int, path: Segments) -> None:
        """
        Make a folder, which is counted until that is synced: where it is not,
        nobody is to trust it.
        """
        self._unsynced.count(path, 1)
        try:
            with suppress(FileExistsError):
                self._disk.make_folder(here, path[-1], FOLDER_MODE)
        except BaseException:
            self._unsynced.count(path, -1)
            raise


class _Walk:
    """
    What gives a folder for a while: a class, since each small file pays for one,
    and a generator costs four times more.
    """

    __slots__ = ("_folder", "_folders", "_make", "_segments")

    def __init__(self, folders: Folders, segments: Segments, make: bool) -> None:
        self._folders = folders
        self._segments = segments
        self._make = make

    def __enter__(self) -> int:
        self._folder = self._folders.walk(self._segments, self._make)
        return self._folder

    def __exit__(self, *error: object) -> None:
        self._folders.leave(self._folder)
