"""
``hmacfs ls``: which files there are.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from hmacfs.cli import asking
from hmacfs.cli.tables import EXPIRES, NAME, SIZE, STORED, Table, counted
from hmacfs.settings import Settings
from hmacfs.units import format_size

SUMMARY = "list the files that are kept"

DESCRIPTION = """\
Lists the files of the store, in the order of their names, with what the index
says of them. What has expired and was not swept yet is among them.

    hmacfs ls holiday/
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs ls``."""
    parser.add_argument(
        "prefix", metavar="PREFIX", nargs="?", default="", help="what their names begin with"
    )
    asking.add_json(parser)


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    List them.

    :raise Failure: they cannot be listed.
    """
    table = Table([SIZE, STORED, EXPIRES, NAME], arguments.json)
    done = asking.ask(read_settings(), "ls", table.row, prefix=arguments.prefix)
    print(f"{counted(done['files'], 'file')}, {format_size(done['size'])}", file=sys.stderr)
