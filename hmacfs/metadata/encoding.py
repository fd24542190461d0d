"""
How a record is written down in SQLite and in Redis: the same JSON text.

So a field that comes with a later version changes no table.
"""

from __future__ import annotations

import json

from hmacfs import uploads
from hmacfs.uploads import UploadRecord


def write(record: UploadRecord) -> str:
    """
    :return: ASCII, some hundred bytes without the client's metadata.
    """
    return json.dumps(uploads.encode(record), separators=(",", ":"))


def read(text: str) -> UploadRecord | None:
    """
    :return: the record that *text* is; ``None`` where it is none: in Redis
        anybody may have written it.
    """
    try:
        return uploads.decode(json.loads(text))
    except (ValueError, RecursionError):
        return None
