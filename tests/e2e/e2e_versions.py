"""
Versions and deletion, by curl and the URLs that ``hmacfs sign`` prints.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.curl import Answer, Curl
from tests.process import Daemon, run_hmacfs

NAME = "our/notes ü?.txt"
CONTENTS = [b"what it was", b"what it was then, longer", b"", b"what it is"]
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class VersionsTests(SynchronousTestCase):
    """What was there is there, for whoever may sign for it, until it is deleted."""

    workers = 1

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="hmacfs-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.curl = Curl(self.folder)
        self.start_daemon()

    def start_daemon(self) -> None:
        """Start one on the store in the test's folder."""
        self.daemon = Daemon(
            self.folder,
            EnableVersioning=True,
            DeleteSecret="a word",
            Digests=True,
            Workers=self.workers,
        )
        self.addCleanup(self.daemon.end)

    def sign(self, *arguments: str, name: str = NAME) -> str:
        """
        :return: the URL that ``hmacfs sign`` prints.
        """
        config = str(self.daemon.config)
        return run_hmacfs("sign", name, *arguments, "--config", config).strip()

    def put(self, content: bytes, name: str = NAME) -> Answer:
        """Upload *content*."""
        path = self.folder / "content"
        path.write_bytes(content)
        return self.curl("--upload-file", str(path), self.sign(str(len(content)), name=name))

    def ask(self, method: str, operation: str, *options: str) -> Answer:
        """Ask for something about what the file was."""
        url = self.sign("--method", method, "--operation", operation)
        return self.curl("--request", method, *options, url)

    def list(self) -> list[dict[str, Any]]:
        """
        :return: the versions, the newest first.
        """
        found: list[dict[str, Any]] = json.loads(self.ask("GET", "versions").body.read_bytes())
        return found

    def public(self) -> str:
        """
        :return: the URL of the file that everybody may have.
        """
        return self.sign("1").partition("?v=")[0]

    def test_whole_way(self) -> None:
        """
        Replaced, listed, read in part, restored, removed, deleted, and gone;
        and so it is behind a restart.
        """
        put = [self.put(content).status for content in CONTENTS]
        newest, middle, oldest = listed = self.list()
        self.assertEqual(put, [201] * 4)
        self.assertEqual(
            [(each["size"], each["sha256"], each["expires"]) for each in listed],
            [
                (len(content), sha256(content).hexdigest(), None)
                for content in reversed(CONTENTS[:3])
            ],
        )
        for each in listed:
            self.assertRegex(each["id"], r"\A[0-9A-Za-z_-]+\Z")
            self.assertRegex(each["stored"], RFC3339)

        part = self.ask("GET", f"version={middle['id']}", "--range", "12-15")
        self.assertEqual(
            (part.status, part.headers["content-range"], part.body.read_bytes()),
            (206, f"bytes 12-15/{len(CONTENTS[1])}", CONTENTS[1][12:16]),
        )
        self.assertEqual(self.curl(self.public()).sha256, sha256(CONTENTS[3]).hexdigest())

        restored = self.ask("POST", f"restore={middle['id']}")
        told = json.loads(restored.body.read_bytes())
        self.assertEqual(
            (restored.status, told), (200, {k: v for k, v in middle.items() if k != "id"})
        )
        now = self.curl(self.public())
        self.assertEqual(
            (now.sha256, now.headers["etag"]), (middle["sha256"], part.headers["etag"])
        )
        former, *others = self.list()
        self.assertEqual((former["size"], others), (len(CONTENTS[3]), [newest, oldest]))

        statuses = [self.ask("DELETE", f"version={newest['id']}").status for _ in range(2)]
        self.assertEqual((statuses, self.list()), ([204, 404], [former, oldest]))

        self.assertEqual(self.daemon.stop(), 0)
        self.start_daemon()
        self.assertEqual(self.list(), [former, oldest])
        self.assertEqual(self.curl(self.public()).sha256, middle["sha256"])

        deleted = self.curl("--request", "DELETE", self.sign("--method", "DELETE"))
        self.assertEqual(deleted.status, 204)
        self.gone()
        self.assertEqual(self.daemon.stop(), 0)
        self.start_daemon()
        self.gone()
        kept = [
            path for path in self.daemon.store.rglob("*") if path.is_file() and "our" in path.parts
        ]
        self.assertEqual(kept, [])

    def gone(self) -> None:
        """Check that the file is gone with its versions, and its name takes no other."""
        statuses = [
            self.curl(self.public()).status,
            self.ask("GET", "versions").status,
            self.put(CONTENTS[0]).status,
            self.curl("--request", "DELETE", self.sign("--method", "DELETE")).status,
        ]
        self.assertEqual(statuses, [404, 404, 410, 404])

    def test_metronome(self) -> None:
        """
        Metronome's token deletes as well, and nothing else does.
        """
        self.put(CONTENTS[0])
        url = self.sign("--method", "DELETE", "--scheme", "token")
        self.assertEqual(
            [
                self.curl("--request", "DELETE", each).status
                for each in (
                    self.public(),
                    url[:-1] + ("0" if url[-1] != "0" else "1"),
                    url + "&version=1",
                    self.sign(str(len(CONTENTS[0]))),
                    self.sign("--method", "GET"),
                    url,
                )
            ],
            [403, 403, 403, 403, 403, 204],
        )
        self.gone()

    def test_unsigned(self) -> None:
        """
        Who has the URL of the file has nothing of what it was.
        """
        for content in CONTENTS[:2]:
            self.put(content)
        [version] = self.list()
        found = [
            self.curl("--request", method, f"{self.public()}?{query}").status
            for method, query in [
                ("GET", "versions"),
                ("GET", f"version={version['id']}"),
                ("DELETE", f"version={version['id']}"),
                ("POST", f"restore={version['id']}"),
            ]
        ]
        self.assertEqual((found, self.list()), ([403] * 4, [version]))


class WorkersVersionsTests(VersionsTests):
    """So it is with two workers, whichever of them is asked."""

    workers = 2
