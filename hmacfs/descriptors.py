"""
How many files and connections this process may have open.

Each connection is a descriptor, and each file on its way another one.  Systems
start a process with a low bound and let it ask for more, up to a second one:
the low one is there for programs that use ``select``, which Twisted does not
here.
"""

from __future__ import annotations

from resource import RLIMIT_NOFILE, getrlimit, setrlimit

from twisted.logger import Logger

_log = Logger()


def raise_bound() -> None:
    """
    Ask for as many as may be had.
    """
    before, most = getrlimit(RLIMIT_NOFILE)
    if before != most:
        setrlimit(RLIMIT_NOFILE, (most, most))
        _log.info(
            "descriptors: {most} may be open at once, in place of {before}",
            most=most,
            before=before,
        )
