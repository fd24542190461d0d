"""
What the settings say about who may do what, and whether a signature says so.

Pure, and below every verdict: :mod:`hmacfs.verdict` judges uploads,
:mod:`hmacfs.permission` all that is asked of a file which is there.

A refused signature carries a hint for the operator's log: the very message it
was checked against.  Most who ask why a signature does not match find there
that a proxy changed the path, or a client the type.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from hmacfs import operations
from hmacfs.errors import BadSignature, Expired, MalformedName, MalformedQuery
from hmacfs.http1 import Head
from hmacfs.names import StoredName, parse, split_prefix
from hmacfs.settings import Settings
from hmacfs.signing import DIALECTS, EXPIRING, MESSAGES, Claim, Credential, verify


@attrs.frozen
class Rules:
    """
    What the settings say about who may do what.

    :ivar prefix: the segments of the URL before every name.
    :ivar keys: every secret in force, the newest first.
    :ivar most: bytes of a file at most, or ``None``.
    :ivar overwriting: the dialects that may replace a file by another.
    :ivar signed_downloads: whether GET and HEAD want a ``v3`` signature.
    :ivar delete_secret: what Metronome signs a deletion with besides the key;
        ``b""`` where it deletes nothing.
    :ivar owner_by_path: whether the first segment of a name owns the file,
        whoever the token says.
    """

    prefix: tuple[bytes, ...]
    keys: tuple[bytes, ...] = attrs.field(repr=False)
    most: int | None = None
    overwriting: frozenset[str] = frozenset()
    signed_downloads: bool = False
    delete_secret: bytes = attrs.field(default=b"", repr=False)
    owner_by_path: bool = False

    def name(self, head: Head) -> StoredName:
        """
        :return: the name that *head* is about.
        :raise Refusal: as :func:`hmacfs.names.parse`.
        """
        return parse(head.path, self.prefix)

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """Read them out of *settings*, once for all requests."""
        overwriting = EXPIRING if settings.overwrite_needs == "expiring" else EXPIRING | {*DIALECTS}
        return cls(
            prefix=split_prefix(settings.upload_sub_dir),
            keys=settings.keys,
            most=settings.max_upload_size,
            overwriting=overwriting if settings.enable_versioning else frozenset(),
            signed_downloads=settings.download_auth == "signed",
            delete_secret=settings.delete_secret,
            owner_by_path=settings.owner_from == "path",
        )


def check_timed(
    credential: Credential,
    methods: Sequence[bytes],
    name: StoredName,
    now: float | None,
    rules: Rules,
) -> None:
    """
    ``v3``: the method, the end and the whole path are signed, and what else
    stands in the query.

    :param methods: those of which one must have been signed.
    :param now: unix seconds; ``None`` where the end does not count any more.
    :raise MalformedName: *name* ends like an operation, and so the same
        message would sign that; see :mod:`hmacfs.operations`.
    :raise BadSignature: something else was signed.
    :raise Expired: it was right, and is past its end.
    """
    check_name(name)
    url_path = b"/" + b"/".join((*rules.prefix, *name.segments))
    claims = [
        Claim(
            method=method,
            expires=credential.expires,
            url_path=url_path,
            operation=credential.operation,
        )
        for method in dict.fromkeys(methods)
    ]
    check(credential, claims, rules)
    if now is not None and now >= credential.expires:
        raise Expired(
            "The signature has expired.", hint=f"v3 ended {now - credential.expires:.0f} s ago"
        )


def check_file(
    credential: Credential,
    methods: Sequence[bytes],
    name: StoredName,
    now: float | None,
    rules: Rules,
) -> None:
    """
    As :func:`check_timed`, where the request is about the file itself.

    :raise MalformedQuery: an operation is signed.  ``/a?b`` as a name and as
        an operation are one message, and so a signature for the file ``a?b``
        would else open the file ``a``.
    """
    check_timed(credential, methods, name, now, rules)
    if credential.operation:
        raise MalformedQuery("The query names an operation that is not served here.")


def check_name(name: StoredName) -> None:
    """
    :raise MalformedName: *name* ends like an operation.
    """
    if operations.ambiguous(name):
        raise MalformedName("The name ends like an operation on another file.")


def check(credential: Credential, claims: Sequence[Claim], rules: Rules) -> Claim:
    """
    :return: the one of *claims* that *credential* signs.
    :raise BadSignature: with the messages that were tried as its hint.
    """
    try:
        return verify(credential.dialect, credential.proof, claims, rules.keys)
    except BadSignature as refusal:
        tried = " or ".join(ascii(MESSAGES[credential.dialect](claim)) for claim in claims)
        raise BadSignature(
            refusal.text, hint=f"{credential.dialect} was checked over {tried}{below(rules)}"
        ) from None


def below(rules: Rules) -> str:
    """
    Where names begin, for a hint: the base path is what is mostly wrong.
    """
    return f", names beginning below {'/' + b'/'.join(rules.prefix).decode()!a}"
