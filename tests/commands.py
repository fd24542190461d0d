"""
The command line, called in this process.
"""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import attrs
import toml

from hmacfs.cli import main
from tests.process import SECRET


@attrs.frozen
class Ran:
    """
    :ivar status: the exit status.
    :ivar out: what stands on standard output.
    :ivar err: what stands on standard error.
    """

    status: int
    out: str
    err: str


def run(*arguments: str) -> Ran:
    """
    :param arguments: what stands behind ``hmacfs`` in the shell.
    """
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as end:  # argparse, of what it does not understand
            assert isinstance(end.code, int)
            status = end.code
    return Ran(status, out.getvalue(), err.getvalue())


def write_settings(folder: str, **settings: object) -> str:
    """
    :param folder: is made.
    :param settings: what differs from a loopback daemon with :data:`tests.process.SECRET`.
    :return: the absolute path of a configuration.
    """
    Path(folder).mkdir()
    path = Path(folder).resolve() / "hmacfs.toml"
    path.write_text(toml.dumps({"Secret": SECRET, **settings}))
    path.chmod(0o600)
    return str(path)
