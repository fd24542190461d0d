"""
Where to listen, as the operator writes it.

::

    address  = port                 all interfaces, IPv6 and IPv4
             / ":" port             the same
             / host ":" port        a name or an IPv4 address
             / "[" ipv6 "]:" port
             / "unix:" path
             / endpoint             a Twisted endpoint string: it begins with
                                    one of SCHEMES and a colon

With ``UnixSocket = true`` an address is the path of a socket, unless it is an
endpoint string.
"""

from __future__ import annotations

import ipaddress
import re

import attrs

from hmacfs.quoting import shown

FORM = (
    'a port such as 8080, "host:port", ":8080" for all interfaces, "unix:/run/hmacfs.sock", '
    'or a Twisted endpoint such as "ssl:8443:privateKey=key.pem:certKey=cert.pem"'
)
PATH_FORM = 'the path of the socket, such as "/run/hmacfs/hmacfs.sock"'

#: Twisted's own endpoints for servers.  ``stdio`` is none that a daemon has.
SCHEMES = frozenset({"tcp", "tcp6", "ssl", "tls", "unix", "systemd", "haproxy"})

_HOST_AND_PORT = re.compile(r"(?:([0-9A-Za-z._-]*)|\[([^]]+)\]):([0-9]{1,5})")
_ONLY_A_PORT = re.compile(r"[0-9]{1,5}")
#: The first argument of these is the port (``ssl:8443:...``, ``ssl:port=8443:...``).
_PORT_FIRST = re.compile(r"(?:tcp|tcp6|ssl):(?:port=)?([0-9]{1,5})(?::.*)?")
#: The arguments that are paths: of a key or a certificate, and of a socket.
_RELATIVE = re.compile(
    r"((?<!\\):(?:privateKey|certKey|extraCertChain|dhParameters|address)="
    r"|^(?:haproxy:)?unix:(?!\w+=))(?![/:])"
)
_IPV4_LIKE = re.compile(r"[0-9.]+")


@attrs.frozen
class Tcp:
    """
    A TCP port.

    :ivar host: a name or an address without brackets; ``""`` is all
        interfaces, IPv6 and IPv4.
    :ivar port: 0 to 65535; 0 lets the system choose.
    """

    host: str
    port: int


@attrs.frozen
class Unix:
    """
    A UNIX socket.
    """

    path: str


@attrs.frozen
class Endpoint:
    """
    Anything that Twisted's ``serverFromString`` understands.
    """

    description: str


Address = Tcp | Unix | Endpoint


def parse(text: str, unix: bool = False) -> Address:
    """
    :param text: an address as above.
    :param unix: what is no endpoint string is the path of a socket.
    :raise ValueError: it is none; the text is a sentence for its writer.
    """
    scheme, colon, rest = text.partition(":")
    if colon and scheme in SCHEMES:
        return _endpoint(text, scheme, rest)
    if unix:
        return _socket(text)
    if text.startswith(("/", "./", "../")):
        raise ValueError(
            f'{shown(text)} is a path; write "unix:" before it, as in "unix:/run/hmacfs.sock".'
        )
    try:
        return _tcp(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is no address; write {_hint(text)}.") from None


def located(endpoint: Endpoint, folder: str) -> Endpoint:
    """
    :param folder: absolute; where relative paths begin.
    :return: *endpoint* with every path in it absolute.
    """
    begin = re.sub(r"([:=\\])", r"\\\1", folder.rstrip("/")) + "/"
    return Endpoint(_RELATIVE.sub(lambda match: match[0] + begin, endpoint.description))


def written(address: Address) -> str:
    """
    :return: *address* as people know it, a socket by its path alone.
    """
    match address:
        case Tcp(host, port):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case Unix(path):
            return path
        case Endpoint(description):
            return description


def _endpoint(text: str, scheme: str, rest: str) -> Address:
    """
    The arguments are Twisted's to judge; what it would trip over without a
    sentence is judged here.
    """
    if not rest or "\0" in text or len(text) - len(text.rstrip("\\")) & 1:
        raise ValueError(f"{shown(text)} is no endpoint; write {FORM}.")
    if scheme == "unix" and not re.search(r"[:=\\]", rest):
        return Unix(rest)
    if scheme in ("tcp", "tcp6", "ssl"):
        match = _PORT_FIRST.fullmatch(text)
        if match is None or int(match[1]) > 65535:
            raise ValueError(f'{shown(text)} has no port from 0 to 65535; write "{scheme}:8080".')
    return Endpoint(text)


def _socket(text: str) -> Unix:
    if "/" not in text and (_HOST_AND_PORT.fullmatch(text) or _ONLY_A_PORT.fullmatch(text)):
        raise ValueError(f"{shown(text)} is an address, and UnixSocket is true; write {PATH_FORM}.")
    if not text or "\0" in text:
        raise ValueError(f"{shown(text)} is no path; write {PATH_FORM}.")
    return Unix(text)


def _tcp(text: str) -> Tcp:
    """
    :raise ValueError: it is no TCP address; without a text of its own.
    """
    if _ONLY_A_PORT.fullmatch(text):
        text = f":{text}"
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None or int(match[3]) > 65535:
        raise ValueError
    host, bracketed, port = match.groups()
    if bracketed:
        ipaddress.IPv6Address(bracketed)
        return Tcp(bracketed, int(port))
    if host and _IPV4_LIKE.fullmatch(host):
        ipaddress.IPv4Address(host)
    return Tcp(host, int(port))


def _hint(text: str) -> str:
    """
    What the writer of *text* most likely wants.
    """
    host, _, port = text.rpartition(":")
    if host.count(":") > 1 and _ONLY_A_PORT.fullmatch(port):
        return f'IPv6 addresses in brackets: "[::1]:{port}"'
    return FORM
