"""
``hmacfs rm``: take something down for good.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import Any

from hmacfs.cli import asking
from hmacfs.cli.failures import Failure
from hmacfs.cli.sign import kept
from hmacfs.cli.tables import NAME, SIZE, VERSION, Column, Table, counted, text
from hmacfs.control.lines import Message
from hmacfs.settings import Settings
from hmacfs.units import format_size

SUMMARY = "take files down for good, or let a name take uploads again"

DESCRIPTION = """\
Takes the bytes down wherever they are: the file, its versions, what rests in
the trash, and uploads. Nothing brings them back. A NAME takes no upload for
TombstoneTTL from then on, also where there was nothing; so does every name
whose file went.

    hmacfs rm holiday/photo.jpg
    hmacfs rm --sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 --ban
    hmacfs rm --owner romeo@example.net
    hmacfs rm --forget holiday/photo.jpg

With --sha256 every file is read whose digest is not known yet. Where only a
version is meant, or something in the trash, the file itself stays. With --ban
the same bytes are refused from then on, under every name: see hmacfs bans.

Each thing that went is a line. The exit status is 1 where something stayed.
"""

KIND = Column("went", "kind", 8)


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs rm``."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("name", metavar="NAME", nargs="?", help="the file's name on the server")
    what.add_argument(
        "--sha256", metavar="DIGEST", type=digest, help="the bytes that have this digest"
    )
    what.add_argument("--owner", metavar="OWNER", help="all that this owner uploaded")
    what.add_argument("--forget", metavar="NAME", help="let a deleted name take uploads again")
    parser.add_argument(
        "--ban", action="store_true", help="refuse the same bytes from now on, under every name"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask on a terminal")
    asking.add_json(parser)


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Take it down.

    :raise Failure: something stayed.
    """
    settings = read_settings()
    if arguments.forget is not None:
        if arguments.ban or arguments.dry_run:
            raise Failure("--forget: it goes alone.", 2)
        _forget(arguments, settings)
        return
    do, told = _wanted(arguments, settings)
    if not arguments.dry_run and not arguments.yes and sys.stdin.isatty():
        _ask(settings, do, told)
    table = Table([KIND, SIZE, VERSION, NAME], arguments.json)
    stayed: list[Message] = []

    def row(row: Message) -> None:
        if "failed" in row:
            stayed.append(row)
        else:
            table.row(row)

    done = asking.ask(settings, do, row, **told, dry=arguments.dry_run)
    went = "would go" if arguments.dry_run else "went"
    print(f"{_sum(done)} {went}", file=sys.stderr)
    nothing = not (done["count"] or stayed or arguments.dry_run)
    if do == "rm-name" and nothing and settings.tombstone_ttl:
        # It may have been a slip.
        print(
            f"{text(told['name'])} takes no upload from now on; hmacfs rm --forget lets it.",
            file=sys.stderr,
        )
    if stayed:
        raise Failure("\n".join(f"{row['name']} stays: {row['failed']}" for row in stayed))


def digest(text: str) -> str:
    """
    :raise ArgumentTypeError: it is no SHA-256.
    """
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise ArgumentTypeError("a SHA-256 has 64 hexadecimal digits.")
    return text.lower()


def _wanted(arguments: Namespace, settings: Settings) -> tuple[str, dict[str, Any]]:
    """
    :return: the errand, and what it is told.
    """
    if arguments.sha256 is not None:
        return "rm-digest", {"sha256": arguments.sha256, "ban": arguments.ban}
    if arguments.owner is not None:
        return "rm-owner", {"owner": arguments.owner, "ban": arguments.ban}
    return "rm-name", {"name": kept(arguments.name, settings).text, "ban": arguments.ban}


def _ask(settings: Settings, do: str, told: dict[str, Any]) -> None:
    """
    Ask the person at the terminal.

    :raise Failure: he would rather not.
    """
    done = asking.ask(settings, do, **told, dry=True)
    print(f"{_sum(done)} would go for good. Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure("Nothing was changed.")


def _forget(arguments: Namespace, settings: Settings) -> None:
    name = kept(arguments.forget, settings)
    if not asking.ask(settings, "forget", name=name.text)["forgotten"]:
        raise Failure(f"{name.text}: this name takes uploads already.")
    print(f"{name.text} takes uploads again.", file=sys.stderr)


def _sum(done: Message) -> str:
    return f"{counted(done['count'], 'item')}, {format_size(done['size'])},"
