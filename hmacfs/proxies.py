"""
Who the client is, behind proxies that are trusted and before those that are not.

Anybody can write ``X-Forwarded-For``; only what a trusted proxy added counts.
So the chain is read from our end: as long as the hop nearest to us is
trusted, the one it names comes next (RFC 7239 section 7.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from hmacfs.http1 import Head

Network = IPv4Network | IPv6Network

UNIX = "unix"
"""The peer on a UNIX socket, which is a trusted proxy: whoever may open the socket is."""

_MOST_HOPS = 16

_LONGEST_NODE = 64
"""Characters that an address, in brackets and with a port, never has more of."""

_AUTHORITY = re.compile(rb"[A-Za-z0-9.\-_~%\[\]:]+")

# forwarded-pair of RFC 7239 section 4
_PAIR = re.compile(rb'([A-Za-z]+)=(?:"([^"\\]*)"|([^";, \t]*))')

# forwarded-pair "for" of RFC 7239 section 4, quoted or not
_FOR = re.compile(rb'(?:^|[;,])[ \t]*for=(?:"([^"\\]*)"|([^";, \t]*))', re.IGNORECASE)
# node of RFC 7239 section 6: an address, in brackets where it is IPv6, and a port
_NODE = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9.]+)(?::\d+)?|([0-9A-Fa-f:.]+)")


def client_address(peer: str, head: Head, trusted: Sequence[Network]) -> str:
    """
    :param peer: ``"192.0.2.1:4711"``, ``"[2001:db8::1]:4711"`` or ``"unix"``.
    :param trusted: ``TrustedProxies``.
    :return: the address nearest to us that is not trusted, without its port;
        where all of them are, the farthest; *peer* where it is not trusted.
    """
    if peer == UNIX:
        known = UNIX
    else:
        address = _address(peer)
        if address is None or not _trusts(address, trusted):
            return peer
        known = peer
    for address in _hops(head):
        known = str(address)
        if not _trusts(address, trusted):
            break
    return known


def is_proxy(peer: str, trusted: Sequence[Network]) -> bool:
    """
    :return: whether *peer* is a proxy that is trusted.
    """
    if peer == UNIX:
        return True
    address = _address(peer)
    return address is not None and _trusts(address, trusted)


def origin_of(peer: str, head: Head, secure: bool, trusted: Sequence[Network]) -> bytes:
    """
    :param secure: whether the connection itself is TLS.
    :return: the origin that the client asked: scheme and host, a trusted
        proxy's word counted; ``b""`` where nobody names a host.
    """
    seen = (b"https" if secure else b"http", head.host)
    told = _told(head) if is_proxy(peer, trusted) else {}
    scheme, host = told.get(b"proto") or seen[0], told.get(b"host") or seen[1]
    if scheme.lower() not in (b"http", b"https") or _AUTHORITY.fullmatch(host) is None:
        scheme, host = seen
    return scheme.lower() + b"://" + host if host else b""


def _told(head: Head) -> Mapping[bytes, bytes]:
    """
    :return: what the nearest proxy says of the request that it was sent:
        ``proto`` and ``host``.
    """
    forwarded = head.get(b"forwarded")
    if forwarded is not None:
        # Of several elements the last one is the proxy's; what stands before its
        # comma the client may have written, quotes and all.
        pairs = _PAIR.findall(_last(forwarded))
        return {name.lower(): quoted or plain for name, quoted, plain in pairs}
    return {
        b"proto": _last(head.get(b"x-forwarded-proto")),
        b"host": _last(head.get(b"x-forwarded-host")),
    }


def _last(value: bytes | None) -> bytes:
    return (value or b"").rpartition(b",")[2].strip(b" \t")


def _trusts(address: IPv4Address | IPv6Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _hops(head: Head) -> Iterator[IPv4Address | IPv6Address]:
    """
    :return: the hops that the request tells, the nearest first; what is no
        address ends the chain, since nothing behind it can be believed.
    """
    forwarded = head.get(b"forwarded")
    if forwarded is not None:
        nodes = [quoted or plain for quoted, plain in _FOR.findall(forwarded)]
    else:
        nodes = (head.get(b"x-forwarded-for") or b"").split(b",")
    for node in nodes[: -_MOST_HOPS - 1 : -1]:
        address = _address(node.decode("latin-1").strip(" \t"))
        if address is None:
            return
        yield address


def _address(node: str) -> IPv4Address | IPv6Address | None:
    """
    :return: the address in *node*, an IPv4 one in IPv6's clothes undressed.
    """
    return _parsed(node) if len(node) <= _LONGEST_NODE else None


@lru_cache(maxsize=512)
def _parsed(node: str) -> IPv4Address | IPv6Address | None:
    found = _NODE.fullmatch(node)
    if found is None:
        return None
    try:
        address = ip_address(found[1] or found[2] or found[3])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
