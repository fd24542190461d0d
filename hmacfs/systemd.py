"""
What systemd wants to hear: ``sd_notify(3)`` in a few lines.
"""

from __future__ import annotations

import socket

#: The variable of the environment that holds the address.
VARIABLE = "NOTIFY_SOCKET"


def notify(state: str, address: str) -> None:
    """
    Tell whoever supervises us.

    :param state: ``READY=1`` or ``STOPPING=1``.
    :param address: what :data:`VARIABLE` holds, a path or ``@`` and an
        abstract name; ``""`` where nobody wants to know.
    :raise OSError: nobody listens there.
    """
    if address:
        # sd_notify(3): a leading "@" stands for the NUL of an abstract name.
        place = "\0" + address[1:] if address.startswith("@") else address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as caller:
            caller.sendto(state.encode(), place)
