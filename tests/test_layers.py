"""
Tests for the floors of the house: see :mod:`tests.layers`.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import hmacfs
from tests.layers import FLOORS, INTIMATE, problems, read


class HouseTests(SynchronousTestCase):
    """
    A module imports from below and from its peers, and from nowhere else.
    """

    def test_hmacfs(self) -> None:
        """
        Every module of hmacfs keeps to its floor.
        """
        modules = read(Path(hmacfs.__file__).parent)
        self.assertEqual(problems(modules, FLOORS), [])


class RulesTests(SynchronousTestCase):
    """
    Each rule is seen to be broken in a small house that breaks it.
    """

    def problems(self, files: dict[str, str]) -> list[str]:
        """
        :param files: sources by path below the package.
        :return: what is said of a package that is made of them.
        """
        root = Path(self.mktemp()) / "hmacfs"
        for path, source in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(source)
        modules = read(root)
        return problems(modules, {name: at for name, at in FLOORS.items() if name in modules})

    def test_well_built(self) -> None:
        """
        Imports from below, from peers and from the own package are right.
        """
        files = {
            "__init__.py": "",
            "errors.py": "import attrs\nfrom urllib.parse import quote\n",
            "names.py": "from hmacfs.errors import Refusal\nfrom hmacfs import errors\n",
            "interfaces.py": "from twisted.internet.defer import Deferred\nimport hmacfs.names\n",
            "disk.py": "import os\nfrom hmacfs.interfaces import IDisk\n",
            "store/__init__.py": "",
            "store/index.py": "import sqlite3\nfrom ..disk import Disk\n",
            "store/filesystem.py": "from hmacfs.store import index\nfrom . import index\n",
            "web/__init__.py": "from .root import make_site\n",
            "web/root.py": "from hmacfs.web.channel import UploadChannel\n",
            "web/channel.py": "from twisted.web.http import _X\ndef f(r): r._queue\n",
            "hub.py": "class Hub:\n    _turn = 0\n    def f(self): self._turn\n",
            "logs.py": "import hmacfs.events\n",
            "tap.py": "import hmacfs.logs\nimport hmacfs.store.filesystem, hmacfs.web.root\n",
        }
        self.assertEqual(self.problems(files), [])

    def test_unknown_module(self) -> None:
        """
        A module without a floor is told of, in a package that is no one thing too.
        """
        self.assertEqual(
            self.problems({"utils.py": "import os\n", "cache/lru.py": "", "store/new.py": ""}),
            [
                "hmacfs.cache.lru has no floor: say in tests/layers.py where it stands.",
                "hmacfs.store.new has no floor: say in tests/layers.py where it stands.",
                "hmacfs.utils has no floor: say in tests/layers.py where it stands.",
            ],
        )

    def test_gone(self) -> None:
        """
        A floor that is kept for a module that is gone is told of.
        """
        self.assertEqual(
            problems({}, {"hmacfs.old": 2}),
            ["hmacfs.old has a floor in tests/layers.py and is gone."],
        )

    def test_pure_core(self) -> None:
        """
        The core can neither open, nor wait, nor tell the time, nor hide that in a function.
        """
        source = (
            "import os.path\nfrom time import time\ndef f():\n    from twisted.web import http\n"
        )
        because = "the pure core has no I/O, no clock and no Twisted."
        self.assertEqual(
            self.problems({"names.py": source}),
            [
                f"hmacfs.names imports os.path: {because}",
                f"hmacfs.names imports time.time: {because}",
                f"hmacfs.names imports twisted.web.http: {because}",
            ],
        )

    def test_upwards(self) -> None:
        """
        No floor looks up, not for a type either.
        """
        source = (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import hmacfs.interfaces\n"
        )
        self.assertEqual(
            self.problems(
                {
                    "names.py": source,
                    "interfaces.py": "",
                    "disk.py": "from hmacfs.web import root\n",
                    "web/__init__.py": "from .. import hub\n",
                    "web/root.py": "",
                    "hub.py": "",
                }
            ),
            [
                "hmacfs.disk on floor 2 imports hmacfs.web.root on floor 3.",
                "hmacfs.names on floor 0 imports hmacfs.interfaces on floor 1.",
                "hmacfs.web on floor 3 imports hmacfs.hub on floor 4.",
            ],
        )

    def test_backends(self) -> None:
        """
        The web knows stores by their interface alone.
        """
        self.assertEqual(
            self.problems(
                {
                    "web/__init__.py": "",
                    "web/root.py": "from hmacfs.store import memory\nimport hmacfs.disk\n",
                    "store/__init__.py": "",
                    "store/memory.py": "",
                    "disk.py": "",
                }
            ),
            [
                "hmacfs.web.root imports hmacfs.disk: web knows stores by their interface alone.",
                "hmacfs.web.root imports hmacfs.store.memory: "
                "web knows stores by their interface alone.",
            ],
        )

    def test_tap_and_listeners(self) -> None:
        """
        Nothing knows the tap, and only the tap knows the listeners.
        """
        self.assertEqual(
            self.problems(
                {
                    "tap.py": "import hmacfs.logs, hmacfs.metrics\n",
                    "logs.py": "",
                    "metrics.py": "from hmacfs.logs import begin\n",
                    "drain.py": "from hmacfs import metrics\n",
                    "cli.py": "import hmacfs.tap\n",
                }
            ),
            [
                "hmacfs.cli imports hmacfs.tap: nothing imports the tap.",
                "hmacfs.drain imports hmacfs.metrics: only hmacfs.tap knows the listeners.",
                "hmacfs.metrics imports hmacfs.logs: only hmacfs.tap knows the listeners.",
            ],
        )

    def test_private_names(self) -> None:
        """
        What Twisted keeps to itself is used in a few modules alone.
        """
        source = (
            "from twisted.web.http import _GenericHTTPChannelProtocol\n"
            "import twisted.internet._sslverify\n"
            "class Mine:\n"
            "    def f(self, request):\n"
            "        self._inherited, request._written\n"
            "        self.__class__, self._own\n"
            "        self._own = 1\n"
        )
        may = f"which is not public: only {' and '.join(INTIMATE)} may."
        self.assertEqual(
            self.problems({"web/__init__.py": "", "web/pages.py": source}),
            [
                f"hmacfs.web.pages imports twisted.internet._sslverify, {may}",
                f"hmacfs.web.pages imports twisted.web.http._GenericHTTPChannelProtocol, {may}",
                f"hmacfs.web.pages uses _inherited, {may}",
                f"hmacfs.web.pages uses _written, {may}",
            ],
        )

    def test_inherited_names(self) -> None:
        """
        What a class of ours keeps to itself, those derived from it may use: of
        one in those few modules, they could not be told from Twisted's.
        """
        base = "class Base:\n    def f(self):\n        self._inherited = 1\n"
        derived = "class Mine(Base):\n    def g(self):\n        return self._inherited\n"
        may = f"which is not public: only {' and '.join(INTIMATE)} may."
        self.assertEqual(
            self.problems(
                {
                    "web/__init__.py": "",
                    "web/sources.py": base,
                    "web/channel.py": base,
                    "web/sendfile.py": f"from hmacfs.web.sources import Base\n{derived}",
                    "web/request.py": f"from hmacfs.web.channel import Base\n{derived}",
                }
            ),
            [f"hmacfs.web.request uses _inherited, {may}"],
        )
