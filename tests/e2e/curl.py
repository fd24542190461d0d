"""
curl, as people use it, and what it hears.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path

import attrs

from tests.process import PATIENCE


@attrs.frozen
class Answer:
    """
    One HTTP answer, the last one where an interim one came first.

    :ivar status: its status code.
    :ivar version: ``"1.1"`` or ``"2"``.
    :ivar headers: its fields by their lower-case names, several lines joined.
    :ivar body: a file that holds its body.
    """

    status: int
    version: str
    headers: Mapping[str, str]
    body: Path

    @property
    def sha256(self) -> str:
        """The digest of the body, in hexadecimal digits."""
        with self.body.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()

    @property
    def size(self) -> int:
        """The bytes of the body."""
        return self.body.stat().st_size


@attrs.define
class Curl:
    """
    :ivar folder: where bodies are kept.
    :ivar version: the option that chooses HTTP's version.
    :ivar certificate: a PEM file with the one that it trusts.
    """

    folder: Path
    version: str = "--http1.1"
    certificate: Path | None = None
    _count: int = 0

    def __call__(self, *arguments: str) -> Answer:
        """
        :param arguments: options, and one URL.
        :raise AssertionError: curl heard no answer.
        """
        self._count += 1
        body = self.folder / f"body-{self._count}"
        body.touch()  # curl makes no file for an empty body
        usual = f"curl --silent --show-error --globoff --path-as-is {self.version} --output".split()
        trust = ["--cacert", str(self.certificate)] if self.certificate else []
        report = ["--write-out", "[%{json}, %{header_json}]"]
        told = subprocess.run(
            [*usual, str(body), *trust, *report, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert told.returncode == 0, f"curl {arguments}: {told.stderr}"
        about, headers = json.loads(told.stdout)
        return Answer(
            about["http_code"],
            about["http_version"],
            {name: ", ".join(lines) for name, lines in headers.items()},
            body,
        )

    def put(self, url: str, path: str, fields: Mapping[str, str]) -> Answer:
        """
        Upload a file.

        :param fields: header fields; an empty value takes one of curl's own away.
        """
        return self(*field_options(fields), "--upload-file", path, url)


def field_options(fields: Mapping[str, str]) -> list[str]:
    """
    :return: what tells curl to send *fields*.
    """
    lines = [f"{name}: {value}".strip() for name, value in fields.items()]
    return [word for line in lines for word in ["-H", line]]
