"""
What can be asked for: each errand with what it has to be told.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

import attrs
from twisted.logger import Logger

from hmacfs.control import looking, tending
from hmacfs.control.asking import Asker, Impossible
from hmacfs.control.desk import Desk
from hmacfs.control.lines import Message
from hmacfs.control.removing import Pardoning, TakingDown
from hmacfs.control.returning import Returning
from hmacfs.errors import Refusal

TEXT, SWITCH = (str,), (bool,)
SECONDS = (int, float, type(None))
MAYBE_TEXT = (str, type(None))


@attrs.frozen
class Errand:
    """
    :ivar run: does it, and returns what is to be told at its end.
    :ivar wants: what it is told, and which types that may have.
    """

    run: Callable[..., Awaitable[Message]]
    wants: Mapping[str, tuple[type, ...]]


ERRANDS: Mapping[str, Errand] = {
    "ls": Errand(looking.ls, {"prefix": TEXT}),
    "stat": Errand(looking.stat, {"name": TEXT}),
    "versions": Errand(looking.versions_of, {"name": TEXT}),
    "bans": Errand(looking.bans, {}),
    "trash": Errand(looking.trashed, {}),
    "rm-name": Errand(
        lambda desk, asker, name, ban, dry: TakingDown(desk, asker, ban, dry).name(name),
        {"name": TEXT, "ban": SWITCH, "dry": SWITCH},
    ),
    "rm-digest": Errand(
        lambda desk, asker, sha256, ban, dry: TakingDown(desk, asker, ban, dry).digest(sha256),
        {"sha256": TEXT, "ban": SWITCH, "dry": SWITCH},
    ),
    "rm-owner": Errand(
        lambda desk, asker, owner, ban, dry: TakingDown(desk, asker, ban, dry).owner(owner),
        {"owner": TEXT, "ban": SWITCH, "dry": SWITCH},
    ),
    "forget": Errand(lambda desk, asker, name: Pardoning(desk, asker).forget(name), {"name": TEXT}),
    "unban": Errand(
        lambda desk, asker, sha256: Pardoning(desk, asker).unban(sha256), {"sha256": TEXT}
    ),
    "undo": Errand(
        lambda desk, asker, name, since: Returning(desk, asker).bring_back(name, since),
        {"name": MAYBE_TEXT, "since": SECONDS},
    ),
    "gc": Errand(tending.gc, {"dry": SWITCH, "confirm": SWITCH}),
    "reindex": Errand(tending.reindex, {}),
    "fsck": Errand(tending.fsck, {"repair": SWITCH}),
}


class Errands:
    """
    Does what is asked for, one store's errands.
    """

    log = Logger()

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def perform(self, request: Message, asker: Asker) -> Message:
        """
        :param request: ``{"do": name, ...}`` with all that the errand wants.
        :return: ``{"done": ...}``, or ``{"error": sentence}``.
        :raise Gone: *asker* is not there any more.
        """
        try:
            errand, told = _read(request)
            return {"done": await errand.run(self._desk, asker, **told)}
        except Impossible as impossible:
            return {"error": str(impossible)}
        except Refusal as refusal:
            return {"error": refusal.text}
        except Exception:
            self.log.failure("{errand} broke off", errand=str(request.get("do")))
            return {"error": "It broke off; the log says why."}


def _read(request: Message) -> tuple[Errand, Message]:
    """
    :raise Impossible: nobody knows how to do that.
    """
    name = request.get("do")
    errand = ERRANDS.get(name) if isinstance(name, str) else None
    if errand is None:
        raise Impossible("This is no errand of this daemon, which may be older than the command.")
    told = {key: value for key, value in request.items() if key != "do"}
    for key in errand.wants.keys() | told.keys():
        if type(told.get(key)) not in errand.wants.get(key, ()):
            raise Impossible(f"{name!r} cannot be told {key!r} so.")
    if not all(_is_text(value) for value in told.values() if isinstance(value, str)):
        raise Impossible("What is asked for is no UTF-8.")
    return errand, told


def _is_text(text: str) -> bool:
    return re.search("[\ud800-\udfff]", text) is None
