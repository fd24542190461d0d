"""
Whether a request may go on: decided from its head alone, before its body.

Pure: the head, the time and the rules come in, a :class:`Verdict` or a
Refusal comes out.  Dialects differ here and nowhere else; behind the verdict
all uploads are one :class:`~hmacfs.uploads.Slot`.

What is wrong is told in one order, whatever else is wrong as well:

1. the syntax of the name, the query and the fields, and a length that the
   dialect needs (400, 403 and 404 for what is no file, 411, 415);
2. the size, against ``MaxUploadSize`` (413);
3. the signature (403, 401), then its time (410), then what a token says of
   the name and the size (400, 413).

A refused signature carries a hint for the operator's log: the very message it
was checked against.  Most who ask why a signature does not match find there
that a proxy changed the path, or a client the type.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from hmacfs import tokens
from hmacfs.errors import (
    BadSignature,
    Expired,
    LengthRequired,
    MalformedHeader,
    MalformedQuery,
    MissingSignature,
    PartialPut,
    TooLarge,
    UnsupportedCoding,
    WrongSlot,
)
from hmacfs.http1 import Head
from hmacfs.media import OCTET_STREAM, guess
from hmacfs.names import StoredName, parse, split_prefix
from hmacfs.settings import Settings
from hmacfs.signing import DIALECTS, EXPIRING, MESSAGES, Claim, Credential, choose, verify
from hmacfs.uploads import Slot

LONGEST_TYPE = 255
"""Bytes of a media type (Metronome's bound, and what a record has room for)."""


@attrs.frozen
class Rules:
    """
    What the settings say about who may do what.

    :ivar prefix: the segments of the URL before every name.
    :ivar keys: every secret in force, the newest first.
    :ivar most: bytes of a file at most, or ``None``.
    :ivar overwriting: the dialects that may replace a file by another.
    :ivar signed_downloads: whether GET and HEAD want a ``v3`` signature.
    """

    prefix: tuple[bytes, ...]
    keys: tuple[bytes, ...] = attrs.field(repr=False)
    most: int | None = None
    overwriting: frozenset[str] = frozenset()
    signed_downloads: bool = False

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
        )


@attrs.frozen
class Verdict:
    """
    An upload that may go on to be admitted.

    :ivar slot: what it may store.
    :ivar dialect: whose signature says so: ``v``, ``v2``, ``token``, ``v3``
        or ``jwt``.
    """

    slot: Slot
    dialect: str


def verdict(head: Head, now: float, rules: Rules) -> Verdict:
    """
    Judge an upload, a PUT of a whole file.

    :param now: unix seconds.
    :raise Refusal: it may not go on; see the order above.
    """
    name = parse(head.path, rules.prefix)
    credential = choose(head.query, head.get(b"authorization"))
    declared = _check_fields(head, credential)
    if rules.most is not None and head.length is not None and head.length > rules.most:
        raise _too_large(rules.most)
    if credential is None:
        raise MissingSignature("An upload wants a signed URL or a bearer token.")
    if credential.dialect == "jwt":
        slot = _by_token(head, credential, name, now, rules)
    elif credential.dialect == "v3":
        _check_timed(credential, [b"PUT"], name, now, rules)
        slot = Slot(name, head.length, _storable(declared, name))
    else:
        slot = _by_size(head, credential, name, declared, rules)
    slot = attrs.evolve(
        slot,
        most=rules.most if slot.size is None else slot.size,
        overwrite=credential.dialect in rules.overwriting,
    )
    return Verdict(slot, credential.dialect)


def download_verdict(head: Head, now: float, rules: Rules) -> StoredName:
    """
    Judge a GET or a HEAD.

    Where downloads are signed, a ``v3`` for GET opens HEAD as well: it gives
    away less.

    :param now: unix seconds.
    :return: the name that may be served, if it is there.
    :raise Refusal: it may not; the same for a file that is there and one that
        is not.
    """
    name = parse(head.path, rules.prefix)
    if rules.signed_downloads:
        credential = choose(head.query, None)
        if credential is None or credential.dialect != "v3":
            raise MissingSignature("Downloads want a URL with a 'v3' signature here.")
        _check_timed(credential, [head.method, b"GET"], name, now, rules)
    return name


