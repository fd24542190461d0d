"""
Bearer tokens: the JWT with which Prosody's mod_http_file_share grants a slot.

The client puts the token into ``Authorization``; it names the slot and the
file, promises the size and the type, and ends by itself, within minutes.
PyJWT checks the signature; what the claims mean stands here, since PyJWT
reads a clock and we are told the time.

Only HS256 counts, whatever the token says of itself.  A token may be anything
at all: it becomes :class:`Grant` or a refusal, and never another exception.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NoReturn

import attrs
from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import InvalidSignatureError, PyJWTError

from hmacfs.errors import Expired, Unauthorized

LONGEST = 8192
"""Bytes of a token.  Prosody's have 300, and 1,500 with the longest name in Cyrillic."""

LONGEST_OWNER = 512
"""Bytes of a ``sub``, as JSON writes it, that is kept as it is; of a longer one the digest is."""

_LATEST = 10**12
"""Unix seconds that no claim reaches: in the year 33658."""

# credentials = "Bearer" 1*SP b64token, of which a JWS uses the letters, the
# digits and "-._" only: no padding (RFC 6750 section 2.1, RFC 7515 section 2)
_BEARER = re.compile(rb"bearer +([\w.-]+)", re.IGNORECASE)

_CHALLENGE = b'Bearer realm="hmacfs"'
_INVALID = _CHALLENGE + b', error="invalid_token"'


class _HS256(HMACAlgorithm):
    """
    HMAC-SHA-256 with the key as it stands.

    PyJWT would warn of a key under 32 bytes at every request, and refuse one
    that looks like a certificate to it.  A short key was warned of at start,
    and a secret is the same bytes for every dialect.
    """

    def prepare_key(self, key: str | bytes) -> bytes:
        return key.encode() if isinstance(key, str) else key

    def check_key_length(self, key: bytes) -> None:
        return None


_JWS = PyJWS(algorithms=[])
_JWS.register_algorithm("HS256", _HS256(HMACAlgorithm.SHA256))


@attrs.frozen
class Grant:
    """
    What a token allows.

    :ivar slot: the first segment of the file's name.
    :ivar filename: the second, and the last.
    :ivar size: bytes, exactly.
    :ivar content_type: the type to serve, ``""`` where the client named none.
    :ivar expires: unix seconds from which on the file is not served (not to be
        taken for the token's own end), or ``None``.
    :ivar owner: who uploads, or ``sha256:`` and the digest of who has a name
        that is too long; ``None`` where nobody is named.
    """

    slot: str
    filename: str
    size: int
    content_type: str
    expires: int | None
    owner: str | None


def read(authorization: bytes, now: float | None, keys: Iterable[bytes]) -> Grant:
    """
    Check the token of an ``Authorization`` header.

    :param authorization: the header's value as sent.
    :param now: unix seconds; ``None`` for a later request of an upload that it
        began in time.
    :param keys: every secret now in force, the newest first.
    :raise Unauthorized: it holds no token, no key signs it, or its claims are
        not those of a slot; the answer says how to ask (RFC 6750).
    :raise Expired: it was right and is past its time, or the file would be.
    """
    found = _BEARER.fullmatch(authorization)
    if found is None:
        raise Unauthorized(
            "A bearer token is wanted here.", [(b"WWW-Authenticate", _CHALLENGE)], "no JWT"
        )
    if len(found[1]) > LONGEST:
        _refuse("it is too long")
    claims = _claims(_payload(found[1], keys))
    expires = _number(claims, "exp")
    if now is not None and now >= expires:
        raise Expired("The token has expired.", hint=f"jwt ended {now - expires:.0f} s ago")
    grant = Grant(
        slot=_text(claims, "slot"),
        filename=_text(claims, "filename"),
        size=_size(claims),
        content_type=_text(claims, "filetype", ""),
        expires=math.ceil(_number(claims, "expires")) if "expires" in claims else None,
        owner=_owner(_text(claims, "sub", "")),
    )
    if now is not None and grant.expires is not None and now >= grant.expires:
        raise Expired("The time to keep this file is already over.")
    return grant


def _refuse(hint: str) -> NoReturn:
    """
    :param hint: for the operator's log: "the jwt is refused: " and this.
    """
    raise Unauthorized(
        "The bearer token is not valid here.",
        [(b"WWW-Authenticate", _INVALID)],
        f"the jwt is refused: {hint}",
    )


def _payload(token: bytes, keys: Iterable[bytes]) -> bytes:
    """
    The payload of *token*, once some key signs it.  Every key is tried, also
    behind the one that fits.
    """
    payload = None
    for key in keys:
        try:
            payload = _JWS.decode(token, key, algorithms=["HS256"])
        except InvalidSignatureError:
            continue
        # Older PyJWTs let a header nested too deep, or with a number of too
        # many digits, through as what the json module raises.
        except (PyJWTError, RecursionError, ValueError):
            _refuse("it is no JWS in HS256")
    if payload is None:
        _refuse("no secret in force signs it")
    assert isinstance(payload, bytes)
    return payload


def _claims(payload: bytes) -> Mapping[str, Any]:
    try:
        claims = json.loads(payload)
    except (RecursionError, ValueError):
        claims = None
    if not isinstance(claims, dict):
        _refuse("its payload is no JSON object")
    return claims


def _number(claims: Mapping[str, Any], name: str) -> float:
    """
    A time among *claims*, in unix seconds.  Neither a boolean nor NaN is one.
    """
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        _refuse(f"its {name!r} is no time")
    return value


def _size(claims: Mapping[str, Any]) -> int:
    """
    Lua knows one kind of number: a whole float is a size as well.
    """
    value = claims.get("filesize")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        _refuse("its 'filesize' is no size")
    return value


def _text(claims: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """
    A text among *claims*.  JSON can spell half a surrogate pair, which is none.
    """
    value = claims.get(name, default)
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        _refuse(f"its {name!r} is no text")
    return value


def _owner(subject: str) -> str | None:
    """
    An owner is written into the record of each file, which is JSON and must
    stay small.
    """
    if len(json.dumps(subject)) - len('""') > LONGEST_OWNER:
        return f"sha256:{sha256(subject.encode()).hexdigest()}"
    return subject or None
