"""
What never stands in a log.

:class:`Redaction` goes over every text that is on its way to the log, our own
lines, tracebacks and Twisted's messages alike: the secrets of this daemon, the
signatures of URLs, bearer tokens and whatever an ``Authorization`` holds give
way to a mark.  It errs on the side of silence: 64 hexadecimal digits that are
no segment of a path are taken for a signature, whatever they are.

Nobody logs such things on purpose.  This is the second wall, for the exception
whose message quotes a URL.

It also makes control characters visible, so that what a client sent can
neither start a line of its own nor drive the terminal of who reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

MARK = "<redacted>"

#: A shorter secret is a word that honest lines hold too; the daemon warns of it at its start.
SHORTEST = 6

#: Fields whose values are secrets, whatever they look like.
FIELDS = frozenset(
    {"authorization", "cookie", "mac", "password", "secret", "signature", "token", "v", "v2", "v3"}
)

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # v=, v2=, v3= and token= of a query; a client may have encoded the sign.
        r"(?<!\w)((?:v[23]?|token)(?:=|%3d))[^&\s\"'<>]+",
        # Authorization in a head, in a repr of one, or as a key of a mapping.
        r"(authorization(?:\s*[:=]|['\"]\s*[:=,])\s*[\[(]*(?:b?['\"])?)[^\r\n'\"]+",
        r"(\bbearer(?:\s|%20|\+)+)[^\s\"'<>,;]+",
        # A JSON Web Token: its first part is the base64 of '{"...'.
        r"()\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?",
        # HMAC-SHA-256 in hexadecimal.
        r"()(?<![0-9a-z/])[0-9a-f]{64}(?![0-9a-z])",
    )
)

#: Of each pattern a word that all it matches has, in lower case, behind the
#: rarest letter of it; the last pattern has :data:`_DIGITS`.  Nearly every text has
#: none of them.  A search for a word costs a hundredth of a search for a
#: pattern, and a search for a letter a third of that.
_SIGNS = (
    ("v", ("v=", "v2=", "v3=")),
    ("k", ("token",)),
    ("%", ("%3d",)),
    ("z", ("authorization",)),
    ("b", ("bearer",)),
    ("j", ("eyj",)),
)
_DIGITS = re.compile("[0-9a-f]{64}")
#: Wherever 64 digits are, every eighth character is one, eight times in turn:
#: to look for these first takes a fifth of the time.
_EIGHTHS = re.compile("[0-9a-f]{8}")

# Besides the control characters, what breaks lines, what turns the direction
# of writing, and halves of surrogate pairs, which no output can encode.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str) -> str:
    """
    :return: *text* on one line, every control character as its escape.
    """
    if text.isprintable():
        return text
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


class Redaction:
    """
    What one daemon keeps out of its log.
    """

    def __init__(self, secrets: Iterable[bytes]) -> None:
        """
        :param secrets: what may stand in no text in any form.
        """
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        # The longest first: one secret may be the beginning of another.
        self._words = sorted(forms, key=len, reverse=True)
        words = map(re.escape, self._words)
        own = re.compile("()(?:" + "|".join(words) + ")") if forms else None
        self._patterns = _PATTERNS if own is None else (own, *_PATTERNS)

    def clean(self, text: str) -> str:
        """
        :return: *text* without anything secret.
        """
        if not self.suspects(text):
            return text
        for pattern in self._patterns:
            text = pattern.sub(rf"\1{MARK}", text)
        return text

    def suspects(self, text: str) -> bool:
        """
        :return: whether *text* may hold anything secret.  Where it does not, no
            part of it does.
        """
        if self.tells(text):
            return True
        lower = text.lower()
        for letter, signs in _SIGNS:
            if letter in lower:
                for sign in signs:
                    if sign in lower:
                        return True
        # Whatever shorter text there is has no 64 digits.
        if len(text) < 64 or _EIGHTHS.search(lower[7::8]) is None:
            return False
        return _DIGITS.search(lower) is not None

    def tells(self, text: str) -> bool:
        """
        :return: whether *text* holds one of the secrets of this daemon.
        """
        return any(map(text.__contains__, self._words))

    def field(self, name: str, value: object) -> object:
        """
        :param name: what a line of the log calls *value*.
        :return: *value* as it may be logged: numbers, ``None`` and what is no
            text as they are, text clean and on one line.
        """
        if name.lower() in FIELDS:
            return MARK
        return visible(self.clean(value)) if isinstance(value, str) else value


def _forms(secret: bytes) -> Iterable[str]:
    """
    How *secret* would look in a text: as itself, in a ``repr``, in a URL.
    """
    text = secret.decode("utf-8", "backslashreplace")
    return text, repr(text)[1:-1], repr(secret)[2:-1], quote(secret), quote(secret, safe="")
