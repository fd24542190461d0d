"""
``hmacfs try``: whether all of it works, seen from outside.

The command does what a client does, over the wire: it signs a slot, uploads
1 MiB of random bytes, fetches them and compares the digests; then it does so
once more and cuts the upload in the middle, asks what is kept, and goes on
there.  It says so line by line.  The first step that fails ends it, with what to
look at.

It talks to the daemon itself, where ``ListenPort`` says; with ``--url`` it
goes the way of everybody else, through the proxy.  The files stay, under
``hmacfs-try/``: there is no request that deletes one.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import attrs

from hmacfs.cli import connections, replies, sign, ways
from hmacfs.cli.failures import Failure
from hmacfs.cli.replies import Reply
from hmacfs.cli.ways import Way
from hmacfs.settings import Settings

SUMMARY = "upload to the running daemon, download again, and compare"

DESCRIPTION = """\
Signs an upload of 1 MiB to the running daemon, uploads it, downloads it again
and compares; does so once more with an upload that is cut in the middle and goes
on; and says so line by line. Where a step fails it says what to look at. The
files stay in the store, below hmacfs-try/.
"""

SIZE = 2**20
FOLDER = "hmacfs-try"

#: The byte before which the second upload is cut.
CUT = SIZE // 2

#: How often it is asked what was kept, and the seconds between: behind a proxy the
#: daemon may not have seen yet that the connection is gone.
ASKS, BETWEEN = 20, 0.05

#: Seconds that the daemon may be silent.
PATIENCE = 30

#: Seconds that the signatures hold.
LIFETIME = 300


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs try``."""
    parser.add_argument(
        "--url",
        metavar="URL",
        help="go there, through the proxy; by default to the daemon itself, by ListenPort",
    )


