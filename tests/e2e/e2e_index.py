"""
The index is lost, and made anew from the files.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from threading import Event, Thread

from tests.e2e.keeping import Heard, KeepingCase

KINDS = ("image/png", "text/plain; charset=utf-8", "video/mp4", "application/x-of-ours")
FILES = 40


class IndexTests(KeepingCase):
    """
    The store describes itself: headers and bytes of every file are as before.
    """

    def setUp(self) -> None:
        super().setUp()
        self.start_daemon()
        self.names = [f"{number}/file" for number in range(FILES)]
        later = int(time.time()) + 86400
        for number, name in enumerate(self.names):
            kind = KINDS[number % len(KINDS)]
            self.assertEqual(self.put_until(name, name.encode() * 99, later + number, kind), 201)
        self.assertEqual(self.put("replaced", b"what it was"), 201)
        self.assertEqual(self.put("replaced", b"what it is"), 201)
        self.names.append("replaced")
        self.kept = self.files()
        self.listed = self.ls()
        self.assertTrue((self.daemon.store / ".hmacfs" / "index.sqlite").exists())
        self.versions = self.ask("GET", "replaced", "versions").body

    def start_daemon(self) -> None:
        """Start one, on what there is."""
        self.daemon = self.start(EnableVersioning=True, FileTTL="30d")

    def files(self) -> dict[str, Heard]:
        """
        :return: what is heard of each file.
        """
        return {name: self.get(name) for name in self.names}

    def ls(self) -> list[str]:
        """
        :return: what the index tells of each file.
        """
        return self.hmacfs("ls", "--json").out.splitlines()

    def lose(self) -> None:
        """Delete the index with all that belongs to it."""
        for file in (self.daemon.store / ".hmacfs").glob("index.sqlite*"):
            file.unlink()

    def check(self, *more: str) -> None:
        """
        :param more: names that came meanwhile.
        """
        self.assertEqual(self.files(), self.kept)
        self.assertEqual(self.ask("GET", "replaced", "versions").body, self.versions)
        listed = self.ls()
        self.assertEqual([line for line in listed if line in self.listed], self.listed)
        names = {json.loads(line)["name"] for line in listed}
        self.assertEqual(names, {*self.names, *more})
        checked = self.hmacfs("fsck")
        self.assertEqual(checked.status, 0, checked)

    def under_load(self, do: Callable[[], None]) -> list[str]:
        """
        Upload and download all the while that *do* is done.

        :return: the names that were uploaded.
        """
        over, uploaded, wrong = Event(), list[str](), list[object]()

        def upload() -> None:
            while not (over.is_set() and uploaded):
                name = f"more/{len(uploaded)}"
                if self.put(name, name.encode()) != 201:
                    wrong.append(name)
                uploaded.append(name)

        def download() -> None:
            while not over.is_set():
                for name in self.names:
                    if self.get(name) != self.kept[name]:
                        wrong.append(name)

        threads = [Thread(target=each) for each in (upload, download)]
        for thread in threads:
            thread.start()
        try:
            do()
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])
        return uploaded

    def test_reindex(self) -> None:
        """
        Deleted while the daemon is busy, it is made anew by hmacfs reindex,
        and no request fails meanwhile.
        """

        def lose() -> None:
            self.lose()
            ran = self.hmacfs("reindex")
            self.assertEqual(ran.status, 0, ran)

        self.check(*self.under_load(lose))

    def test_restart(self) -> None:
        """
        Deleted while the daemon is busy, it is made anew by the next start.
        """
        uploaded = self.under_load(self.lose)
        self.daemon.end()
        self.lose()
        self.start_daemon()
        self.daemon.wait_for("the crawl looked at")
        self.check(*uploaded)

    def test_alone(self) -> None:
        """
        So it is by hmacfs reindex where no daemon runs.
        """
        self.assertEqual(self.daemon.stop(), 0)
        self.lose()
        ran = self.hmacfs("reindex")
        self.assertEqual((ran.status, ran.err), (0, f"The index lists {FILES + 1} files.\n"))
        self.start_daemon()
        self.check()
