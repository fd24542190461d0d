"""
The console script ``hmacfs``: what an operator does beside the daemon.

Each command is a module of this package with a ``SUMMARY``, a ``DESCRIPTION``,
an ``add_arguments`` and a ``run``, which reads the settings if it has need of any:
whoever was given a URL has none.  They are read as the daemon does, so that what
one signs the other accepts.

Exit status: 0 where it went well, 1 where it did not, 2 where the command was
called wrongly, 130 where it was interrupted.  What counts as well stands in the
description of each command.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from signal import SIGINT

from hmacfs import __version__, loading
from hmacfs.cli import (
    attempt,
    bans,
    fsck,
    gc,
    get,
    ls,
    put,
    reindex,
    rm,
    sign,
    snippets,
    stat,
    undo,
    versions,
)
from hmacfs.cli.failures import Failure
from hmacfs.config import Problems
from hmacfs.settings import Settings

__all__ = ["main"]

COMMANDS = {
    "try": attempt,
    "sign": sign,
    "put": put,
    "get": get,
    "setup": snippets,
    "ls": ls,
    "stat": stat,
    "versions": versions,
    "rm": rm,
    "bans": bans,
    "undo": undo,
    "gc": gc,
    "fsck": fsck,
    "reindex": reindex,
}

INTRODUCTION = """\
hmacfs receives signed HTTP uploads and serves them back. The daemon itself is
started with

    twistd -n hmacfs

and its settings are checked with

    twistd -n hmacfs --check

The commands here stand beside it. They read the same settings: the file that
--config names, else ./config.toml, else the defaults with the secret that the
daemon made in ./hmacfs-data.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    :param arguments: what stands behind ``hmacfs``; ``None`` for the process's own.
    :return: the exit status.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options, lambda: _settings(options.config))
    except Problems as problems:
        print(f"hmacfs: {problems}", file=sys.stderr)
        return 1
    except Failure as failure:
        print(f"hmacfs {options.command}: {failure.text}", file=sys.stderr)
        return failure.status
    except KeyboardInterrupt:
        return 128 + SIGINT
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="hmacfs", description=INTRODUCTION, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"hmacfs {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for name, command in COMMANDS.items():
        child = commands.add_parser(
            name,
            help=command.SUMMARY,
            description=command.DESCRIPTION,
            formatter_class=RawDescriptionHelpFormatter,
        )
        child.add_argument(
            "-c", "--config", metavar="FILE", help="the settings; by default ./config.toml"
        )
        command.add_arguments(child)
        child.set_defaults(run=command.run)
    return parser


def _settings(config: str | None) -> Settings:
    """
    :raise Problems: they cannot be used, or there is no secret yet.
    """
    return loading.load(config, os.getcwd(), make_secret=False).settings
