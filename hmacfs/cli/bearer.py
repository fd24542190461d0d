"""
``--bearer-file``: what signs a slot whose URL does not.

The slots of Prosody's mod_http_file_share come with an ``Authorization`` in
place of a query.  It is read from a file or from standard input, never from the
command line, which every user of the machine can see and a shell remembers.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser

from hmacfs.cli.failures import Failure

#: Bytes of it at most: more than any server takes in a head.
LONGEST = 16384

# credentials = "Bearer" 1*SP b64token (RFC 6750 section 2.1); what stands before
# the token may have been copied with it.
_TOKEN = re.compile(r"(?i:(?:authorization:\s*)?bearer\s+)?([A-Za-z0-9._~+/-]+=*)")


def add_argument(parser: ArgumentParser) -> None:
    """Let it be said."""
    parser.add_argument(
        "--bearer-file",
        metavar="FILE",
        help='a file with the token of "Authorization: Bearer", for slots that come with one; '
        "- for standard input",
    )


def read(path: str | None) -> str:
    """
    :param path: what was said, or ``None``.
    :return: the value of ``Authorization``; ``""`` for none.
    :raise Failure: there is no token in the file.
    """
    if path is None:
        return ""
    try:
        with open(0 if path == "-" else path, "rb", closefd=path != "-") as file:
            # A line: who pastes it at a terminal ends it so.
            text = file.readline(LONGEST + 1).decode("ascii", "replace").strip()
    except OSError as error:
        raise Failure(f"--bearer-file: {path}: {error.strerror}.") from None
    found = _TOKEN.fullmatch(text)
    if found is None or len(text) > LONGEST:
        raise Failure(f"--bearer-file: {path} holds no token.")
    return f"Bearer {found[1]}"