def _check_fields(head: Head, credential: Credential | None) -> bytes | None:
    """
    Refuse fields that contradict each other or a PUT of a whole file.

    :return: the declared type as sent, ``None`` where there is none.
    """
    if head.get(b"content-range") is not None:
        raise PartialPut("A PUT holds a whole file here, so Content-Range has no place in it.")
    coding = head.get(b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        # The bytes would be served without it, as something they are not.
        raise UnsupportedCoding(
            "A file is stored as it is sent, so it may have no Content-Encoding.",
            [(b"Accept-Encoding", b"identity")],
        )
    types = head.all(b"content-type")
    if len(types) > 1:
        raise MalformedHeader("There is more than one Content-Type.")
    if types and len(types[0]) > LONGEST_TYPE:
        raise MalformedHeader(f"The Content-Type is over {LONGEST_TYPE} bytes long.")
    if head.chunked:
        if credential is not None and credential.dialect in ("v", "v2", "token"):
            raise LengthRequired("The signature binds a size, so Content-Length is needed.")
    elif not head.sized:
        raise LengthRequired("An upload needs a Content-Length.")
    return types[0] if types else None


def _by_size(
    head: Head, credential: Credential, name: StoredName, declared: bytes | None, rules: Rules
) -> Slot:
    """
    ``v``, ``v2`` and ``token``: the size is signed, and by the last two the type.
    """
    assert head.length is not None
    untyped = Claim(path=name.path, size=head.length)
    if credential.dialect == "v":
        claims = [untyped]
    else:
        claims = [attrs.evolve(untyped, content_type=each) for each in _types(declared, name)]
    signed = _verify(credential, claims, rules)
    said = declared if credential.dialect == "v" else signed.content_type
    return Slot(name, head.length, _storable(said, name))


def _types(declared: bytes | None, name: StoredName) -> Sequence[bytes]:
    """
    The types that a slot may have been signed for.

    The one that was declared, as it was sent, and no other.  Only who says
    nothing, or nothing in particular, may mean the type that the issuer (or
    the client, when it asked for the slot) read out of the extension.
    """
    plain = OCTET_STREAM.encode()
    if declared and declared.lower() != plain:
        return [declared]
    guessed = guess(name.text).encode()
    sent = plain if declared is None else declared
    return list(dict.fromkeys([sent, guessed, guessed + b"; charset=utf-8", plain]))


def _check_timed(
    credential: Credential, methods: Sequence[bytes], name: StoredName, now: float, rules: Rules
) -> None:
    """
    ``v3``: the method, the end and the whole path are signed, and what else
    stands in the query.

    An operation is refused even when it is signed, as long as none is served:
    ``/a?b`` as a name and as an operation are one message, and so a signature
    for the file ``a?b`` would else open the file ``a``.
    """
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
    _verify(credential, claims, rules)
    if now >= credential.expires:
        raise Expired(
            "The signature has expired.", hint=f"v3 ended {now - credential.expires:.0f} s ago"
        )
    if credential.operation:
        raise MalformedQuery("The query names an operation that is not served here.")


def _by_token(
    head: Head, credential: Credential, name: StoredName, now: float, rules: Rules
) -> Slot:
    """
    A bearer token: its claims count, and no ``Content-Type``.
    """
    grant = tokens.read(credential.proof, now, rules.keys)
    if name.segments != (grant.slot.encode(), grant.filename.encode()):
        raise WrongSlot(
            "The token was issued for another file.",
            hint=f"the jwt is for {grant.slot!a}/{grant.filename!a}{_below(rules)}",
        )
    if head.length not in (None, grant.size):
        raise TooLarge(
            "The body has another size than the token grants.",
            hint=f"the jwt is for {grant.size} bytes, Content-Length says {head.length}",
        )
    if rules.most is not None and grant.size > rules.most:
        raise _too_large(rules.most)
    said = (grant.content_type or OCTET_STREAM).encode()
    if len(said) > LONGEST_TYPE:
        raise MalformedHeader(f"The type in the token is over {LONGEST_TYPE} bytes long.")
    return Slot(
        name,
        grant.size,
        _storable(said, name),
        expires=grant.expires,
        owner=grant.owner,
    )


def _verify(credential: Credential, claims: Sequence[Claim], rules: Rules) -> Claim:
    """
    :raise BadSignature: with the messages that were tried as its hint.
    """
    try:
        return verify(credential.dialect, credential.proof, claims, rules.keys)
    except BadSignature as refusal:
        tried = " or ".join(ascii(MESSAGES[credential.dialect](claim)) for claim in claims)
        raise BadSignature(
            refusal.text, hint=f"{credential.dialect} was checked over {tried}{_below(rules)}"
        ) from None


def _below(rules: Rules) -> str:
    """
    Where names begin, for a hint: the base path is what is mostly wrong.
    """
    return f", names beginning below {'/' + b'/'.join(rules.prefix).decode()!a}"


def _storable(declared: bytes | None, name: StoredName) -> str:
    """
    The type to keep: what was said, or where nothing was, what the extension
    says.  What is no ASCII could never be sent again and says nothing.
    """
    if not declared:
        return guess(name.text)
    return declared.decode() if declared.isascii() else OCTET_STREAM


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"A file may have at most {most} bytes here.")
