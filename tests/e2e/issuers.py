"""
The ways in which XMPP servers sign slots, each to be mixed into a test case.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.servers import Ejabberd, Prosody


class IssuedByV:
    """Prosody's mod_http_upload_external as it is unless told otherwise: ``?v=``."""

    def start_server(self, folder: Path) -> Prosody:
        return Prosody(folder, self.snippet("prosody"))


class IssuedByV2:
    """The same module with its protocol ``v2``, which signs the type: ``?v2=``."""

    def start_server(self, folder: Path) -> Prosody:
        return Prosody(folder, self.snippet("prosody", "--protocol", "v2"))


class IssuedByFileShare:
    """Prosody's own mod_http_file_share: a JWT in a header."""

    WRONG_SIZE = 413
    FORGED = 401

    def start_server(self, folder: Path) -> Prosody:
        return Prosody(folder, self.snippet("prosody", "--protocol", "jwt"))


class IssuedByEjabberd:
    """ejabberd's ``external_secret``: as ``?v=``, over three segments and a plainer name."""

    EMPTY = False

    def start_server(self, folder: Path) -> Ejabberd:
        return Ejabberd(folder, self.snippet("ejabberd"))

    def signed_name(self, name: str) -> str:
        return re.sub(r"[^\w.-]", "_", name)
