"""
A client on this machine, to whom nothing has to be spread over time.

A kernel whose congestion control is BBR measures how much the network carries,
and spaces what it sends by a timer, piece by piece.  Between two processes of one
machine (a proxy before us, say) there is no network to be spared: what is measured
is how soon the other process is woken, and the timers take most of the time of a
large download.  1 GiB over loopback took 0.5 s of which 0.4 s went into them.

So what is sent to such a client is not paced.  Reno is the one congestion control
that every kernel has and lets everybody choose; nothing is lost on the way to this
machine, so that it never has to hold anything back.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from ipaddress import ip_address

_UNPACED = b"reno"


def unpace(connection: socket.socket) -> None:
    """
    Let the kernel send at once what is for a client on this machine.  Any other
    connection stays as it is, and so does one of a kernel that refuses.
    """
    if connection.family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            if _same(connection.getpeername()[0], connection.getsockname()[0]):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, _UNPACED)


def _same(peer: str, own: str) -> bool:
    """
    :return: whether both addresses are this machine's, of which *own* is.
    """
    if peer == own:
        return True
    address = ip_address(peer)
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
