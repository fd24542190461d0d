"""
``hmacfs versions``: what a file was before.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from hmacfs.cli import asking
from hmacfs.cli.sign import kept
from hmacfs.cli.tables import EXPIRES, SIZE, STORED, Column, Table
from hmacfs.settings import Settings

SUMMARY = "list the versions of a file"

DESCRIPTION = """\
Lists what a file was before it was replaced, the newest version first.

    hmacfs versions holiday/photo.jpg
"""

TYPE = Column("type", "type", 24)
ID = Column("version", "id", 0)


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs versions``."""
    parser.add_argument("name", metavar="NAME", help="the file's name on the server")
    asking.add_json(parser)


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    List them.

    :raise Failure: there is no such file.
    """
    settings = read_settings()
    name = kept(arguments.name, settings).text
    table = Table([SIZE, STORED, EXPIRES, TYPE, ID], arguments.json)
    asking.ask(settings, "versions", table.row, name=name)
