"""
The command line's end of the control socket.

It waits where the other end is slow, and does nothing else: a command has
nothing to do meanwhile.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from hmacfs.control import place
from hmacfs.control.lines import Garbled, Lines, Message, encode

PIECE = 2**16
"""Bytes that are read at a time."""


class NoDaemon(Exception):
    """Nobody listens there."""


class Unanswered(Exception):
    """
    Somebody listens, and does not answer; the text is a sentence that says why.
    """


def ask(store: str, request: Message, hear: Callable[[Message], object]) -> Message:
    """
    Ask the daemon of a store for something.

    :param store: its path.
    :param hear: is told each message but the last.
    :return: the last one, ``{"done": ...}`` or ``{"error": sentence}``.
    :raise NoDaemon: there is none, or it has no control socket.
    :raise Unanswered: it cannot be asked, or broke off.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        _connect(connection, store)
        try:
            connection.sendall(encode(request))
            lines = Lines()
            while data := connection.recv(PIECE):
                for message in lines.feed(data):
                    if "done" in message or "error" in message:
                        return message
                    hear(message)
        except ConnectionError:
            pass
        except Garbled:
            raise Unanswered("The daemon answers what this command does not understand.") from None
    raise Unanswered("The daemon broke off before it had answered; its log may say why.")


def _connect(connection: socket.socket, store: str) -> None:
    try:
        with place.reached(store) as path:
            connection.connect(path)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        raise NoDaemon() from None
    except PermissionError:
        raise Unanswered(
            f"The control socket of {store!r} is for the user of the daemon: run the command "
            f"as that one; you are user {os.geteuid()}."
        ) from None
    except OSError as error:
        raise Unanswered(f"The control socket of {store!r}: {error.strerror}.") from None
