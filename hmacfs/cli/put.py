"""
``hmacfs put``: a file to the server, whatever happens on the way.

::

    hmacfs put photo.jpg --name holiday/photo.jpg

Where the line breaks it goes on; where it was interrupted, the same command
goes on.  Standard output is the URL of the file and nothing else; all that is
said on the way goes to standard error.
"""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from io import FileIO
from pathlib import PurePath
from urllib.parse import unquote, urlsplit

import attrs

from hmacfs import media
from hmacfs.cli import bearer, progress, sign, ways
from hmacfs.cli.failures import Failure
from hmacfs.cli.retries import Retries
from hmacfs.cli.sending import Content, Sending
from hmacfs.cli.ways import Way
from hmacfs.settings import Settings
from hmacfs.units import format_size

SUMMARY = "upload a file, and go on where it broke"

DESCRIPTION = """\
Uploads FILE and prints its URL. Where the connection breaks the upload goes on
by itself; where it was interrupted, the same command goes on.

    hmacfs put photo.jpg --name holiday/photo.jpg
    hmacfs put photo.jpg --url "https://files.example.org/uploads/a/photo.jpg?v=..."
    hmacfs put photo.jpg --url "https://files.example.org/uploads/a/photo.jpg" --bearer-file token
"""


@attrs.frozen
class Slot:
    """
    Where a file is to go.

    :ivar target: what stands in the request, the signature included.
    :ivar url: what the file is fetched from afterwards.
    """

    way: Way
    target: str = attrs.field(repr=False)
    url: str = attrs.field(repr=False)
    content_type: str


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs put``."""
    parser.add_argument("file", metavar="FILE", help="the file to upload")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--url",
        metavar="SLOT",
        help="a slot for this file, of its size: a signed URL, or one with a --bearer-file",
    )
    where.add_argument(
        "--name",
        metavar="NAME",
        help="sign one by the settings, for this name on the server; by default that of FILE",
    )
    bearer.add_argument(parser)
    sign.add_scheme(parser)


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Upload, and print the URL.

    :raise Failure: the file is not stored.
    """
    began = time.monotonic()
    shown = progress.on_terminal()
    with _opened(arguments.file) as file:
        content = Content.of(file, PurePath(arguments.file).name)
        if arguments.url is None:
            slot = _signed(arguments, content.size, read_settings())
        else:
            slot = _given(arguments)
        sending = Sending(
            slot.way, slot.target, content, slot.content_type, shown, Retries(shown.say)
        )
        try:
            sending.send()
        except KeyboardInterrupt:
            shown.end()
            shown.say("Interrupted. The same command goes on where this one ends.")
            raise
        finally:
            shown.end()
    seconds = progress.took(time.monotonic() - began)
    shown.say(f"uploaded {content.name}, {format_size(content.size)}, in {seconds}")
    print(slot.url)


def _opened(path: str) -> FileIO:
    try:
        # Whoever opens a pipe would else wait for somebody who writes to it.
        return FileIO(path, opener=lambda at, flags: os.open(at, flags | os.O_NONBLOCK))
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}.") from None


def _given(arguments: Namespace) -> Slot:
    if arguments.scheme or arguments.expires:
        raise Failure("--scheme and --expires: the URL is signed already.", 2)
    way, target = ways.slot(arguments.url)
    way = attrs.evolve(way, authorization=bearer.read(arguments.bearer_file))
    path = urlsplit(target).path
    return Slot(way, target, way.base + path, arguments.type or media.guess(unquote(path)))


def _signed(arguments: Namespace, size: int, settings: Settings) -> Slot:
    """
    :param size: bytes.
    """
    if arguments.bearer_file is not None:
        raise Failure("--bearer-file: it goes with the slot that --url names.", 2)
    text = arguments.name if arguments.name is not None else os.path.basename(arguments.file)
    name = sign.named(text, settings)
    scheme, expires = sign.terms(arguments, size, settings)
    # The daemon on this machine, where there is one: what stands before it may be slower.
    way = ways.nearest(settings) or Way(ways.public(settings))
    content_type = arguments.type or media.guess(name.text)
    target = urlsplit(ways.file(way.base, name, settings)).path
    public = settings.public_url or way.base
    return Slot(
        way,
        target + sign.put_query(scheme, name, size, content_type, expires, settings),
        ways.file(public, name, settings) + sign.get_query(name, expires, settings),
        content_type,
    )
