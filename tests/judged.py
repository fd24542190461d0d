"""
Uploads for the tests of verdicts, and what becomes of them.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
import jwt

from hmacfs.errors import Refusal
from hmacfs.http1 import Head, parse_head
from hmacfs.names import recall
from hmacfs.rules import Rules
from hmacfs.signing import Claim, sign
from hmacfs.verdict import Verdict, verdict

KEY = b"a key of the tests, long enough for all"
RULES = Rules((b"up",), (KEY,), most=1000)
NOW = 1_700_000_000.0
LATER = int(NOW) + 300
NAME = recall(b"a/b.txt")
EVERY_DIALECT = frozenset({"v", "v2", "token", "v3", "jwt"})
CHUNKED = "Transfer-Encoding: chunked"


def request(target: str, *fields: str, method: str = "PUT") -> Head:
    """
    A head with these fields, read as it would be from the wire.
    """
    return parse_head(
        "\r\n".join([f"{method} {target} HTTP/1.1", "Host: h", *fields, "", ""]).encode("utf-8")
    )


def mac(dialect: str, **claim: Any) -> str:
    """
    What the issuer would sign for ``a/b.txt``, but for *claim*.
    """
    usual = Claim(path=NAME.path, size=12, expires=LATER, url_path=b"/up/a/b.txt")
    return sign(dialect, attrs.evolve(usual, **claim), KEY)


def query(dialect: str, **claim: Any) -> str:
    """
    The same as it stands in a URL.
    """
    expires = f"&expires={claim.get('expires', LATER)}" if dialect == "v3" else ""
    return f"?{dialect}={mac(dialect, **claim)}{expires}"


def bearer(**changes: Any) -> str:
    """
    An ``Authorization`` field with the token of ``a/b.txt``, but for *changes*.
    """
    claims = {"slot": "a", "filename": "b.txt", "filesize": 12, "filetype": "x/y", "exp": LATER}
    token = jwt.PyJWS().encode(json.dumps({**claims, **changes}).encode(), KEY, "HS256")
    return f"Authorization: Bearer {token}"


def judge(head: Head, rules: Rules = RULES, now: float = NOW) -> Verdict | type[Refusal]:
    """
    What becomes of an upload.
    """
    try:
        return verdict(head, now, rules)
    except Refusal as refusal:
        return type(refusal)


def put(target: str, *fields: str, length: int = 12, **more: Any) -> Verdict | type[Refusal]:
    """
    What becomes of a PUT of *length* bytes.
    """
    return judge(request(target, f"Content-Length: {length}", *fields), **more)
