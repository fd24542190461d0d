"""
The commands that keep a store: what they ask, and whom.

The daemon is asked where one runs, over its control socket; else the store is
opened for this one errand.  What comes back is the same.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable

from hmacfs.cli import progress
from hmacfs.cli.failures import Failure
from hmacfs.control import alone, client
from hmacfs.control.client import NoDaemon, Unanswered
from hmacfs.control.lines import Message
from hmacfs.errors import StoreProblem
from hmacfs.names import RESERVED
from hmacfs.settings import Settings

Row = Callable[[Message], object]


def add_json(parser: ArgumentParser) -> None:
    """Let programs read what the command says."""
    parser.add_argument(
        "--json", action="store_true", help="for programs: an object a line, times by RFC 3339"
    )


def ignored(row: Message) -> None:
    """What is done with rows that nobody wants."""


def ask(settings: Settings, do: str, row: Row = ignored, **told: object) -> Message:
    """
    Have an errand done.

    :param do: a key of :data:`hmacfs.control.errands.ERRANDS`.
    :param row: is given each row as it comes.
    :param told: what the errand wants.
    :return: what it tells at its end.
    :raise Failure: it was not done.
    """
    shown = progress.on_terminal(stays=False)
    hearing = _Hearing(row, shown)
    try:
        last = _answer(settings, {"do": do, **told}, hearing)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain once more when it ends.
        sys.stdout = None
        raise Failure("Who read standard output is gone.") from None
    finally:
        shown.end()
    if "error" in last:
        raise Failure(last["error"])
    done: Message = last["done"]
    return done


def _answer(settings: Settings, request: Message, hearing: _Hearing) -> Message:
    try:
        return client.ask(settings.store_dir, request, hearing)
    except NoDaemon:
        pass
    except Unanswered as error:
        raise Failure(str(error)) from None
    _check_owner(settings.store_dir)
    try:
        return alone.ask(settings, request, hearing, hearing.say)
    except StoreProblem as problem:
        raise Failure(f"{problem} No daemon answers on its control socket.") from None


def _check_owner(store: str) -> None:
    """
    :raise Failure: there is no store, or one that is another user's: what root
        leaves in it the daemon could not open.
    """
    private = os.path.join(store, RESERVED.decode())
    try:
        owner = os.stat(private if os.path.lexists(private) else store).st_uid
    except FileNotFoundError:
        raise Failure(f"{store}: there is no store yet; the daemon makes it.") from None
    except OSError as error:
        raise Failure(f"{store}: {error.strerror}.") from None
    if owner != os.geteuid():
        raise Failure(f"{store} belongs to user {owner}: run the command as that one.")


class _Hearing:
    """
    Shows what comes.
    """

    def __init__(self, row: Row, shown: progress.Progress) -> None:
        self._row, self._shown = row, shown
        self._what: tuple[str, int | None] | None = None

    def __call__(self, message: Message) -> None:
        if "row" in message:
            # A bar that is being drawn would stand in the middle of the table.
            self._shown.end()
            self._what = None
            self._row(message["row"])
        elif "progress" in message:
            at = message["progress"]
            if self._what != (at["what"], at["total"]):
                self._what = (at["what"], at["total"])
                self._shown.begin(at["what"], at["total"], at["done"], at["unit"])
            else:
                self._shown.at(at["done"])

    def say(self, text: str) -> None:
        """Say a line beside what is shown."""
        self._shown.say(text)
