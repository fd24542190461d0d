"""
The README, as the tests read it and run it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import attrs

from tests.process import PATIENCE, ROOT

TEXT = (ROOT / "README.rst").read_text()

#: What the shell finds in place of the scripts that an installation would have.
_SCRIPTS = {
    "pip": "exit 0",
    "python": f'exec "{sys.executable}" "$@"',
    "twistd": f'exec "{sys.executable}" -c "from twisted.scripts.twistd import run; run()" "$@"',
    "hmacfs": f'exec "{sys.executable}" -c "import sys, hmacfs.cli as c; sys.exit(c.main())" "$@"',
}


@attrs.frozen
class Block:
    """
    :ivar section: the heading above it.
    :ivar language: ``"sh"``, ``"toml"``, ...
    """

    section: str
    language: str
    text: str


def blocks() -> list[Block]:
    """
    :return: all code of the README, in its order.
    """
    found = []
    section = ""
    for heading, language, text in re.findall(
        r"^(\w.*)\n(?:-{3,}|={3,})\n|^\.\. code-block:: (\w+)\n\n((?: {4}.*\n|\n)+)", TEXT, re.M
    ):
        section = heading or section
        if language:
            found.append(Block(section, language, textwrap.dedent(text).strip("\n") + "\n"))
    return found


class Shell:
    """
    A terminal in which hmacfs is installed: this checkout of it.

    :ivar environment: what its commands know beside the environment of the tests.
    """

    def __init__(self, folder: Path, replaced: Mapping[str, str]) -> None:
        """
        :param folder: where it is, an existing one.
        :param replaced: what stands in the README, and what is free here: an
            address, or the path of a folder.
        """
        self._folder = folder
        self._replaced = replaced
        scripts = folder / "bin"
        scripts.mkdir()
        for name, line in _SCRIPTS.items():
            (scripts / name).write_text(f"#!/bin/sh\n{line}\n")
            (scripts / name).chmod(0o755)
        self.environment = {
            "PATH": f"{scripts}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }

    def here(self, text: str) -> str:
        """
        :return: *text* of the README with what is free here.
        """
        for shown, free in self._replaced.items():
            text = text.replace(shown, free)
        return text

    def shown(self, text: str) -> str:
        """
        :return: *text* of a command as the README shows it.
        """
        for shown, free in self._replaced.items():
            text = text.replace(free, shown)
        return text

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        """
        :param text: commands of the README, the first that fails ends them.
        """
        return subprocess.run(
            ["sh", "-ec", self.here(text)],
            cwd=self._folder,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
