"""
How a message repeats what the operator wrote.

Short, on one line and without control characters, so that a value can never
pose as a line of the log.  Secrets are not repeated at all: whoever reads one
must not call this.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

LONGEST = 60


def shown(value: object) -> str:
    """
    *value* as it would stand in the configuration, or what it is in one word.

    :param value: anything that TOML can say.
    :return: at most :data:`LONGEST` characters and the quotation marks.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value if len(value) <= LONGEST else value[:LONGEST] + "...")
    if isinstance(value, int | float):
        # Python refuses to print integers of more than 4,300 digits.
        return "a huge number" if abs(value) >= 10**LONGEST else str(value)
    if isinstance(value, Mapping):
        return "a section"
    if isinstance(value, Sequence):
        return "a list"
    return f"a {type(value).__name__}"


def quoted(text: str) -> str:
    """
    *text* between quotation marks, whole: for paths, whose end tells most.
    """
    marked = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in marked)
