"""
From a table of TOML to :class:`Settings`, with everything that is wrong at once.

:func:`parse` goes through :data:`KEYS`, collects a :class:`Problem` for every
value that cannot be and for every key that nobody knows, and raises them
together: an operator repairs a configuration in one go.  What is doubtful but
works becomes a warning.  It asks the file system through :class:`Files`, so
that nothing here touches it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Protocol

import attrs

from hmacfs.addresses import Address, Tcp, Unix, written
from hmacfs.kinds import HOW_TO_MAKE_ONE, SECRET, Place
from hmacfs.quoting import quoted, shown
from hmacfs.settings import KEYS, Key, Settings

__all__ = ["KEYS", "Files", "Key", "Parsed", "Problem", "Problems", "Settings", "parse"]

#: What HMAC-SHA-256 makes full use of; PyJWT warns below it as well.
GOOD_SECRET = 32


@attrs.frozen
class Problem:
    """
    One thing that is wrong.

    :ivar key: the key as it stands in the file; ``""`` where the file as a
        whole is meant.
    :ivar text: a sentence that says what to write instead.
    """

    key: str
    text: str

    def __str__(self) -> str:
        if not self.key:
            return self.text
        key = self.key if re.fullmatch(r"[0-9A-Za-z_-]{1,60}", self.key) else shown(self.key)
        return f"{key}: {self.text}"


class Problems(ValueError):
    """
    Why nothing starts: all of it.

    ``str`` of it is the report to print.

    :ivar problems: at least one.
    :ivar source: the path of the file they stand in, or ``""``.
    """

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__(self.problems, source)

    def __str__(self) -> str:
        count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
        place = self.source or "the settings"
        return "\n  ".join([f"{count} in {place}:", *map(str, self.problems)])


class Files(Protocol):
    """
    What the settings ask of the file system.
    """

    def read(self, path: str) -> str:
        """
        :raise ValueError: it cannot be read or is no text; the text of the
            error ends the sentence that begins with the path.
        """

    def exposed(self, path: str) -> bool:
        """Whether every user of this machine can read the file at *path*."""

    def what(self, path: str) -> str:
        """
        :return: ``"folder"``, ``"file"`` for anything else, or ``""`` where
            nothing is.
        """


@attrs.frozen
class Parsed:
    """
    :ivar warnings: sentences, each with its key.
    """

    settings: Settings
    warnings: tuple[str, ...]


def parse(table: Mapping[str, Any], folder: str, files: Files) -> Parsed:
    """
    :param table: the configuration as TOML said it.
    :param folder: absolute; where relative paths begin.
    :raise Problems: with all that is wrong.
    """
    problems = [_unknown(name, table[name]) for name in table if name not in _BY_NAME]
    warnings: list[Problem] = []
    values: dict[str, Any] = {}
    place = Place(folder, table.get("UnixSocket") is True)
    for key in KEYS:
        try:
            values[key.field] = key.kind.read(table.get(key.name, key.default), place)
        except ValueError as error:
            problems.extend(Problem(key.name, sentence) for sentence in error.args)
            continue
    warnings.extend(_without_effect(values))
    values["keys"] = _secrets(table, values, files, problems, warnings)
    problems.extend(_contradictions(values))
    problems.extend(_misplaced(values, files))
    if problems:
        raise Problems(problems)
    return Parsed(Settings(**values), tuple(map(str, warnings)))


_BY_NAME = {key.name: key for key in KEYS}
_BY_LETTERS = {key.name.lower(): key.name for key in KEYS}


def _unknown(name: str, value: object) -> Problem:
    if isinstance(value, Mapping):
        return Problem(
            name,
            "is a section, and there are none but [[Retention]]; write every setting without one, "
            "at the top.",
        )
    letters = re.sub(r"[\W_]", "", name.lower())[:60]
    nearest = get_close_matches(letters, _BY_LETTERS, n=1)
    if nearest:
        return Problem(name, f"is no setting; did you mean {_BY_LETTERS[nearest[0]]}?")
    return Problem(name, "is no setting; conf/hmacfs.toml shows all there are.")


def _secrets(
    table: Mapping[str, Any],
    values: dict[str, Any],
    files: Files,
    problems: list[Problem],
    warnings: list[Problem],
) -> tuple[bytes, ...]:
    """
    Take the three keys that name secrets out of *values*.

    :return: every secret in force, the newest first and none twice.
    """
    secret = values.pop("secret", b"")
    path = values.pop("secret_file", "")
    previous = values.pop("previous_secrets", ())
    source = "Secret"
    if table.get("Secret", "") != "" and table.get("SecretFile", "") != "":
        problems.append(Problem("SecretFile", "stands beside Secret; keep one of the two."))
    elif path:
        source = "SecretFile"
        try:
            secret = _secret_of(path, files)
        except ValueError as error:
            problems.append(Problem(source, str(error)))
        else:
            if files.exposed(path):
                text = f"every user of this machine can read {quoted(path)}; chmod 600 helps."
                warnings.append(Problem(source, text))
    elif table.get("Secret", "") == "" and table.get("SecretFile", "") == "":
        problems.append(Problem(source, _missing(values.get("store_dir"), files)))
    for name, key in [(source, secret), *(("PreviousSecrets", key) for key in previous)]:
        if 0 < len(key) < GOOD_SECRET:
            text = f"{len(key)} bytes are few; {GOOD_SECRET} or more are good: {HOW_TO_MAKE_ONE}"
            warnings.append(Problem(name, text))
    return tuple(dict.fromkeys([secret, *previous]))


def _missing(store: str | None, files: Files) -> str:
    text = f"is missing; write the one that the other side signs with: {HOW_TO_MAKE_ONE}"
    made = f"{store}/.hmacfs/secret"
    if store and files.what(made):
        # The first start had no configuration; this is the second one.
        text += f" To keep the one that was made before, write SecretFile = {quoted(made)}."
    return text


def _secret_of(path: str, files: Files) -> bytes:
    """
    :raise ValueError: the file holds no secret; a sentence says why.
    """
    try:
        text = files.read(path)
    except ValueError as error:
        raise ValueError(f"{quoted(path)} {error}") from None
    # Editors and "openssl rand -hex 32 > file" end the line; it is not meant.
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ValueError(f"{quoted(path)} is empty; write the secret into it: {HOW_TO_MAKE_ONE}")
    try:
        secret: bytes = SECRET.read(text, Place(""))
    except ValueError as error:
        raise ValueError(f"what {quoted(path)} holds does not do: {error}") from None
    return secret


def _contradictions(values: Mapping[str, Any]) -> Iterable[Problem]:
    """
    Values that are right, each for itself, and wrong together.
    """
    least, most = values.get("min_workers"), values.get("max_workers")
    if least is not None and most is not None and most < least:
        yield Problem("MaxWorkers", f"{most} is less than MinWorkers, which is {least}.")
    taken: set[Address] = set()
    listening = [("ListenPort", address) for address in values.get("listen_port", ())]
    if values.get("metrics_enabled"):
        listening += [("MetricsPort", address) for address in values.get("metrics_port", ())]
    for name, address in listening:
        if address in taken:
            yield Problem(
                name, f"{quoted(written(address))} is listened on already; write another one."
            )
        # Port 0 is another one every time.
        if not (isinstance(address, Tcp) and address.port == 0):
            taken.add(address)


def _without_effect(values: Mapping[str, Any]) -> Iterable[Problem]:
    """
    Values that do nothing, or not what they are for, beside the others.
    """
    if values.get("redis_url") and not values.get("public_url"):
        text = "without PublicURL no other node knows where to send the clients of this one."
        yield Problem("RedisURL", text)
    workers = values.get("workers")
    if workers is not None:
        for name in ("MinWorkers", "MaxWorkers"):
            key = _BY_NAME[name]
            # Whoever has copied conf/hmacfs.toml has written the defaults.
            if values.get(key.field, key.default) not in (key.default, None):
                yield Problem(
                    name,
                    f'does nothing while Workers is {workers}; write Workers = "auto" to have '
                    "processes come and go between MinWorkers and MaxWorkers.",
                )


def _misplaced(values: Mapping[str, Any], files: Files) -> Iterable[Problem]:
    """
    Paths that cannot be used as the file system stands.
    """
    store = values.get("store_dir")
    if store is not None:
        # The nearest thing that is there: the folders below it can be made.
        found = store
        while not files.what(found) and found != "/":
            found = _folder_of(found)
        if files.what(found) == "file":
            yield Problem("StoreDir", f"{quoted(found)} is no folder; write the path of one.")
    log = values.get("log_file")
    if log:
        if files.what(log) == "folder":
            yield Problem("LogFile", f"{quoted(log)} is a folder; write the path of a file in it.")
        elif problem := _without_folder(log, files):
            yield Problem("LogFile", problem)
    for name, field in (("ListenPort", "listen_port"), ("MetricsPort", "metrics_port")):
        for address in values.get(field, ()):
            if isinstance(address, Unix) and (problem := _without_folder(address.path, files)):
                yield Problem(name, problem)


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _without_folder(path: str, files: Files) -> str:
    """
    A sentence, where the folder of *path* is not there.
    """
    folder = _folder_of(path)
    if files.what(folder) == "folder":
        return ""
    return f"{quoted(path)} cannot be made, since {quoted(folder)} is no folder; make it first."
