"""
A disk that is full, in the middle of whatever is done.

The disk is a small file system in memory, which root mounts.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.calling import Caller, until
from tests.e2e.keeping import KeepingCase

SIZE = "6m"
OLD, NEW = b"what it was" * 1000, b"what it is, and longer" * 1000


class FullDiskTests(KeepingCase):
    """
    What needs room is 507, what is there stands, and what goes, goes; with
    room again, all is well.
    """

    def setUp(self) -> None:
        super().setUp()
        store = self.folder / "store"
        store.mkdir()
        self.mount(store)
        self.daemon = self.start(
            EnableVersioning=True, MinFreeSpace="0", SweepInterval="1h", TombstoneTTL="1h"
        )
        self.store = self.daemon.store
        for name in ("kept", "replaced"):
            self.assertEqual([self.put(name, data) for data in (OLD, NEW)], [201, 201])

    def mount(self, folder: Path) -> None:
        """Mount the small file system, until the test ends."""
        root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
        options = f"size={SIZE},nr_inodes=2000,mode=0700,uid={os.geteuid()}"
        mount = [*root, "mount", "-t", "tmpfs", "-o", options, "hmacfs-test", str(folder)]
        told = subprocess.run(mount, capture_output=True, text=True)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.addCleanup(subprocess.run, [*root, "umount", str(folder)], check=True)

    @contextlib.contextmanager
    def full(self, inodes: bool = False) -> Iterator[None]:
        """
        Let somebody fill the disk.

        :param inodes: whether it can take no name more either.
        """
        # What is behind the answers would need room as well.
        self.assertEqual(self.hmacfs("ls").status, 0)
        folder = self.store / ".hmacfs" / "filled"
        folder.mkdir()
        with self.no_room(), (folder / "large").open("wb", buffering=0) as large:
            while True:
                large.write(bytes(4096))
        if inodes:
            with self.no_room():
                for number in range(10_000):
                    (folder / str(number)).touch()
        yield
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()

    @contextlib.contextmanager
    def no_room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.assertEqual(error.errno, errno.ENOSPC)

    def well(self, *names: str) -> None:
        """
        Check that there are no files but *names*, no uploads and no troubles,
        and that the next upload is taken.
        """
        self.assertEqual(self.put("next", NEW), 201)
        listed = [json.loads(line)["name"] for line in self.hmacfs("ls", "--json").out.splitlines()]
        self.assertEqual(listed, sorted([*names, "next"]))
        self.assertEqual(self.parts(), [])
        ran = self.hmacfs("fsck")
        self.assertEqual(ran.status, 0, ran)

    def parts(self) -> list[str]:
        return os.listdir(self.store / ".hmacfs" / "parts")

    def versions(self, name: str) -> list[str]:
        """
        :return: the ids of what *name* was.
        """
        return [each["id"] for each in json.loads(self.ask("GET", name, "versions").body)]

    def interrupted(self, name: str) -> int:
        """
        Upload half of a file before the disk is full, and half behind.

        :return: the status.
        """
        data = os.urandom(2**20)
        caller = Caller(self.place)
        self.addCleanup(caller.close)
        caller.begin(name, len(data))
        caller.send(data[: len(data) // 2])
        parts = self.store / ".hmacfs" / "parts"
        until(lambda: sum(part.stat().st_size for part in parts.iterdir()) == len(data) // 2)
        with self.full():
            # The answer comes before all is sent.
            with contextlib.suppress(ConnectionError):
                caller.send(data[len(data) // 2 :])
            return caller.status()

    def test_upload(self) -> None:
        """
        An upload and an overwrite that the disk fills up under are 507, and
        nothing is left of them.
        """
        self.assertEqual(self.interrupted("new/file"), 507)
        self.assertEqual(self.interrupted("replaced"), 507)
        self.assertEqual((self.get("new/file").status, self.get("replaced").body), (404, NEW))
        self.assertEqual((self.parts(), len(self.versions("replaced"))), ([], 1))
        self.well("kept", "replaced")

    def test_begun(self) -> None:
        """
        Where the disk is full already, uploads are 507 and downloads go on.
        """
        with self.full(inodes=True):
            statuses = [self.put(name, OLD) for name in ("new", "replaced", "folder/new")]
            self.assertEqual((statuses, self.get("replaced").body), ([507] * 3, NEW))
            self.assertEqual(self.parts(), [])
        self.well("kept", "replaced")

    def test_restore(self) -> None:
        """
        A version that cannot be restored is one still, and the file stands.
        """
        [version] = self.versions("replaced")
        with self.full(inodes=True):
            restored = self.ask("POST", "replaced", f"restore={version}")
            self.assertEqual((restored.status, self.get("replaced").body), (507, NEW))
            self.assertEqual((self.versions("replaced"), self.parts()), ([version], []))
        self.assertEqual(self.ask("POST", "replaced", f"restore={version}").status, 200)
        self.assertEqual(self.get("replaced").body, OLD)
        self.well("kept", "replaced")

    def test_removal(self) -> None:
        """
        DELETE and hmacfs rm need no room, also behind a restart.
        """
        self.put("another", OLD)
        with self.full(inodes=True):
            self.assertEqual(self.ask("DELETE", "replaced").status, 204)
            self.assertEqual(self.get("replaced").status, 404)
            self.assertEqual(self.hmacfs("rm", "another").status, 0)
        self.assertEqual([self.put(name, OLD) for name in ("replaced", "another")], [410] * 2)
        self.daemon.end()
        self.daemon = self.start(EnableVersioning=True, MinFreeSpace="0")
        self.assertEqual([self.put(name, OLD) for name in ("replaced", "another")], [410] * 2)
        self.well("kept")

    def test_sweep(self) -> None:
        """
        What expires goes into the trash, and comes back when there is room.
        """
        due = int(time.time()) + 2
        names = [f"{number}/short" for number in range(20)]
        for name in names:
            self.assertEqual(self.put_until(name, OLD, due, "text/plain"), 201)
        until(lambda: time.time() > due)
        with self.full():
            self.assertEqual(self.hmacfs("gc").status, 0)
            self.assertEqual([self.get(name).status for name in names], [404] * 20)
        back = self.hmacfs("undo", "--all")
        self.assertEqual((back.status, [self.get(name).body for name in names]), (0, [OLD] * 20))
        self.well("kept", "replaced", *names)

    def test_killed(self) -> None:
        """
        A daemon that dies on a full disk starts on it, with all that it had
        acknowledged.
        """
        [version] = self.versions("replaced")
        with self.full():
            self.ask("POST", "replaced", f"restore={version}")
            self.assertEqual(self.ask("DELETE", "kept").status, 204)
            self.daemon.end()
            self.daemon = self.start(EnableVersioning=True, MinFreeSpace="0")
            bodies = (self.get("kept").status, self.get("replaced").body)
            self.assertEqual(bodies, (404, OLD))
        self.well("replaced")

    def test_started(self) -> None:
        """
        A daemon starts on a disk that is full, serves what is there, and lets
        it be deleted.
        """
        self.assertEqual(self.daemon.stop(), 0)
        with self.full():
            self.daemon = self.start(EnableVersioning=True, MinFreeSpace="0")
            self.assertEqual(self.get("kept").body, NEW)
            self.assertEqual(self.ask("DELETE", "kept").status, 204)
        self.well("replaced")
