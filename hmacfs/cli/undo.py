"""
``hmacfs undo``: bring back what a sweep took away.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable

from hmacfs import units
from hmacfs.cli import asking
from hmacfs.cli.failures import Failure
from hmacfs.cli.sign import kept
from hmacfs.cli.tables import NAME, SIZE, VERSION, Column, Table, counted, moment
from hmacfs.control.lines import Message
from hmacfs.settings import Settings
from hmacfs.units import format_size

SUMMARY = "bring back what a sweep took away"

DESCRIPTION = """\
Brings back what rests in the trash: what had expired, and versions over the
bound. A file gets a whole new term. Without an argument it lists what there is.

    hmacfs undo
    hmacfs undo holiday/photo.jpg
    hmacfs undo --since 2h

What was removed by a request or by hmacfs rm is not there. The exit status is 1
where something stays in the trash, its name being taken meanwhile, or newer
versions being as many as MaxVersions; or where nothing was found there.
"""

REMOVED = Column("removed (UTC)", "removed", 19, moment)


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs undo``."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("name", metavar="NAME", nargs="?", help="the file's name on the server")
    what.add_argument("--all", action="store_true", help="all that rests in the trash")
    what.add_argument(
        "--since",
        metavar="DURATION",
        type=_duration,
        help="what went in so long until now: seconds, or 10m, 2h",
    )
    asking.add_json(parser)


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Bring it back.

    :raise Failure: something stays where it is, or there was nothing.
    """
    settings = read_settings()
    if arguments.name is None and not arguments.all and arguments.since is None:
        table = Table([SIZE, REMOVED, VERSION, NAME], arguments.json)
        done = asking.ask(settings, "trash", table.row)
        print(f"{counted(done['count'], 'item')}, {format_size(done['size'])}", file=sys.stderr)
        return
    name = None if arguments.name is None else kept(arguments.name, settings).text
    table = Table([SIZE, VERSION, NAME], arguments.json)
    stayed: list[Message] = []

    def row(row: Message) -> None:
        if row["back"]:
            table.row(row)
        else:
            stayed.append(row)

    done = asking.ask(settings, "undo", row, name=name, since=arguments.since)
    print(
        f"{counted(done['back'], 'item')}, {format_size(done['size'])}, came back", file=sys.stderr
    )
    if stayed:
        raise Failure("\n".join(f"{row['name']} stays: {row['why']}" for row in stayed))
    if not done["back"]:
        raise Failure("Nothing of it rests in the trash.")


def _duration(text: str) -> float:
    try:
        return units.parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
