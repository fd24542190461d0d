"""
``hmacfs gc``: all that has to go, now.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from hmacfs.cli import asking
from hmacfs.cli.failures import Failure
from hmacfs.cli.tables import Column, Table, size
from hmacfs.settings import Settings

SUMMARY = "remove now what has to go, and say what went"

DESCRIPTION = """\
Does at once what the daemon does from time to time: removes files and versions
past their time, versions over the bound, trash, unfinished uploads, tombstones,
empty folders, and rows of the index without a file; and says what went.

    hmacfs gc --dry-run
    hmacfs gc

A sweep that would take more than 1,000 files and more than 5 % of the store, or
that follows a jump of the clock, halts, and the exit status is 1, also with
--dry-run. Where that is meant, hmacfs gc --confirm lets it go on.
"""

#: What has no bytes of its own has none to tell of.
BYTES = Column("size", "size", 10, lambda value: size(value or None), right=True)
COUNT = Column("count", "count", 10, right=True)
KIND = Column("what", "kind", 16)
WHY = Column("why", "why", 0)


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs gc``."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="only say what would go")
    how.add_argument(
        "--confirm", action="store_true", help="let a sweep go on that the guard has halted"
    )
    asking.add_json(parser)


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Remove it.

    :raise Failure: the guard has halted, or something broke off.
    """
    table = Table([COUNT, BYTES, KIND, WHY], arguments.json)
    done = asking.ask(
        read_settings(), "gc", table.row, dry=arguments.dry_run, confirm=arguments.confirm
    )
    if not done["rows"] and not done["halted"]:
        print("There is nothing to remove.", file=sys.stderr)
    if done["halted"]:
        raise Failure(done["halted"])
    if done["broken"]:
        raise Failure(f"Broken off, the log says why: {', '.join(done['broken'])}.")
