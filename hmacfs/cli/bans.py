"""
``hmacfs bans``: which bytes are refused, whatever their name.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from hmacfs.cli import asking
from hmacfs.cli.failures import Failure
from hmacfs.cli.rm import digest
from hmacfs.cli.tables import Column, Table, counted
from hmacfs.settings import Settings

SUMMARY = "list the bytes that are refused, or let some come again"

DESCRIPTION = """\
Lists the digests of all bytes that are refused under whatever name, since they
were taken down with hmacfs rm --ban. As long as there are any, every upload is
hashed.

    hmacfs bans
    hmacfs bans --lift 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

SHA256 = Column("sha256", "sha256", 0)


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs bans``."""
    parser.add_argument("--lift", metavar="DIGEST", type=digest, help="let these bytes come again")
    asking.add_json(parser)


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    List them, or lift one.

    :raise Failure: there is none to be lifted.
    """
    settings = read_settings()
    if arguments.lift is None:
        done = asking.ask(settings, "bans", Table([SHA256], arguments.json).row)
        print(f"{counted(done['bans'], 'digest')} refused", file=sys.stderr)
    elif not asking.ask(settings, "unban", sha256=arguments.lift)["lifted"]:
        raise Failure("These bytes were not refused.")
    else:
        print("These bytes may come again.", file=sys.stderr)
