"""
``hmacfs try``: whether all of it works, seen from outside.

The command does what a client does, over the wire: it signs a slot, uploads
1 MiB of random bytes, fetches them and compares the digests, and says so line
by line.  The first step that fails ends it, with what to look at.

It talks to the daemon itself, where ``ListenPort`` says; with ``--url`` it
goes the way of everybody else, through the proxy.  The file stays, under
``hmacfs-try/``: there is no request that deletes one.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import ssl
import time
from argparse import ArgumentParser, Namespace
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from hmacfs.cli import sign, ways
from hmacfs.cli.failures import Failure
from hmacfs.cli.ways import Way
from hmacfs.settings import Settings

SUMMARY = "upload to the running daemon, download again, and compare"

DESCRIPTION = """\
Signs an upload of 1 MiB to the running daemon, uploads it, downloads it again
and compares, and says so line by line. Where a step fails it says what to look
at. The file stays in the store, below hmacfs-try/.
"""

SIZE = 2**20
FOLDER = "hmacfs-try"

#: Seconds that the daemon may be silent.
PATIENCE = 30

#: Seconds that the signatures hold.
LIFETIME = 300

#: What to look at, by the code in the daemon's answer.
_BY_CODE = {
    "bad-signature": "The daemon has another secret. Was it started with these settings, and "
    "again since they changed?",
    "forbidden": "Is UploadSubDir what the daemon was started with?",
    "no-space": "Make room, or lower MinFreeSpace.",
    "not-found": "Is UploadSubDir what the daemon was started with?",
    "not-stored": "The disk failed: the daemon's log says how.",
    "shutting-down": "Start the daemon again.",
    "too-large": "MaxUploadSize is under 1 MiB.",
}

#: What to look at, by the status of an answer that is not the daemon's own.
_BY_STATUS = {
    403: "Does the proxy pass PUT on?",
    404: "Does the proxy pass UploadSubDir on, unchanged?",
    405: "Does the proxy pass PUT on?",
    411: "The proxy wants to know the size of bodies and drops it: see its manual.",
    413: 'The proxy bounds uploads: in nginx, "client_max_body_size 0;" lifts that.',
    502: "The proxy does not reach the daemon: compare its upstream with ListenPort.",
    503: "The proxy does not reach the daemon: compare its upstream with ListenPort.",
    504: "The daemon does not answer the proxy: its log says what it does.",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs try``."""
    parser.add_argument(
        "--url",
        metavar="URL",
        help="go there, through the proxy; by default to the daemon itself, by ListenPort",
    )


def run(arguments: Namespace, settings: Settings) -> None:
    """
    Try, and say how it goes.

    :raise Failure: at the first step that does not work.
    """
    way = _way(arguments.url, settings)
    name = sign.named(f"{FOLDER}/{secrets.token_hex(8)}.bin", settings)
    expires = int(time.time()) + LIFETIME
    content = secrets.token_bytes(SIZE)
    target = urlsplit(ways.file(way.base, name, settings)).path
    put = target + sign.put_query("v", name, SIZE, "", expires, settings)
    get = target + sign.get_query(name, expires, settings)
    _ok(f"signed an upload of {SIZE} bytes to {target}")

    connection = _connect(way)
    _ok(f"connected to {way.socket or way.base}")
    try:
        status, body, seconds = _exchange(connection, "PUT", put, content)
        _check("the upload", status, 201, body)
        _ok(f"uploaded in {seconds:.3f} s: answered {status}")
        status, body, seconds = _exchange(connection, "GET", get)
        _check("the download", status, 200, body)
        _ok(f"downloaded in {seconds:.3f} s: answered {status}")
    finally:
        connection.close()

    sent, came = sha256(content).hexdigest(), sha256(body).hexdigest()
    if sent != came:
        raise Failure(
            f"the bytes: {len(body)} came back, with another SHA-256 than what was uploaded.\n"
            "Something between here and the disk changes them: a proxy, or the disk."
        )
    _ok(f"the bytes are the same: SHA-256 {sent}")
    kept = os.path.join(settings.store_dir, os.fsdecode(name.path))
    print(f"All is well. The file stays until you remove it: {kept}")


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


class _SocketConnection(HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


def _connect(way: Way) -> HTTPConnection:
    """
    :raise Failure: nobody is there, or not who should be.
    """
    where = urlsplit(way.base)
    assert where.hostname is not None
    connection: HTTPConnection
    if way.socket is not None:
        connection = _SocketConnection(way.socket)
    elif where.scheme == "https":
        connection = HTTPSConnection(
            where.hostname, where.port, timeout=PATIENCE, context=_trust(way.certificate)
        )
    else:
        connection = HTTPConnection(where.hostname, where.port, timeout=PATIENCE)
    place = way.socket or way.base
    try:
        connection.connect()
    except ssl.SSLError as error:
        raise Failure(
            f"the connection: TLS with {place} fails: {error.reason or error}.\n"
            "Is the certificate the one that the settings name, and is it in force?"
        ) from None
    except PermissionError:
        raise Failure(
            f"the connection: {place} may not be opened by this user.\n"
            "UnixSocketMode and the folder's permissions decide who may."
        ) from None
    except OSError as error:
        raise Failure(
            f"the connection: nothing answers at {place} ({error.strerror or error}).\n"
            "Is the daemon running, and with these settings? twistd -n hmacfs starts it."
        ) from None
    return connection


def _trust(certificate: str | None) -> ssl.SSLContext:
    """
    :param certificate: the one that must be shown, whatever name it bears; or
        ``None`` to judge as a browser does.
    """
    context = ssl.create_default_context()
    if certificate is not None:
        context.check_hostname = False
        # Also where an authority signed it, since that one may be unknown here.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_verify_locations(certificate)
        except OSError as error:
            raise Failure(f"the certificate: {certificate}: {error.strerror or error}.") from None
    return context


def _exchange(
    connection: HTTPConnection, method: str, target: str, content: bytes | None = None
) -> tuple[int, bytes, float]:
    """
    :return: the status, the body, and the seconds until it was all there.
    :raise Failure: the answer does not come.
    """
    began = time.monotonic()
    try:
        try:
            connection.request(method, target, content, {"Accept": "application/json"})
        except (BrokenPipeError, ConnectionResetError):
            # A refusal may come before the body is sent: it is what counts.
            response = HTTPResponse(connection.sock, method=method)
            response.begin()
        else:
            response = connection.getresponse()
        body = response.read()
    except (HTTPException, OSError) as error:
        raise Failure(
            f"the answer to {method} does not come: {error or type(error).__name__}.\n"
            "The daemon's log says what happened."
        ) from None
    return response.status, body, time.monotonic() - began


def _check(step: str, status: int, wanted: int, body: bytes) -> None:
    """
    :raise Failure: *status* is another one than *wanted*.
    """
    if status == wanted:
        return
    try:
        said = json.loads(body)
        text, code = str(said["text"]), str(said["code"])
    except (ValueError, LookupError, TypeError):
        # hmacfs answers JSON to whoever asks for it; this is somebody else.
        text, code = "", ""
    lines = [f"{step}: answered {status}, where {wanted} is right. {text}".rstrip()]
    if 300 <= status < 400:
        lines.append("Somebody redirects. Write the URL that it leads to, https:// perhaps.")
    elif code:
        lines.append(_BY_CODE.get(code, "The daemon's log says more."))
    else:
        hint = _BY_STATUS.get(status, "Its log says more.")
        lines.append(f"This is not the answer of hmacfs, but of somebody before it. {hint}")
    raise Failure("\n".join(lines))
