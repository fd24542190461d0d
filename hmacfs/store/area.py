"""
The private area of a store, opened and tried out before anything is served.

All of a store is on one file system, so that every step of a commit is a link
or a rename; one daemon at a time has it; and what the file system cannot do is
found here and not at the first upload.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

import attrs

from hmacfs.errors import StoreProblem
from hmacfs.interfaces.disk import IDisk
from hmacfs.names import RESERVED

PRIVATE_MODE = 0o700

#: Their answers to ``link``, ``flock`` and ``fsync`` are promises of somebody
#: else, who may be gone.  Of FUSE nobody can tell what is behind it.
NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"smb3", "smbfs"}
)

_GUARD = b"daemon.lock"


@attrs.frozen
class Area:
    """
    The open folders of a store.

    :ivar root: what is served.
    :ivar guard: holds the lock that keeps other daemons out.
    :ivar attributes: whether the file system keeps attributes.
    :ivar boot: see :meth:`hmacfs.interfaces.disk.IDisk.boot`.
    :ivar faults: what the operator should know, a sentence each.
    """

    root: int
    parts: int
    versions: int
    trash: int
    locks: int
    guard: int
    attributes: bool
    boot: str
    faults: tuple[str, ...]

    def close(self, disk: IDisk) -> None:
        """Let go of it; the lock goes last."""
        folders = (self.root, self.parts, self.versions, self.trash, self.locks)
        for descriptor in (*folders, self.guard):
            disk.close(descriptor)


def open_area(disk: IDisk, path: str, network: bool) -> Area:
    """
    Open the store *path*, and make what is missing.

    :param path: of its root, absolute.
    :param network: whether the operator insists on a network file system.
    :raise StoreProblem: it cannot be used.
    """
    opened: list[int] = []
    try:
        return _open(disk, path, network, opened)
    except BaseException as error:
        for descriptor in opened:
            disk.close(descriptor)
        if isinstance(error, OSError):
            why = os.strerror(error.errno) if error.errno else str(error)
            raise StoreProblem(f"The store {path!r} cannot be used: {why}.") from error
        raise


def join_area(disk: IDisk, path: str, known: Area, guard: int) -> Area:
    """
    Open what another process of this daemon has opened and tried out.

    :param known: as it has it.
    :param guard: its lock, inherited: a store is in use until all have let go.
    """
    opened: list[int] = []
    try:
        opened.append(disk.root(path))
        private = disk.folder(opened[0], RESERVED)
        try:
            for name in (b"parts", b"versions", b"trash", b"locks"):
                opened.append(disk.folder(private, name))
        finally:
            disk.close(private)
    except BaseException:
        for descriptor in opened:
            disk.close(descriptor)
        raise
    root, parts, versions, trash, locks = opened
    return attrs.evolve(
        known, root=root, parts=parts, versions=versions, trash=trash, locks=locks, guard=guard
    )


def _open(disk: IDisk, path: str, network: bool, opened: list[int]) -> Area:
    def keep(descriptor: int) -> int:
        opened.append(descriptor)
        return descriptor

    faults = []
    root = keep(disk.root(path))
    system = disk.system(root)
    if system in NETWORK or system.startswith("fuse."):
        if not network:
            raise StoreProblem(
                f"The store {path!r} is on a network file system ({system}), where what was "
                "acknowledged may be lost; with AllowNetworkStore = true it is used all the same."
            )
        faults.append(
            f"The store is on a network file system ({system}): what was acknowledged may be lost."
        )
    private = keep(_made(disk, root, RESERVED))
    parts, versions, trash, locks, run = (
        keep(_made(disk, private, name))
        for name in (b"parts", b"versions", b"trash", b"locks", b"run")
    )
    for folder in (private, parts, versions, trash):
        if disk.status(folder).device != disk.status(root).device:
            raise StoreProblem(
                f"The store {path!r} is on two file systems: all of {RESERVED.decode()!r} must "
                "be where the files are."
            )
    guard = keep(_guard(disk, run, path))
    # Always as many bytes, so that they replace those of the daemon before.
    disk.write(guard, [b"%10d\n" % os.getpid()])
    _try_links(disk, run, path)
    attributes = _keeps_attributes(disk, guard)
    if not attributes:
        faults.append(
            "The store is degraded: its file system keeps no extended attributes, so types and "
            "expiry times are kept in the index alone, and are lost with it."
        )
    # What stands in them is lost with them, so they come first.
    disk.sync(private)
    disk.sync(root)
    for descriptor in (private, run):
        opened.remove(descriptor)
        disk.close(descriptor)
    boot, told = disk.boot(), tuple(faults)
    return Area(root, parts, versions, trash, locks, guard, attributes, boot, told)


def _made(disk: IDisk, parent: int, name: bytes) -> int:
    with suppress(FileExistsError):
        disk.make_folder(parent, name, PRIVATE_MODE)
    return disk.folder(parent, name)


def _guard(disk: IDisk, run: int, path: str) -> int:
    try:
        return disk.lock(run, _GUARD, False)
    except BlockingIOError:
        file = disk.open(run, _GUARD)
        try:
            owner = disk.read(file, 0, 20).decode("ascii", "replace").strip()
        finally:
            disk.close(file)
        raise StoreProblem(
            f"The store {path!r} is in use by another daemon, process {owner}."
        ) from None


def _try_links(disk: IDisk, run: int, path: str) -> None:
    probe = _GUARD + b".link"
    with suppress(FileNotFoundError):
        disk.unlink(run, probe)
    try:
        disk.link(run, _GUARD, run, probe)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS):
            raise StoreProblem(
                f"The store {path!r} is on a file system without hard links, which it needs."
            ) from error
        raise
    disk.unlink(run, probe)


def _keeps_attributes(disk: IDisk, file: int) -> bool:
    probe = b"{}"
    try:
        disk.set_attribute(file, probe)
        return disk.attribute(file) == probe
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.EPERM, errno.EACCES, errno.ENOSYS):
            return False
        raise
