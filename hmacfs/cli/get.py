"""
``hmacfs get``: a file from the server, whatever happens on the way.

::

    hmacfs get https://files.example.org/uploads/holiday/photo.jpg

Where the line breaks it goes on; where it was interrupted, the same command
goes on.  The file has its name when it is all there, and not before.
"""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import attrs

from hmacfs.cli import bearer, progress, ways
from hmacfs.cli.failures import Failure
from hmacfs.cli.fetching import Fetching
from hmacfs.cli.landing import Landing, PartFile, Pipe
from hmacfs.cli.retries import Retries
from hmacfs.redaction import visible
from hmacfs.settings import Settings
from hmacfs.units import format_size

SUMMARY = "download a file, and go on where it broke"

DESCRIPTION = """\
Downloads what is at URL. Where the connection breaks the download goes on by
itself; where it was interrupted, the same command goes on: what is there lies
beside the file, in FILE.part and FILE.part.etag.

    hmacfs get https://files.example.org/uploads/holiday/photo.jpg
"""

#: Bytes of a name, less those of what stands behind it while it is a part.
LONGEST = 255 - len(".part.etag")


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs get``."""
    parser.add_argument("url", metavar="URL", help="what to download")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to, in place of what is there; - for standard output. By default a new file "
        "in this folder, by the end of the URL",
    )
    bearer.add_argument(parser)


def run(arguments: Namespace, _read_settings: Callable[[], Settings]) -> None:
    """
    Download.

    :raise Failure: it is not all there.
    """
    began = time.monotonic()
    shown = progress.on_terminal()
    way, target = ways.slot(arguments.url)
    way = attrs.evolve(way, authorization=bearer.read(arguments.bearer_file))
    name = arguments.output or _name(urlsplit(target).path)
    landing: Landing = Pipe(sys.stdout.fileno()) if name == "-" else PartFile(name)
    fetching = Fetching(way, target, os.path.basename(name), landing, shown, Retries(shown.say))
    try:
        fetching.fetch()
    except BrokenPipeError:
        raise Failure("Who read standard output is gone.") from None
    except OSError as error:
        raise Failure(f"{name}: {error.strerror}.") from None
    except KeyboardInterrupt:
        shown.end()
        if name != "-":
            shown.say("Interrupted. The same command goes on where this one ends.")
        raise
    finally:
        shown.end()
        landing.close()
    seconds = progress.took(time.monotonic() - began)
    shown.say(f"downloaded {name}, {format_size(landing.offset)}, in {seconds}")


def _name(path: str) -> str:
    """
    :param path: of the URL, percent-encoded.
    :return: the name of a new file in this folder.
    :raise Failure: it tells none that is safe.
    """
    name = unquote(path.rpartition("/")[2], errors="surrogateescape")
    # A name that begins with a dot would be seen by nobody, and read by many a program.
    if not name or name[0] == "." or "/" in name or visible(name) != name:
        raise Failure("The URL tells no name for the file: say it with -o.", 2)
    if len(os.fsencode(name)) > LONGEST:
        raise Failure("The name in the URL is too long: say another one with -o.", 2)
    if os.path.lexists(name):
        raise Failure(f"{name} is there already: -o {name} replaces it.")
    return name
