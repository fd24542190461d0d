"""
Uploads that break at random points: whether every one of them goes on.

::

    python bench/cuts.py
    python bench/cuts.py --fronts tus draft --sides server --cuts 20 --file 8MiB

Each front (a plain PUT, PUTs with ``Content-Range``, tus, the IETF draft) has
a daemon of its own, in a folder below ``--folder`` that is removed at the end,
and a client on plain sockets.  Between the two is a proxy, which breaks one
connection of each upload: at a random byte of the client, where the daemon is
killed with SIGKILL as well for the side ``server``; or at a random byte of the
answers.  The client then does what its protocol has for that.

An upload has gone on when the file is there with the SHA-256 of what was sent,
and no byte that the server had said it has, by 104, 308, HEAD or a 2xx, was
sent again.  The exit status is 1 where one has not.
"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hmacfs.units import parse_size
from tests.e2e.cutting import SIDES, Outcome, outcomes
from tests.e2e.fronts import FRONTS


def report(folder: Path, front: str, side: str, size: int, count: int, seed: str) -> bool:
    """
    Break *count* uploads, and print what became of them.

    :return: whether every one went on.
    """
    began = time.monotonic()
    found = []
    failure = ""
    try:
        for outcome in outcomes(folder, front, side, size, count, f"{seed} {front} {side}"):
            found.append(outcome)
    except AssertionError as error:
        failure = "\n".join([str(error), *getattr(error, "__notes__", ())])
    good = found.count(Outcome())
    twice = sum(outcome.twice for outcome in found)
    holds = good == count
    print(
        f"{front}: {side} ({SIDES[side]}), {time.monotonic() - began:.0f} s:"
        f" {good} of {count}, {twice} bytes twice: {'holds' if holds else 'DOES NOT HOLD'}",
        flush=True,
    )
    if failure:
        print(failure, flush=True)
    return holds


def main() -> int:
    """
    :return: the exit status.
    """
    parser = ArgumentParser(description="Break uploads, and see whether they go on.")
    parser.add_argument("--file", type=parse_size, default="64MiB", help="each file (64MiB)")
    parser.add_argument("--cuts", type=int, default=200, help="for each front and side (200)")
    parser.add_argument("--fronts", nargs="+", choices=FRONTS, default=list(FRONTS))
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--seed", default="", help="decides where they break")
    parser.add_argument("--folder", help="where the files go for the time being (/tmp)")
    options = parser.parse_args()
    kept = True
    for front in options.fronts:
        for side in options.sides:
            with TemporaryDirectory(prefix="hmacfs-bench-", dir=options.folder) as folder:
                job = (front, side, options.file, options.cuts, options.seed)
                kept = report(Path(folder), *job) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
