"""
The processors that this daemon may use: those that the machine lets it run on,
and no more than its control group pays for.
"""

from __future__ import annotations

import os
from contextlib import suppress


def usable(root: str = "/") -> float:
    """
    :param root: where ``proc`` and ``sys`` are.
    :return: how many, with what is paid for of the last one.
    """
    count = float(len(os.sched_getaffinity(0)))
    for folder in _groups(root):
        with suppress(OSError, ValueError):
            count = min(count, _quota(folder))
    return max(count, 0.01)


def _groups(root: str) -> list[str]:
    """
    :return: the folders of our control group and of those above it.
    """
    found = []
    with suppress(OSError), open(os.path.join(root, "proc/self/cgroup")) as lines:
        for line in lines:
            # 0::/system.slice/hmacfs.service, or 4:cpu,cpuacct:/...  (cgroups(7))
            _, controllers, path = line.strip().split(":", 2)
            names = controllers.split(",")
            if controllers and "cpu" not in names:
                continue
            top = os.path.join(root, "sys/fs/cgroup", "cpu" if controllers else "")
            below = path.strip("/")
            while below:
                found.append(os.path.join(top, below))
                below = os.path.dirname(below)
            found.append(top)
    return found


def _quota(folder: str) -> float:
    """
    :raise OSError: nothing says so there.
    :raise ValueError: there is no bound.
    """
    if os.path.exists(os.path.join(folder, "cpu.max")):
        with open(os.path.join(folder, "cpu.max")) as file:
            quota, period = file.read().split()
    else:
        with open(os.path.join(folder, "cpu.cfs_quota_us")) as file:
            quota = file.read()
        with open(os.path.join(folder, "cpu.cfs_period_us")) as file:
            period = file.read()
    if quota == "max" or int(quota) <= 0:
        raise ValueError("there is no bound")
    return int(quota) / int(period)
