"""
A store that prosody-filer wrote, and that hmacfs takes over.
"""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from email.utils import formatdate
from hashlib import sha256

from tests.e2e.keeping import KeepingCase

YEAR, DAY = 365 * 86400, 86400

FILES = {
    "b2f1a3c0-9c1d-4e1a-8a4e-7d3d2b6c5f10/photo.jpg": "image/jpeg",
    "b2f1a3c0-9c1d-4e1a-8a4e-7d3d2b6c5f11/two words.txt": "text/plain",
    "deep/er/and/deeper/still/ümläut 🐘.pdf": "application/pdf",
    "no extension": "application/octet-stream",
    "empty": "application/octet-stream",
}


class TakeoverTests(KeepingCase):
    """
    ``StoreDir`` is pointed at it, and that is all.
    """

    def setUp(self) -> None:
        super().setUp()
        self.stored = int(time.time()) - 2 * YEAR
        self.contents = {name: name.encode() * 999 if name != "empty" else b"" for name in FILES}
        for name, content in self.contents.items():
            path = self.folder / "store" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (self.stored, self.stored))

    def served(self) -> dict[str, tuple[int, str | None, str | None, str]]:
        """
        :return: status, type, age and digest of each file.
        """
        heard = {name: self.get(name) for name in FILES}
        return {
            name: (each.status, *each.fields[1:3], sha256(each.body).hexdigest())
            for name, each in heard.items()
        }

    def whole(self) -> dict[str, tuple[int, str | None, str | None, str]]:
        """
        :return: what :meth:`served` is to be.
        """
        age = formatdate(self.stored, usegmt=True)
        return {
            name: (200, kind, age, sha256(self.contents[name]).hexdigest())
            for name, kind in FILES.items()
        }

    def check_listed(self) -> list[str | None]:
        """
        :return: when each file expires, as ``hmacfs ls`` tells it.
        """
        ran = self.hmacfs("ls", "--json")
        told = [json.loads(line) for line in ran.out.splitlines()]
        sizes = {name: len(content) for name, content in self.contents.items()}
        self.assertEqual({each["name"]: each["size"] for each in told}, sizes)
        checked = self.hmacfs("fsck")
        self.assertEqual(checked.status, 0, checked)
        return [each["expires"] for each in told]

    def test_taken_over(self) -> None:
        """
        Its files are served with type and age, listed, and find nothing to mend.
        """
        self.daemon = self.start()
        self.assertEqual(self.served(), self.whole())
        self.daemon.wait_for("the crawl looked at")
        self.assertEqual(self.check_listed(), [None] * len(FILES))
        self.assertEqual(self.put("deep/er/new", b"new"), 201)
        self.assertEqual(self.put("empty", b"taken"), 409)

    def test_expiry(self) -> None:
        """
        With a term that all of them are past, none goes for a day.
        """
        self.daemon = self.start(FileTTL="1d", SweepInterval="1s")
        began = time.time()
        self.daemon.wait_for("the crawl looked at")
        for command in ("gc", "reindex", "gc"):
            ran = self.hmacfs(command)
            self.assertEqual(ran.status, 0, ran)
        self.assertEqual(self.served(), self.whole())
        expires = self.check_listed()
        self.assertEqual(len(set(expires)), 1, expires)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon = self.start(FileTTL="1d", SweepInterval="1s")
        self.assertEqual((self.served(), self.check_listed()), (self.whole(), expires))
        when = datetime.fromisoformat(expires[0] or "").timestamp()
        # From the first look of the daemon on, which was a little before.
        self.assertTrue(-60 < when - (began + DAY) < 60, expires)
