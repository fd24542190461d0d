"""
What OPTIONS says of the protocols of resumable uploads.
"""

from __future__ import annotations

import attrs

from hmacfs.errors import Headers
from hmacfs.resumable.fronts import announce
from hmacfs.resumable.steps import Standing
from hmacfs.web.request import UploadRequest


@attrs.frozen
class Announcing:
    """
    :ivar resumable: whether there are any.
    :ivar most: ``MaxUploadSize``, or ``None``.
    :ivar expiry: ``UploadExpiry``, seconds.
    """

    resumable: bool
    most: int | None
    expiry: int

    def fields(self, request: UploadRequest) -> Headers:
        """
        :return: what the answer to an OPTIONS has beside ``Allow``.
        """
        if not self.resumable:
            return ()
        now = int(request.started)
        return announce(Standing(now=now, most=self.most, until=now + self.expiry))
