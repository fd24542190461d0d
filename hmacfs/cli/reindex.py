"""
``hmacfs reindex``: the index made anew from the files.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from hmacfs.cli import asking
from hmacfs.cli.tables import as_json, counted
from hmacfs.settings import Settings

SUMMARY = "make the index anew from the files"

DESCRIPTION = """\
Forgets what the index lists, and makes it anew from what the files tell of
themselves. Files are served all the while. Tombstones and bans, which no file
tells of, stay.

    hmacfs reindex
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs reindex``."""
    asking.add_json(parser)


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Make it.

    :raise Failure: it was not made to its end.
    """
    done = asking.ask(read_settings(), "reindex")
    if arguments.json:
        print(as_json(done))
    else:
        print(f"The index lists {counted(done['files'], 'file')}.", file=sys.stderr)
