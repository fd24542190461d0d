"""
The upload: what was promised, and what stands of it.

Pure: the part on the disk is the store's affair, and its size is the offset.
"""

from __future__ import annotations

import attrs

from hmacfs.names import StoredName


@attrs.frozen
class Slot:
    """
    What a verified signature allows: one upload to one name.

    :ivar name: where the file will stand.
    :ivar size: bytes, exactly; ``None`` where the body tells it by its end
        (``v3`` and JWT with a chunked body).
    :ivar most: bytes that may be taken at most: ``MaxUploadSize``, or *size*;
        ``None`` without a bound.
    :ivar content_type: the type to store, at most 255 bytes.
    :ivar overwrite: whether a file that holds the name becomes a version and
        gives way.
    :ivar expires: unix seconds from which on the file is not served, or ``None``.
    :ivar owner: who uploads (the ``sub`` of a JWT), or ``None``.
    """

    name: StoredName
    size: int | None
    content_type: str
    most: int | None = None
    overwrite: bool = False
    expires: int | None = None
    owner: str | None = None
