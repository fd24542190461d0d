"""
``hmacfs stat``: all that is known of one name.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator

from hmacfs.cli import asking
from hmacfs.cli.failures import Failure
from hmacfs.cli.sign import kept
from hmacfs.cli.tables import as_json, counted, moment, size, text
from hmacfs.control.lines import Message
from hmacfs.settings import Settings

SUMMARY = "tell all that is known of one name"

DESCRIPTION = """\
Tells all that is known of one name: its file, its versions, what rests of it in
the trash, and whether it takes uploads. The exit status is 1 where no file is
served under it.

    hmacfs stat holiday/photo.jpg
"""

STATES = {
    "served": "served",
    "expired": "expired, and not served",
    "deleted": "deleted: it takes no upload (hmacfs rm --forget)",
    "absent": "nothing is kept under it",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs stat``."""
    parser.add_argument("name", metavar="NAME", help="the file's name on the server")
    asking.add_json(parser)


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Tell it.

    :raise Failure: no file is served under the name.
    """
    settings = read_settings()
    done = asking.ask(settings, "stat", name=kept(arguments.name, settings).text)
    if arguments.json:
        print(as_json(done))
    else:
        for what, told in _lines(done):
            print(f"{what:<9} {told}")
    if done["state"] != "served":
        raise Failure(f"{done['name']}: no file is served under this name.")


def _lines(done: Message) -> Iterator[tuple[str, str]]:
    yield "name", text(done["name"])
    yield "state", STATES.get(done["state"], text(done["state"]))
    if "size" in done:
        yield "size", f"{size(done['size'])} ({counted(done['size'], 'byte')})"
        yield "type", text(done["type"])
        yield "stored", f"{moment(done['stored'])} UTC"
        yield "expires", "never" if done["expires"] is None else f"{moment(done['expires'])} UTC"
        yield "sha256", text(done["sha256"])
        yield "owner", text(done["owner"])
    yield "versions", _sum(done["versions"], done["versions_size"])
    yield "trash", _sum(done["trash"], done["trash_size"])
    yield "uploads", str(done["uploads"])


def _sum(count: int, total: int) -> str:
    return f"{count}, {size(total)}" if count else "0"
