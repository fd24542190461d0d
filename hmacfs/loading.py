"""
The configuration from the disk: found, read, parsed.

The daemon and the command line both call :func:`load`, so that what one signs
the other accepts.  ``--config`` names the file; without it ``config.toml`` in
the working folder is read if it is there; else the defaults hold, and a secret
is made once and kept in the store.

TOML is read by the ``toml`` package.  Its 0.10.2 has no position for half of
its errors and, worse, misreads some documents without a word: a text that
begins with two escaped quotation marks (a secret, say) comes out empty, an
array that is never closed loses its last element, and a multi-line text with a
comment behind it swallows the rest of the file.  So the standard library's
reader goes over the text first, and what the two read differently is refused.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from secrets import token_hex
from typing import Any

import attrs
import toml

from hmacfs import config
from hmacfs.config import KEYS, Problem, Problems, Settings
from hmacfs.quoting import quoted

CONFIG = "config.toml"

#: Bytes.  A configuration has a few thousand; ``--config /dev/zero`` has more.
LARGEST_CONFIG = 2**20
LARGEST_SECRET = 2**12

#: What tomllib says, where we can say it better.
_PLAINER = {
    "Invalid value": "there is no value here that can be read",
    "Cannot overwrite a value": "this setting stands twice",
}


@attrs.frozen
class Loaded:
    """
    :ivar settings: what holds.
    :ivar source: the path of the file they come from; ``None`` where there is
        none and the defaults hold.
    :ivar warnings: what is doubtful, a sentence each, with its key.
    :ivar made_secret: the path of the secret that was made just now, or ``None``.
    """

    settings: Settings
    source: str | None
    warnings: tuple[str, ...]
    made_secret: str | None


def load(path: str | None, cwd: str, make_secret: bool = True) -> Loaded:
    """
    :param path: what ``--config`` says, relative to *cwd*; ``None`` without it.
    :param cwd: the working folder.
    :param make_secret: whether one is made where there is neither a
        configuration nor a secret yet; else that is a problem.
    :raise Problems: with all that is wrong; ``str`` of it is the report.
    """
    chosen = os.path.abspath(os.path.join(cwd, CONFIG if path is None else path))
    if path is None and not os.path.lexists(chosen):
        return _defaults(os.path.abspath(cwd), make_secret)
    files = DiskFiles()
    try:
        table = read_table(_config_text(chosen))
        parsed = config.parse(table, os.path.dirname(chosen), files)
    except Problems as found:
        raise Problems(found.problems, chosen) from None
    warnings = parsed.warnings
    if (table.get("Secret") or table.get("PreviousSecrets")) and files.exposed(chosen):
        text = f"every user of this machine can read {quoted(chosen)}; chmod 600 helps."
        warnings = (str(Problem("Secret", text)), *warnings)
    return Loaded(parsed.settings, chosen, warnings, None)


def _defaults(cwd: str, make_secret: bool) -> Loaded:
    default = next(key.default for key in KEYS if key.name == "StoreDir")
    store = os.path.normpath(os.path.join(cwd, str(default)))
    private = os.path.join(store, ".hmacfs")
    secret = os.path.join(private, "secret")
    made = False
    try:
        if make_secret and not os.path.lexists(secret):
            _make_folder(store)
            _make_folder(private)
            made = _make_secret(private, secret)
    except OSError as error:
        text = f"{quoted(secret)} cannot be made: {_reason(error)}; start in a folder of your own."
        raise Problems([Problem("StoreDir", text)]) from None
    if not make_secret and _missing(secret):
        text = f"there is none yet, nor a {CONFIG}; start the daemon first, in this same folder: "
        raise Problems([Problem("Secret", f"{text}twistd -n hmacfs")])
    parsed = config.parse({"SecretFile": secret}, cwd, DiskFiles())
    return Loaded(parsed.settings, None, parsed.warnings, secret if made else None)


def _missing(path: str) -> bool:
    """
    Whether nothing is at *path*, which is another thing than not to be let in.
    """
    try:
        os.lstat(path)
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def _make_folder(path: str) -> None:
    """
    Make a folder that only its owner may enter, and sync the one above; leave
    it as it is where it is there.
    """
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    _sync_folder(os.path.dirname(path))


def _make_secret(folder: str, path: str) -> bool:
    """
    Make a secret at *path*, which is whole as soon as it is there.

    Two daemons may both be first: it is written under another name and linked,
    so that one of them wins and both read the same.

    :return: whether it was this call that made it.
    """
    draft = f"{path}.{token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(token_hex(32).encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(draft)
        _sync_folder(folder)
    return True


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_table(text: str) -> dict[str, Any]:
    """
    :param text: a TOML document.
    :return: its table, on which both readers agree.
    :raise Problems: it is none, or one that ``toml`` misreads.
    """
    text = text.removeprefix("\ufeff")
    try:
        expected = tomllib.loads(text)
    except RecursionError:
        raise Problems([Problem("", "This is nested too deeply for a configuration.")]) from None
    except ValueError as error:
        raise Problems([Problem("", _syntax(str(error)))]) from None
    try:
        table: dict[str, Any] | None = toml.loads(text)
    except Exception:
        # It lets IndexError and others out where it loses its way, and its
        # messages may hold a secret.
        table = None
    if table is None or table != expected:
        raise Problems(_misread(expected, table))
    return table


def _misread(expected: dict[str, Any], table: dict[str, Any] | None) -> list[Problem]:
    """
    What to write otherwise, where the two readers disagree.

    :param table: what ``toml`` read, ``None`` where it gave up.
    """
    mixed = [
        Problem(name, "lists values of different kinds; write all between quotation marks.")
        for name, value in expected.items()
        if isinstance(value, list) and len({type(item) for item in value}) > 1
    ]
    if mixed:
        return mixed
    # Between single quotation marks nothing is escaped, and both read the same.
    plain = "write the value on one line, text between single quotation marks."
    if table is None:
        return [Problem("", f"One value has a form of TOML that is not read here; {plain}")]
    return [
        Problem(name, f"has a form of TOML that is not read here; {plain}")
        for name in {**expected, **table}
        if table.get(name, ...) != expected.get(name, ...)
    ]


def _syntax(error: str) -> str:
    """
    :param error: what tomllib says, with the position at its end.
    """
    match = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", error, re.S)
    said, line, column = match.groups() if match else (error, None, None)
    place = f"Line {line}, column {column}" if line else "At the end"
    return (
        f"{place}: {_PLAINER.get(said, said)}. "
        'One setting stands on a line, and text between quotation marks: LogLevel = "info".'
    )


def _config_text(path: str) -> str:
    """
    :raise Problems: it cannot be read, or is no text.
    """
    try:
        return _read(path, LARGEST_CONFIG)
    except ValueError as error:
        raise Problems([Problem("", f"The file {error}")]) from None


def _read(path: str, largest: int) -> str:
    """
    :raise ValueError: as of :meth:`hmacfs.config.Files.read`.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {_reason(error)}.") from None
    if len(data) > largest:
        raise ValueError(f"has more than {largest} bytes, which cannot be meant.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"is no UTF-8 text, at line {line}; save it as UTF-8.") from None


def _reason(error: OSError) -> str:
    """
    The system's words, to stand within a sentence.
    """
    return (error.strerror or type(error).__name__).lower()


class DiskFiles:
    """
    The file system, as :class:`hmacfs.config.Files` asks it.
    """

    def read(self, path: str) -> str:
        """See :class:`hmacfs.config.Files`."""
        return _read(path, LARGEST_SECRET)

    def exposed(self, path: str) -> bool:
        """See :class:`hmacfs.config.Files`."""
        try:
            return bool(os.stat(path).st_mode & stat.S_IROTH)
        except OSError:  # gone since it was read
            return False

    def what(self, path: str) -> str:
        """See :class:`hmacfs.config.Files`."""
        if os.path.isdir(path):
            return "folder"
        return "file" if os.path.lexists(path) else ""
