"""
Which protocol a request speaks.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from hmacfs.errors import Headers, TwoProtocols
from hmacfs.http1 import Head
from hmacfs.resumable.content_range import RANGE, is_content_range
from hmacfs.resumable.draft import DRAFT, is_draft
from hmacfs.resumable.steps import Front, Standing, write
from hmacfs.resumable.tus import ANNOUNCED, TUS, is_tus

_MARKS: MappingProxyType[Callable[[Head], bool], Front] = MappingProxyType(
    {is_tus: TUS, is_draft: DRAFT, is_content_range: RANGE}
)

MARKS = frozenset({b"content-range", b"tus-resumable", b"upload-complete"})
"""The fields by which a PUT may speak one of them; without these it is plain."""


def front_of(head: Head) -> Front | None:
    """
    :return: the protocol that *head* speaks; ``None`` where it is a plain
        request, at the URL of an upload one of the draft, which marks only
        what it must.
    :raise TwoProtocols: it speaks two.
    """
    found = [front for speaks, front in _MARKS.items() if speaks(head)]
    if len(found) > 1:
        names = " and ".join(front.name for front in found)
        raise TwoProtocols(f"The request speaks two protocols at once: {names}.")
    return found[0] if found else None


def announce(standing: Standing) -> Headers:
    """
    :param standing: the bound of ``MaxUploadSize``, and the time that an
        upload begun now would have.
    :return: the fields that ``OPTIONS`` has for all protocols together.
    """
    return (*TUS.always, *ANNOUNCED, *write((*TUS.options, *DRAFT.options), standing))
