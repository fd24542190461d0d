"""
The ways to a daemon: from this machine, and for everybody.

Commands speak to the daemon as its clients do, so they need what clients are
given: a URL.  It follows from the settings, ``PublicURL`` first where clients
are meant, ``ListenPort`` where this machine is.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

import attrs

from hmacfs import kinds
from hmacfs.addresses import Address, Endpoint, Tcp, Unix
from hmacfs.cli.failures import Failure
from hmacfs.names import StoredName
from hmacfs.settings import Settings

# endpoint = piece *( ":" piece ), piece = [ name "=" ] value; a backslash takes what
# follows it for what it is (twisted.internet.endpoints.serverFromString).
_PIECE = re.compile(r"(?:^|:)((?:\\.|[^:\\])*)", re.DOTALL)
_NAMED = re.compile(r"(?:((?:\\.|[^=\\])*)=)?(.*)", re.DOTALL)

#: Printable ASCII, save what would end a request's target or cannot stand in it.
_AS_THEY_ARE = "!$%&'()*+,-./:;=?@[]_~|^`{}\\"

#: What the arguments without a name are, by scheme.
_POSITIONAL = {
    "tcp": ("port", "interface"),
    "tcp6": ("port", "interface"),
    "ssl": ("port", "privateKey", "certKey"),
    "unix": ("address",),
}


@attrs.frozen
class Way:
    """
    How a client on this machine reaches the daemon.

    :ivar base: a URL without a slash at its end: ``"http://127.0.0.1:8080"``.
    :ivar socket: the path of a UNIX socket to connect to in place of the
        URL's host, or ``None``.
    :ivar certificate: the path of the certificate that the daemon shows, or
        ``None`` where the system's authorities judge it.
    :ivar authorization: the ``Authorization`` of every request; ``""`` for none.
    """

    base: str
    socket: str | None = None
    certificate: str | None = None
    authorization: str = attrs.field(default="", repr=False)


def nearest(settings: Settings) -> Way | None:
    """
    :return: the way to the first address of ``ListenPort`` that can be told
        from the settings; ``None`` where there is none (port 0, a socket that
        systemd opens).
    """
    ways = (_way(address) for address in settings.listen_port)
    return next((way for way in ways if way is not None), None)


def public(settings: Settings) -> str:
    """
    :return: the base of the URLs that clients get, without a slash at its end.
    :raise Failure: the settings do not tell it.
    """
    if settings.public_url:
        return settings.public_url
    way = nearest(settings)
    if way is None:
        raise Failure("The settings do not tell where clients reach this server: set PublicURL.")
    return way.base


def read(url: str, settings: Settings) -> str:
    """
    :param url: an argument that says where clients reach the server, with or
        without ``UploadSubDir`` behind it.
    :return: the base of its URLs, as :func:`public` gives it.
    :raise Failure: it is no such URL.
    """
    try:
        base: str = kinds.PUBLIC_URL.read(url, kinds.Place("/"))
    except ValueError as error:
        raise Failure(str(error), status=2) from None
    if not base:
        raise Failure('Write the URL that clients use, such as "https://files.example.org".', 2)
    return base.removesuffix(f"/{settings.upload_sub_dir}")


def folder(base: str, settings: Settings) -> str:
    """
    :return: the URL that a name is appended to, with its slash at the end.
    """
    return f"{base}/{settings.upload_sub_dir}/"


def file(base: str, name: StoredName, settings: Settings) -> str:
    """
    :return: the URL under which *name* is served.
    """
    return folder(base, settings) + name.url


def slot(url: str) -> tuple[Way, str]:
    """
    :param url: of a file or a slot, as somebody else gave it.
    :return: the way to its server, and what stands in a request to it.
    :raise Failure: it is no such URL.
    """
    try:
        found = urlsplit(url)
        port = found.port
        host = (found.hostname or "").encode("idna").decode()
    except ValueError:
        host = ""
    if not host or found.scheme not in ("http", "https") or "@" in found.netloc:
        raise Failure('Write a URL such as "https://files.example.org/uploads/a.txt".', 2)
    host = f"[{host}]" if ":" in host else host
    base = f"{found.scheme}://{host}" + (f":{port}" if port is not None else "")
    # As browsers do it: what is encoded stays so, and what no request can hold is encoded.
    target = quote(found.path or "/", safe=_AS_THEY_ARE)
    return Way(base), target + (f"?{quote(found.query, safe=_AS_THEY_ARE)}" if found.query else "")


def _way(address: Address) -> Way | None:
    match address:
        case Unix(path):
            return Way("http://localhost", socket=path)
        case Tcp(host, port):
            return _tcp("http", host, port)
        case Endpoint(description):
            return _endpoint(description)


def _tcp(scheme: str, host: str, port: int) -> Way | None:
    """
    :param host: as in :class:`hmacfs.addresses.Tcp`.
    :return: ``None`` for port 0: the system chooses, and tells nobody else.
    """
    try:
        address = ip_address(host or "127.0.0.1")
    except ValueError:
        pass  # a name is written as it is
    else:
        if address.is_unspecified:
            address = ip_address("127.0.0.1" if address.version == 4 else "::1")
        host = f"[{address}]" if address.version == 6 else str(address)
    return Way(f"{scheme}://{host}:{port}") if port else None


def _endpoint(description: str) -> Way | None:
    """
    Read what can be read of a Twisted endpoint string.

    :return: ``None`` for those that do not say where they listen.
    """
    scheme, arguments = _arguments(description)
    if scheme not in _POSITIONAL:
        return None
    if scheme == "unix":
        path = arguments.get("address")
        return Way("http://localhost", socket=path) if path else None
    host = arguments.get("interface", "::" if scheme == "tcp6" else "")
    port = int(arguments["port"])
    if scheme != "ssl":
        return _tcp("http", host, port)
    way = _tcp("https", host, port)
    key = arguments.get("privateKey", "server.pem")
    return attrs.evolve(way, certificate=arguments.get("certKey", key)) if way else None


def _arguments(description: str) -> tuple[str, dict[str, str]]:
    """
    :return: the scheme, and the arguments by name.
    """
    scheme, *pieces = _PIECE.findall(description)
    names = iter(_POSITIONAL.get(scheme, ()))
    arguments = {}
    for piece in pieces:
        found = _NAMED.fullmatch(piece)
        assert found is not None
        name, value = found.groups()
        arguments[next(names, "") if name is None else _plain(name)] = _plain(value)
    return scheme, arguments


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
