"""
What was seen in the tree and in the index, and what there is to say of it.
"""

from __future__ import annotations

import os
from collections.abc import Container
from typing import Any

import attrs

from hmacfs.records import Disagreement, Row
from hmacfs.store.folders import Segments
from hmacfs.store.sides import Key, Side


@attrs.frozen
class Look:
    """
    One key, looked at on both sides.

    :ivar seen: what the index says, ``None`` for nothing.
    :ivar there: what it should say, by the tree.
    :ivar trouble: why nobody knows what it should say.
    """

    key: Key
    seen: Any
    there: Any
    trouble: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return not self.trouble and self.seen == self.there


def tell(side: Side, look: Look, buried: Container[str]) -> Disagreement:
    name, version, batch = side.named(look.key)
    if look.trouble:
        kind, text = "unreadable", f"It cannot be read: {look.trouble}."
    elif look.seen is None and name in buried:
        kind = "buried"
        text = "Its name was deleted: hmacfs rm removes it, hmacfs rm --forget lets it be."
    elif look.seen is None:
        kind, text = "no row", "The index does not list it."
    elif look.there is None:
        kind, text = "no file", "The index lists it, and it is not there."
    else:
        kind, text = "other row", _differing(side.row(look.seen), side.row(look.there))
    return Disagreement(kind, side.kind, name, version, batch, text)


def _differing(row: Row, there: Row) -> str:
    told = [
        f"{field.name} {getattr(row, field.name)!r} in place of {getattr(there, field.name)!r}"
        for field in attrs.fields(Row)
        if getattr(row, field.name) != getattr(there, field.name)
    ]
    return f"The index lists it with {', '.join(told) or 'another time of removal'}."


def about(kind: str, side: Side, path: Segments, text: str) -> Disagreement:
    return Disagreement(kind, side.kind, os.fsdecode(b"/".join(path)), "", "", text)
