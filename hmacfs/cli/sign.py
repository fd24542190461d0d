"""
``hmacfs sign``: a signed URL for whoever has no XMPP server at hand.

::

    curl -T photo.jpg "$(hmacfs sign photo.jpg $(stat -c %s photo.jpg))"
    curl "$(hmacfs sign photo.jpg --operation versions)"

Standard output is the URL that was asked for and nothing else, so that it can
stand in a command; the GET URL of an upload goes to standard error.  A bearer
token is not among the schemes: it has no place in a URL.
"""

from __future__ import annotations

import sys
import time
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_from_bytes

from hmacfs import media, names, operations, signing, units
from hmacfs.cli import ways
from hmacfs.cli.failures import Failure
from hmacfs.errors import Refusal
from hmacfs.names import StoredName
from hmacfs.operations import METHODS, Operation
from hmacfs.rules import check_name
from hmacfs.settings import Settings
from hmacfs.signing import Claim

SUMMARY = "print a signed URL to upload a file to, or to read or delete one"

DESCRIPTION = """\
Prints the URL to PUT a file to on standard output, and the one to GET it from
on standard error.

    curl -T photo.jpg "$(hmacfs sign photo.jpg $(stat -c %s photo.jpg))"

With --method or --operation it prints the URL for that alone, and no SIZE is
wanted:

    curl "$(hmacfs sign photo.jpg --operation versions)"
    curl -X POST "$(hmacfs sign photo.jpg --operation restore=ID)"
    curl -X DELETE "$(hmacfs sign photo.jpg --method DELETE)"
"""

#: Seconds that a v3 signature holds where nothing else is said.
LIFETIME = 3600


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs sign``."""
    parser.add_argument("name", metavar="NAME", help="the file's name on the server: a/photo.jpg")
    size = parser.add_argument(
        "size",
        metavar="SIZE",
        type=_size,
        help="the exact size of what is uploaded: bytes, or with a unit: 3MiB; "
        "left out with --method and --operation",
    )
    parser.add_argument(
        "--method",
        action=_Sizeless,
        size=size,
        choices=("PUT", "GET", "HEAD", "DELETE", "POST"),
        help="what the URL is for: PUT (the default), or another by --scheme v3; DELETE by "
        "--scheme token as well, where there is a DeleteSecret",
    )
    parser.add_argument(
        "--operation",
        action=_Sizeless,
        size=size,
        metavar="OPERATION",
        type=_operation,
        help="versions, version=ID or restore=ID: what the URL asks of the file's versions",
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


class _Sizeless(Action):
    """
    An option with which there is nothing to upload, and so no SIZE.

    Were SIZE one that may always be left out, argparse would see none in
    ``NAME --expires 10m SIZE``: it looks for it where NAME stands.
    """

    def __init__(self, *arguments: Any, size: Action, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._size = size

    def __call__(
        self,
        parser: ArgumentParser,
        namespace: Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, values)
        self._size.nargs, self._size.required = "?", False


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Print the URLs.

    :raise Failure: nothing could be done by them.
    """
    operation: Operation | None = arguments.operation
    method: str = arguments.method or (METHODS[operation.kind][0].decode() if operation else "PUT")
    _check_combination(arguments, method)
    settings = read_settings()
    name = named(arguments.name, settings)
    base = ways.read(arguments.url, settings) if arguments.url else ways.public(settings)
    url = ways.file(base, name, settings)
    if method != "PUT":
        print(url + _other_query(arguments, method, name, settings))
        return
    scheme, expires = terms(arguments, arguments.size, settings)
    content_type = arguments.type or media.guess(name.text)
    print(url + put_query(scheme, name, arguments.size, content_type, expires, settings))
    print(url + get_query(name, expires, settings), file=sys.stderr)


