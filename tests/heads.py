"""
Heads of requests as they stand on the wire, for the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from hmacfs.errors import MalformedRequest, Refusal
from hmacfs.http1 import Head, head_end, parse_head

HOST = b"Host: a.example"


def write(*fields: bytes, line: bytes = b"PUT /a HTTP/1.1") -> bytes:
    """
    A head as it stands on the wire.
    """
    return b"".join(part + b"\r\n" for part in (line, *fields, b""))


def read(data: bytes) -> Head | type[Refusal] | None:
    """
    The head that *data* begins with, the kind of refusal, or ``None`` where
    more must come.
    """
    try:
        end = head_end(data)
        return parse_head(data[:end]) if end >= 0 else None
    except Refusal as refusal:
        return type(refusal)


def not_malformed(
    samples: Mapping[str, Iterable[bytes]], write_sample: Callable[[bytes], bytes]
) -> list[tuple[str, bytes]]:
    """
    Those of *samples*, each below the reason why it is wrong, that are not
    refused as malformed.
    """
    return [
        (why, sample)
        for why, group in samples.items()
        for sample in group
        if read(write_sample(sample)) is not MalformedRequest
    ]
