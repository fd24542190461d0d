"""
Who the client is, behind proxies that are trusted and before those that are not.

Anybody can write ``X-Forwarded-For``; only what a trusted proxy added counts.
So the chain is read from our end: as long as the hop nearest to us is
trusted, the one it names comes next (RFC 7239 section 7.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from hmacfs.http1 import Head

Network = IPv4Network | IPv6Network

UNIX = "unix"
"""The peer on a UNIX socket, which is a trusted proxy: whoever may open the socket is."""

_MOST_HOPS = 16

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
    found = _NODE.fullmatch(node)
    if found is None:
        return None
    try:
        address = ip_address(found[1] or found[2] or found[3])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
