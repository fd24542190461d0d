"""
A daemon that is killed while it changes what it keeps: whether all is as it
was, or as it was to be.

::

    python bench/kills.py
    python bench/kills.py --kills 20 --seed other

A daemon in a folder below ``--folder``, which is removed at the end, is killed
with SIGKILL at random moments, again and again, while clients upload,
overwrite, restore, delete, take down and undo, and a sweep goes on.  Behind
each restart every name has its old bytes or its new ones, what was
acknowledged holds, and ``hmacfs fsck`` finds nothing that the start has not
mended; see :mod:`tests.e2e.killing`.

What is not so is printed, and then for each operation how many names were
under way when the daemon died.  The exit status is 1 where something is not.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.e2e.killing import Killing


def main() -> int:
    """
    :return: the exit status.
    """
    parser = ArgumentParser(description="Kill a daemon, and see what is left.")
    parser.add_argument("--kills", type=int, default=200, help="how often (200)")
    parser.add_argument("--seed", default="", help="decides what is written, and when it dies")
    parser.add_argument("--folder", help="where the files go for the time being (/tmp)")
    options = parser.parse_args()
    cut: Counter[str] = Counter()
    holds = True
    with TemporaryDirectory(prefix="hmacfs-bench-", dir=options.folder) as folder:
        killing = Killing(Path(folder), options.seed)
        try:
            for number, outcome in enumerate(killing.outcomes(options.kills), 1):
                cut.update(outcome.cut)
                for text in outcome.wrong:
                    print(f"kill {number}: {text}", flush=True)
                    holds = False
            for name in killing.unlike():
                print(f"{name} changed later")
                holds = False
        finally:
            killing.end()
    for what, count in sorted(cut.items()):
        print(f"under way when it died: {what}, {count} times")
    print(f"{options.kills} kills: {'holds' if holds else 'DOES NOT HOLD'}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
