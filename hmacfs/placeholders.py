"""
Secrets that are none: what examples write where a secret belongs.

They come from the documentation of the servers that hmacfs stands beside and
from the ways in which people write "put yours here".  Anybody can guess them,
so nothing starts with one.  A weak secret of one's own is another matter: that
is a warning.
"""

from __future__ import annotations

import re

#: Whole secrets, in lower case and without what stands between the words.
_WORDS = frozenset(
    {
        "default",
        "dummy",
        "example",
        "examplesecret",
        "hmacsecret",
        "mysecret",
        "mysecretkey",
        "passphrase",
        "passwd",
        "password",
        "placeholder",
        "secret",
        "secretkey",
        "secretpassword",
        "sharedsecret",
        "supersecret",
        "supersecretkey",
        "todo",
        "topsecret",
        "verysecret",
        "xxx",
    }
)

#: Beginnings that no generated secret has.
_PHRASES = (
    "changeit",
    "changeme",
    "changethis",
    "enteryour",
    "insertsecret",
    "insertyour",
    "pleasechange",
    "putyour",
    "replaceme",
    "replacethis",
    "replacewith",
    "thisisasecret",
    "thisisyoursecret",
    "yourhmac",
    "yoursecret",
    "yourshared",
)


def is_placeholder(secret: str) -> bool:
    """
    :param secret: as configured.
    :return: whether it stands in for a secret: case, blanks, punctuation and
        digits at the end make no difference.
    """
    letters = re.sub(r"[\W_]", "", secret.lower())
    return letters.rstrip("0123456789") in _WORDS or letters.startswith(_PHRASES)