def _check_combination(arguments: Namespace, method: str) -> None:
    """
    :param method: what the URL is for.
    :raise Failure: the arguments contradict each other.
    """
    operation: Operation | None = arguments.operation
    if operation is not None and method.encode() not in METHODS[operation.kind]:
        known = " or ".join(each.decode() for each in METHODS[operation.kind])
        raise Failure(f"--operation {operation.query.decode()} goes with {known}.", 2)
    if operation is None and method == "POST":
        raise Failure("--method POST goes with --operation restore=ID.", 2)
    if method == "PUT":
        if arguments.size is None:
            raise Failure("SIZE is missing: how many bytes are to be uploaded?", 2)
        return
    for word, value in (("SIZE", arguments.size), ("--type", arguments.type)):
        if value is not None:
            raise Failure(f"{word} belongs to an upload, and this is {method}; leave it out.", 2)
    if arguments.scheme in (None, "v3"):
        return
    if (arguments.scheme, method, operation) != ("token", "DELETE", None):
        raise Failure(f"--scheme {arguments.scheme}: only v3 signs this; leave it out.", 2)


def terms(arguments: Namespace, size: int, settings: Settings) -> tuple[str, int]:
    """
    :param arguments: what :func:`add_scheme` asked for.
    :param size: bytes.
    :return: the scheme, and the unix seconds at which a ``v3`` signature ends.
    :raise Failure: the daemon would not take a file under these.
    """
    scheme = arguments.scheme or ("v" if arguments.expires is None else "v3")
    expires = _end(arguments, scheme)
    most = settings.max_upload_size
    if most is not None and size > most:
        raise Failure(f"{size} bytes are over MaxUploadSize, which is {most}.")
    return scheme, expires


def _end(arguments: Namespace, scheme: str) -> int:
    """
    :return: the unix seconds at which a ``v3`` signature ends.
    :raise Failure: an end was asked for, and *scheme* has none.
    """
    if arguments.expires is not None and scheme != "v3":
        raise Failure(f"--expires: a {scheme!r} signature never ends; leave out --scheme.", 2)
    return int(time.time()) + int(arguments.expires or LIFETIME)


def named(text: str, settings: Settings) -> StoredName:
    """
    As :func:`kept`, of a file that may be uploaded.
    """
    name = kept(text, settings)
    try:
        check_name(name)
    except Refusal as refusal:
        raise Failure(f"NAME can be no name of a file: {refusal.text}", 2) from None
    return name


def kept(text: str, settings: Settings) -> StoredName:
    """
    :param text: the name of a file, as the shell gave it; it may have come by
        other means than an upload.
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
    return _timed_query("GET", None, name, expires, settings)


def _other_query(arguments: Namespace, method: str, name: StoredName, settings: Settings) -> str:
    """
    :param method: any but PUT.
    :return: what the URL ends in by which *name* is read, restored or deleted.
    :raise Failure: the daemon would not take it.
    """
    expires = _end(arguments, arguments.scheme or "v3")
    if arguments.scheme != "token":
        return _timed_query(method, arguments.operation, name, expires, settings)
    if not settings.delete_secret:
        raise Failure("--scheme token: there is no DeleteSecret, so no token deletes a file.")
    claim = Claim(path=name.path, delete_secret=settings.delete_secret)
    return f"?token={signing.sign('delete', claim, settings.keys[0])}"


def _timed_query(
    method: str, operation: Operation | None, name: StoredName, expires: int, settings: Settings
) -> str:
    """
    :return: a query with a ``v3``, the question mark included.
    """
    asked = operation.query if operation else b""
    claim = Claim(
        method=method.encode(),
        expires=expires,
        url_path=_url_path(name, settings),
        operation=asked,
    )
    signed = _query("v3", claim, settings)
    return f"?{asked.decode()}&{signed[1:]}" if asked else signed


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


def _operation(text: str) -> Operation:
    try:
        return operations.read(text.encode(errors="surrogateescape"))
    except Refusal:
        raise ArgumentTypeError("write versions, version=ID or restore=ID.") from None


def _duration(text: str) -> float:
    try:
        seconds = units.parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    if seconds < 1:
        raise ArgumentTypeError("a signature that ends at once is of no use.")
    return seconds
