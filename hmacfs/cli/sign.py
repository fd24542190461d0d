"""
``hmacfs sign``: a slot for whoever has no XMPP server at hand.

::

    curl -T photo.jpg "$(hmacfs sign photo.jpg $(stat -c %s photo.jpg))"

Standard output is the PUT URL and nothing else, so that it can stand in a
command; the GET URL goes to standard error.  A bearer token is not among the
schemes: it has no place in a URL.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from urllib.parse import quote_from_bytes

from hmacfs import media, names, signing, units
from hmacfs.cli import ways
from hmacfs.cli.failures import Failure
from hmacfs.errors import Refusal
from hmacfs.names import StoredName
from hmacfs.settings import Settings
from hmacfs.signing import Claim

SUMMARY = "print a signed URL to upload a file to"

DESCRIPTION = """\
Prints the URL to PUT a file to on standard output, and the one to GET it from
on standard error.

    curl -T photo.jpg "$(hmacfs sign photo.jpg $(stat -c %s photo.jpg))"
"""

#: Seconds that a v3 signature holds where nothing else is said.
LIFETIME = 3600


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs sign``."""
    parser.add_argument("name", metavar="NAME", help="the file's name on the server: a/photo.jpg")
    parser.add_argument(
        "size", metavar="SIZE", type=_size, help="its exact size: bytes, or with a unit: 3MiB"
    )
    add_scheme(parser)
    parser.add_argument(
        "--url",
        metavar="URL",
        help="where clients reach the server; by default PublicURL or the first of ListenPort",
    )


def add_scheme(parser: ArgumentParser) -> None:
    """Say how to sign."""
    parser.add_argument(
        "--scheme",
        choices=sorted(signing.DIALECTS),
        help="what to sign with: v (the default), v2 and token never end, v3 does",
    )
    parser.add_argument(
        "--type",
        metavar="TYPE",
        help="the media type that v2 and token sign; by default that of the name's extension, "
        "which curl -T may leave unsaid",
    )
    parser.add_argument(
        "--expires",
        metavar="DURATION",
        type=_duration,
        help="how long the signature holds: seconds, or 10m, 24h; means --scheme v3",
    )


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Print the two URLs.

    :raise Failure: the file could not be uploaded to them.
    """
    settings = read_settings()
    scheme, expires = terms(arguments, arguments.size, settings)
    name = named(arguments.name, settings)
    base = ways.read(arguments.url, settings) if arguments.url else ways.public(settings)
    url = ways.file(base, name, settings)
    content_type = arguments.type or media.guess(name.text)
    print(url + put_query(scheme, name, arguments.size, content_type, expires, settings))
    print(url + get_query(name, expires, settings), file=sys.stderr)


def terms(arguments: Namespace, size: int, settings: Settings) -> tuple[str, int]:
    """
    :param arguments: what :func:`add_scheme` asked for.
    :param size: bytes.
    :return: the scheme, and the unix seconds at which a ``v3`` signature ends.
    :raise Failure: the daemon would not take a file under these.
    """
    scheme = arguments.scheme or ("v" if arguments.expires is None else "v3")
    if arguments.expires is not None and scheme != "v3":
        raise Failure(f"--expires: a {scheme!r} signature never ends; leave out --scheme.", 2)
    most = settings.max_upload_size
    if most is not None and size > most:
        raise Failure(f"{size} bytes are over MaxUploadSize, which is {most}.")
    return scheme, int(time.time()) + int(arguments.expires or LIFETIME)


def named(text: str, settings: Settings) -> StoredName:
    """
    :param text: the name of a file, as the shell gave it.
    :return: the name that the server reads out of its URL.
    :raise Failure: it can be none.
    """
    # Encoded and parsed as by the server, so that what is signed is accepted.
    encoded = quote_from_bytes(text.encode(errors="surrogateescape"))
    try:
        return names.parse(
            f"/{settings.upload_sub_dir}/{encoded}".encode(),
            names.split_prefix(settings.upload_sub_dir),
        )
    except Refusal as refusal:
        raise Failure(f"NAME can be no name of a file: {refusal.text}", 2) from None


def put_query(
    scheme: str, name: StoredName, size: int, content_type: str, expires: int, settings: Settings
) -> str:
    """
    :param scheme: one of :data:`hmacfs.signing.DIALECTS`.
    :param size: bytes.
    :param expires: unix seconds, for ``v3``.
    :return: what a PUT URL of *name* ends in, the question mark included.
    """
    claim = Claim(
        path=name.path,
        size=size,
        content_type=content_type.encode(),
        expires=expires,
        url_path=_url_path(name, settings),
    )
    return _query(scheme, claim, settings)


def get_query(name: StoredName, expires: int, settings: Settings) -> str:
    """
    :return: what a GET URL of *name* ends in: nothing, where downloads are public.
    """
    if settings.download_auth == "public":
        return ""
    claim = Claim(method=b"GET", expires=expires, url_path=_url_path(name, settings))
    return _query("v3", claim, settings)


def _query(scheme: str, claim: Claim, settings: Settings) -> str:
    mac = signing.sign(scheme, claim, settings.keys[0])
    return f"?{scheme}={mac}" + (f"&expires={claim.expires}" if scheme == "v3" else "")


def _url_path(name: StoredName, settings: Settings) -> bytes:
    return b"/%b/%b" % (settings.upload_sub_dir.encode(), name.path)


def _size(text: str) -> int:
    try:
        return units.parse_size(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _duration(text: str) -> float:
    try:
        seconds = units.parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    if seconds < 1:
        raise ArgumentTypeError("a signature that ends at once is of no use.")
    return seconds
