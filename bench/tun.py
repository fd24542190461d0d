"""
A bad line in user space, for kernels without netem.

A TUN device hands every packet that is sent to :data:`THERE` to this program,
which lets some go, holds the others back for a while, exchanges the addresses
of sender and receiver, and gives them back to the kernel: so who connects to
``THERE`` comes to what listens at :data:`HERE`.  Exchanging two addresses leaves
the checksums as they were, since they are sums.

It is a program of its own, run inside a network namespace.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import struct
import subprocess
import time
from collections import deque

HERE = "10.99.0.1"
THERE = "10.99.0.2"
DELAY = 0.15  # seconds each way
LOSS = 0.02  # of all packets, each way

_NAME = b"far"
_TUNSETIFF = 0x400454CA
_IFF_TUN_NO_PI = 0x0001 | 0x1000
_LARGEST = 2048
_TOGETHER = 64


def exchanged(packet: bytes) -> bytes:
    """
    :param packet: of IPv4.
    :return: the same, from its receiver to its sender.
    """
    return packet[:12] + packet[16:20] + packet[12:16] + packet[20:]


def opened() -> int:
    """
    :return: the descriptor of a new device, up, with its addresses.
    """
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", _NAME, _IFF_TUN_NO_PI))
    name = _NAME.decode()
    for command in (
        f"ip addr add {HERE} peer {THERE} dev {name}",
        f"ip link set {name} up mtu 1500 txqueuelen 100000",
    ):
        subprocess.run(command.split(), check=True)
    return device


def carry(device: int) -> None:
    """
    Carry packets, for ever.
    """
    under_way: deque[tuple[float, bytes]] = deque()
    chance = random.Random(0)
    poller = select.poll()
    poller.register(device, select.POLLIN)
    while True:
        wait = max(under_way[0][0] - time.monotonic(), 0) * 1000 if under_way else None
        poller.poll(wait)
        now = time.monotonic()
        for _ in range(_TOGETHER):
            try:
                packet = os.read(device, _LARGEST)
            except BlockingIOError:
                break
            # Neighbours that look for each other by IPv6 have no place here.
            if packet[0] >> 4 == 4 and chance.random() >= LOSS:
                under_way.append((now + DELAY, exchanged(packet)))
        while under_way and under_way[0][0] <= now:
            os.write(device, under_way.popleft()[1])


if __name__ == "__main__":
    tunnel = opened()
    print("ready", flush=True)
    carry(tunnel)
