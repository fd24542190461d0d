"""
The machine that something was measured on.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from bench.ground import filesystem


def machine(disk: Path) -> Mapping[str, str]:
    """
    :param disk: the folder on a real file system.
    :return: what it has, and the versions of what runs on it.
    """
    mounts = Path("/proc/self/mountinfo").read_text()
    return {
        "processor": processor(Path("/proc/cpuinfo").read_text()),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "kernel": platform.release(),
        "real file system": filesystem(disk, mounts),
        "Python": platform.python_version(),
        "Twisted": version("twisted"),
        "nginx": _said("/usr/sbin/nginx", "-v").rpartition("/")[2],
        "wrk": _said("wrk", "-v").partition("wrk ")[2].partition(" ")[0],
        "commit": _said("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"),
    }


def processor(told: str) -> str:
    """
    :param told: what ``/proc/cpuinfo`` holds.
    :return: the model of the first.
    """
    for line in told.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _said(*command: str) -> str:
    # nginx and wrk tell their version on standard error, and wrk calls that a failure.
    ran = subprocess.run(command, capture_output=True, text=True)
    return (ran.stdout + ran.stderr).strip().partition("\n")[0]