@attrs.frozen
class Slot:
    """
    A file to try with.

    :ivar put: what stands in a PUT of it, the signature included.
    :ivar get: what stands in a GET of it.
    :ivar kept: where the daemon has it then.
    """

    content: bytes = attrs.field(repr=False)
    put: str = attrs.field(repr=False)
    get: str = attrs.field(repr=False)
    kept: str


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Try, and say how it goes.

    :raise Failure: at the first step that does not work.
    """
    settings = read_settings()
    way = _way(arguments.url, settings)
    whole, cut = _slot(way, settings), _slot(way, settings)
    _ok(f"signed an upload of {SIZE} bytes to {whole.put.partition('?')[0]}")
    connection = _connect(way)
    _ok(f"connected to {way.socket or way.base}")
    try:
        reply, seconds = _exchange(connection, "PUT", whole.put, whole.content)
        _check("the upload", reply, 201)
        _ok(f"uploaded in {seconds:.3f} s: answered {reply.status}")
        _compare(connection, whole)
        if not settings.resumable_uploads_enabled:
            print("--  no upload is cut to go on: ResumableUploadsEnabled is false")
            print(f"All is well. The file stays until you remove it: {whole.kept}")
            return
        _cut(connection, cut)
        _go_on(connection, cut, _ask(connection, cut))
        _compare(connection, cut)
    finally:
        connection.close()
    print(f"All is well. The files stay until you remove them: {whole.kept} {cut.kept}")


def _ok(text: str) -> None:
    # Flushed, so that a step that hangs is seen to follow the last that did not.
    print(f"ok  {text}", flush=True)


def _way(url: str | None, settings: Settings) -> Way:
    if url is not None:
        return Way(ways.read(url, settings))
    way = ways.nearest(settings)
    if way is None:
        raise Failure("ListenPort does not tell where the daemon listens: say it with --url.")
    return way


def _slot(way: Way, settings: Settings) -> Slot:
    name = sign.named(f"{FOLDER}/{secrets.token_hex(8)}.bin", settings)
    expires = int(time.time()) + LIFETIME
    target = urlsplit(ways.file(way.base, name, settings)).path
    return Slot(
        content=secrets.token_bytes(SIZE),
        put=target + sign.put_query("v", name, SIZE, "", expires, settings),
        get=target + sign.get_query(name, expires, settings),
        kept=os.path.join(settings.store_dir, os.fsdecode(name.path)),
    )


def _connect(way: Way) -> HTTPConnection:
    """
    :raise Failure: nobody is there, or not who should be.
    """
    connection = connections.prepare(way, PATIENCE)
    try:
        connection.connect()
    except OSError as error:
        raise Failure(connections.reason(error, way)) from None
    return connection


def _compare(connection: HTTPConnection, slot: Slot) -> None:
    """
    Fetch what was uploaded.

    :raise Failure: it is something else.
    """
    reply, seconds = _exchange(connection, "GET", slot.get)
    _check("the download", reply, 200)
    _ok(f"downloaded in {seconds:.3f} s: answered {reply.status}")
    sent, came = sha256(slot.content).hexdigest(), sha256(reply.body).hexdigest()
    if sent != came:
        raise Failure(
            f"the bytes: {len(reply.body)} came back, with another SHA-256 than what was "
            "uploaded.\nSomething between here and the disk changes them: a proxy, or the disk."
        )
    _ok(f"the bytes are the same: SHA-256 {sent}")


def _cut(connection: HTTPConnection, slot: Slot) -> None:
    """
    Upload no more than the first half.
    """
    try:
        connection.putrequest("PUT", slot.put)
        connection.putheader("Content-Length", str(SIZE))
        connection.endheaders()
        connection.send(slot.content[:CUT])
        # Whoever closes has read all of it before: else the question that
        # follows might be heard first, and nothing be kept yet.
        connection.sock.shutdown(socket.SHUT_WR)
        while connection.sock.recv(65536):
            pass
    except OSError as error:
        raise Failure(f"the upload to cut: {error}.\nThe daemon's log says more.") from None
    finally:
        connection.close()
    _ok(f"cut an upload of {SIZE} bytes at byte {CUT}")


def _ask(connection: HTTPConnection, slot: Slot) -> int:
    """
    :return: how many bytes of it are kept.
    :raise Failure: none are.
    """
    for _ in range(ASKS):
        reply, _seconds = _exchange(connection, "PUT", slot.put, b"", f"bytes */{SIZE}")
        if reply.status != 423:
            _check("asking what is kept", reply, 308)
            found = re.fullmatch(r"bytes=0-([0-9]{1,9})", str(reply.fields.get("Range", "")))
            if found and int(found[1]) < CUT:
                kept = int(found[1]) + 1
                _ok(f"asked what is kept: {kept} bytes")
                return kept
        time.sleep(BETWEEN)
    raise Failure(
        "asking what is kept: nothing is, of an upload that was cut.\n"
        'Does a proxy hold bodies back? In nginx, "proxy_request_buffering off;" passes them on.'
    )


def _go_on(connection: HTTPConnection, slot: Slot, offset: int) -> None:
    """
    Upload the rest.
    """
    rest = slot.content[offset:]
    place = f"bytes {offset}-{SIZE - 1}/{SIZE}"
    reply, seconds = _exchange(connection, "PUT", slot.put, rest, place)
    _check("going on", reply, 201)
    _ok(f"went on at byte {offset} in {seconds:.3f} s: answered {reply.status}")


def _exchange(
    connection: HTTPConnection,
    method: str,
    target: str,
    content: bytes | None = None,
    place: str = "",
) -> tuple[Reply, float]:
    """
    :param place: the ``Content-Range``; none where it is empty.
    :return: the answer, and the seconds until it was all there.
    :raise Failure: the answer does not come.
    """
    fields = {"Accept": "application/json"} | ({"Content-Range": place} if place else {})
    began = time.monotonic()
    try:
        # A refusal may come before the body is sent: it is what counts.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, target, content, fields)
        reply = replies.receive(connection, SIZE + 1)
    except (HTTPException, OSError) as error:
        raise Failure(
            f"the answer to {method} does not come: {error or type(error).__name__}.\n"
            "The daemon's log says what happened."
        ) from None
    return reply, time.monotonic() - began


def _check(step: str, reply: Reply, wanted: int) -> None:
    """
    :raise Failure: the status is another one than *wanted*.
    """
    if reply.status != wanted:
        raise reply.failure(step, f", where {wanted} is right")
