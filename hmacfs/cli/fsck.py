"""
``hmacfs fsck``: whether tree, attributes and index agree.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from hmacfs.cli import asking
from hmacfs.cli.failures import Failure
from hmacfs.cli.tables import NAME, VERSION, Column, Table, counted, text
from hmacfs.control.lines import Message
from hmacfs.settings import Settings

SUMMARY = "find, and mend, what does not agree in the store"

DESCRIPTION = """\
Holds the tree of files, their attributes and the index against each other, and
tells every disagreement; with --repair it mends them. No file goes by it.

    hmacfs fsck
    hmacfs fsck --repair

The exit status is 1 where something is wrong and was not mended.
"""

KIND = Column("wrong", "kind", 14)
SIDE = Column("of", "side", 8)


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs fsck``."""
    parser.add_argument("--repair", action="store_true", help="mend what is found")
    asking.add_json(parser)


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Look, and mend.

    :raise Failure: something is wrong still.
    """
    table = Table([KIND, SIDE, VERSION, NAME], arguments.json)

    def row(row: Message) -> None:
        table.row(row)
        if not arguments.json:
            print(f"{'':16}{text(row['text'])}")

    done = asking.ask(read_settings(), "fsck", row, repair=arguments.repair)
    left = done["found"] - done["mended"]
    print(
        f"{counted(done['looked'], 'item')} looked at, {done['found']} wrong, "
        f"{done['mended']} mended",
        file=sys.stderr,
    )
    if left:
        hint = "" if arguments.repair else " hmacfs fsck --repair mends what can be mended."
        raise Failure(f"{counted(left, 'disagreement')} left.{hint}")
