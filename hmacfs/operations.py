"""
What a query may ask of a file besides the file itself.

============================  ==============================================
``GET ?versions``             the list of its versions
``GET HEAD ?version=<id>``    the bytes of one
``DELETE ?version=<id>``      removes one
``POST ?restore=<id>``        makes one the file again
============================  ==============================================

Each wants a ``v3`` signature that names it.  ``v3`` signs ``path?operation``
as one text, and so the file ``a?versions`` and the versions of the file ``a``
would be one message: a name that reads like that takes no upload, and no
``v3`` is taken for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, cast
from urllib.parse import unquote_to_bytes

import attrs

from hmacfs.errors import MalformedQuery, MethodNotAllowed
from hmacfs.names import StoredName

Kind = Literal["versions", "version", "restore"]

METHODS: Mapping[Kind, tuple[bytes, ...]] = MappingProxyType(
    {
        "versions": (b"GET", b"HEAD"),
        "version": (b"GET", b"HEAD", b"DELETE"),
        "restore": (b"POST",),
    }
)
"""What each operation is asked for by."""

# operation = "versions" / ( "version=" id ) / ( "restore=" id )
# id        = 1*255( ALPHA / DIGIT / "_" / "-" )      ; 255, since a file is named so
_OPERATION = re.compile(rb"(versions)|(version|restore)=([0-9A-Za-z_-]{1,255})")

_PARAMETERS = frozenset(kind.encode() for kind in METHODS)


@attrs.frozen
class Operation:
    """
    :ivar kind: a key of :data:`METHODS`.
    :ivar id: of the version that is meant; ``""`` for the list of all.
    """

    kind: Kind
    id: str = ""

    @property
    def query(self) -> bytes:
        """As it stands in a query: what :func:`read` reads."""
        return f"{self.kind}={self.id}".encode() if self.id else self.kind.encode()


def asked(query: bytes) -> bool:
    """
    Whether a request asks for an operation, be it right or wrong.  Nobody may
    take it for one about the file itself: a ``DELETE`` of one version must
    never delete the file.

    :param query: of the request target, as sent; of any form.
    """
    return any(
        unquote_to_bytes(piece).partition(b"=")[0] in _PARAMETERS for piece in query.split(b"&")
    )


def read(operation: bytes) -> Operation:
    """
    :param operation: the query as sent, without what signs it.
    :raise MalformedQuery: it is none of those above, or more than one.
    """
    match = _OPERATION.fullmatch(operation)
    if match is None:
        raise MalformedQuery("The query names an operation that is not served here.")
    kind = (match[1] or match[2]).decode()
    return Operation(cast(Kind, kind), (match[3] or b"").decode())


def check_method(operation: Operation, method: bytes) -> None:
    """
    :raise MethodNotAllowed: *operation* is asked for by another one.
    """
    methods = METHODS[operation.kind]
    if method not in methods:
        raise MethodNotAllowed(
            "This method does not go with the operation in the query.",
            [(b"Allow", b", ".join(methods))],
        )


def ambiguous(name: StoredName) -> bool:
    """
    Whether *name* ends like an operation: ``a?versions``.
    """
    # No operation holds a question mark, so only the last one can begin it.
    _, mark, end = name.path.rpartition(b"?")
    return mark != b"" and _OPERATION.fullmatch(end) is not None
