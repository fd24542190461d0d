"""
Whether an upload may go on: decided from its head alone, before its body.

Pure: the head, the time and the rules come in, a :class:`Verdict` or a
Refusal comes out.  Dialects differ here and nowhere else; behind the verdict
all uploads are one :class:`~hmacfs.uploads.Slot`.

What is wrong is told in one order, whatever else is wrong as well:

1. the syntax of the name, the query and the fields, and a length that the
   dialect needs (400, 403 and 404 for what is no file, 411, 415);
2. the size, against ``MaxUploadSize`` (413);
3. the signature (403, 401), then its time (410), then what a token says of
   the name and the size (400, 413).

A name that ends like an operation (``a?versions``) is of wrong syntax for an
upload; :mod:`hmacfs.operations` says why.  What is asked of a file that is
there is judged in :mod:`hmacfs.permission`.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from hmacfs import tokens
from hmacfs.errors import (
    BadSignature,
    LengthRequired,
    MalformedHeader,
    MissingSignature,
    PartialPut,
    TooLarge,
    UnsupportedCoding,
    WrongSlot,
)
from hmacfs.http1 import Head
from hmacfs.media import OCTET_STREAM, guess
from hmacfs.names import StoredName, recall
from hmacfs.rules import Rules, below, check, check_file, check_name
from hmacfs.signing import Claim, Credential, choose
from hmacfs.uploads import LONGEST_TYPE, Slot, UploadRecord
from hmacfs.values import frozen

__all__ = ["Rules", "Verdict", "creation_verdict", "verdict", "verify_again"]


@frozen
class Verdict:
    """
    An upload that may go on to be admitted.

    :ivar slot: what it may store.
    :ivar dialect: whose signature says so: ``v``, ``v2``, ``token``, ``v3``
        or ``jwt``.
    :ivar signed_type: as of :attr:`hmacfs.uploads.UploadRecord.signed_type`.
    """

    slot: Slot
    dialect: str
    signed_type: str = ""


def verdict(head: Head, now: float, rules: Rules) -> Verdict:
    """
    Judge an upload, a PUT of a whole file.

    :param now: unix seconds.
    :raise Refusal: it may not go on; see the order above.
    """
    name = rules.name(head)
    check_name(name)
    credential = choose(head.query, head.get(b"authorization"))
    if head.get(b"content-range") is not None:
        raise PartialPut("A PUT holds a whole file here, so Content-Range has no place in it.")
    declared = _check_fields(head)
    if head.chunked:
        if credential is not None and credential.dialect in ("v", "v2", "token"):
            raise LengthRequired("The signature binds a size, so Content-Length is needed.")
    elif not head.sized:
        raise LengthRequired("An upload needs a Content-Length.")
    return _judge(credential, name, _Said(head.length, declared), now, rules)


def creation_verdict(
    head: Head, length: int, declared: bytes | None, now: float | None, rules: Rules
) -> Verdict:
    """
    Judge the first request of an upload that may take several, at the URL that
    was signed.  The signature binds the whole file, and so neither this
    request's ``Content-Length`` nor, always, its ``Content-Type``.

    :param length: bytes of the whole file, as the request says them: by
        ``Upload-Length``, or the total of its ``Content-Range``.
    :param declared: the file's type, as :mod:`hmacfs.resumable` reads it;
        ``None`` where nobody says one.
    :param now: unix seconds; ``None`` where the time of the signature does not
        count any more, since its upload is here.
    :raise Refusal: it may not go on; see the order above.
    """
    name = rules.name(head)
    check_name(name)
    credential = choose(head.query, head.get(b"authorization"))
    _check_fields(head)
    _check_type(declared or b"")
    return _judge(credential, name, _Said(length, declared), now, rules)


def verify_again(head: Head, record: UploadRecord, rules: Rules) -> None:
    """
    Check a later request of an upload: what signed its beginning must come
    with it, and still sign the path, the length and the type that were
    recorded then.  The time that it was given is over by now, maybe, and is
    not looked at: an upload has its own, ``UploadExpiry``.

    :param head: of a request to the URL that was signed or to the upload's
        own, which has the same query.
    :raise UnsupportedCoding: its content is coded.
    :raise MissingSignature: it has none.
    :raise BadSignature: it signs something else, or is of another dialect.
    :raise Unauthorized: it was a token, and this one is not valid.
    """
    credential = choose(head.query, head.get(b"authorization"))
    _check_coding(head)
    if credential is None:
        raise MissingSignature("Every request of an upload wants what signed its beginning.")
    if credential.dialect != record.dialect:
        raise BadSignature(
            "The upload was begun with another signature.",
            hint=f"begun with {record.dialect}, gone on with by {credential.dialect}",
        )
    name = recall(record.name.encode())
    if credential.dialect == "jwt":
        _check_token_again(credential, name, record, rules)
    elif credential.dialect == "v3":
        check_file(credential, [b"PUT"], name, None, rules)
    else:
        recorded = record.signed_type.encode("latin-1") or record.content_type.encode()
        # What was declared empty was recorded as what the extension says.
        types = [recorded, b""] if record.content_type == guess(name.text) else [recorded]
        claim = Claim(path=name.path, size=record.length)
        check(credential, [attrs.evolve(claim, content_type=each) for each in types], rules)


@frozen
class _Said:
    """
    What a request says of the whole file.

    :ivar length: bytes, ``None`` where the end of the body will tell.
    :ivar content_type: as sent, ``None`` where there is none.
    """

    length: int | None
    content_type: bytes | None


def _check_fields(head: Head) -> bytes | None:
    """
    Refuse fields that no upload may have.

    :return: the declared type as sent, ``None`` where there is none.
    """
    _check_coding(head)
    types = head.all(b"content-type")
    if len(types) > 1:
        raise MalformedHeader("There is more than one Content-Type.")
    for each in types:
        _check_type(each)
    return types[0] if types else None


def _check_coding(head: Head) -> None:
    coding = head.get(b"content-encoding")
    if coding is not None and coding.lower() != b"identity":
        # The bytes would be served without it, as something they are not.
        raise UnsupportedCoding(
            "A file is stored as it is sent, so it may have no Content-Encoding.",
            [(b"Accept-Encoding", b"identity")],
        )


def _check_type(declared: bytes) -> None:
    if len(declared) > LONGEST_TYPE:
        raise MalformedHeader(f"The type of the file is over {LONGEST_TYPE} bytes long.")


def _judge(
    credential: Credential | None, name: StoredName, said: _Said, now: float | None, rules: Rules
) -> Verdict:
    """
    The second half of the order: the size, and all that is signed.
    """
    if rules.most is not None and said.length is not None and said.length > rules.most:
        raise _too_large(rules.most)
    if credential is None:
        raise MissingSignature("An upload wants a signed URL or a bearer token.")
    if credential.dialect == "jwt":
        grant = _by_token(said, credential, name, now, rules)
        return _granting(
            name, credential, grant.size, _granted(grant), rules, grant.expires, grant.owner
        )
    if credential.dialect == "v3":
        check_file(credential, [b"PUT"], name, now, rules)
        return _granting(name, credential, said.length, said.content_type, rules)
    assert said.length is not None
    if credential.dialect == "v":
        check(credential, [Claim(name.path, said.length)], rules)
        return _granting(name, credential, said.length, said.content_type, rules)
    # "v2" and "token" sign the type as well.
    claims = [Claim(name.path, said.length, each) for each in _types(said.content_type, name)]
    signed = check(credential, claims, rules).content_type
    return _granting(
        name,
        credential,
        said.length,
        signed,
        rules,
        signed_type="" if signed.isascii() else signed.decode("latin-1"),
    )


def _granting(
    name: StoredName,
    credential: Credential,
    size: int | None,
    declared: bytes | None,
    rules: Rules,
    expires: int | None = None,
    owner: str | None = None,
    signed_type: str = "",
) -> Verdict:
    """
    :return: the verdict on what *credential* allows.
    """
    slot = Slot(
        name,
        size,
        _storable(declared, name),
        rules.most if size is None else size,
        credential.dialect in rules.overwriting,
        expires,
        name.segments[0].decode() if rules.owner_by_path else owner,
    )
    return Verdict(slot, credential.dialect, signed_type)


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


def _by_token(
    said: _Said, credential: Credential, name: StoredName, now: float | None, rules: Rules
) -> tokens.Grant:
    """
    A bearer token: its claims count, and no ``Content-Type``.
    """
    grant = tokens.read(credential.proof, now, rules.keys)
    if name.segments != (grant.slot.encode(), grant.filename.encode()):
        raise WrongSlot(
            "The token was issued for another file.",
            hint=f"the jwt is for {grant.slot!a}/{grant.filename!a}{below(rules)}",
        )
    if said.length not in (None, grant.size):
        raise TooLarge(
            "The file has another size than the token grants.",
            hint=f"the jwt is for {grant.size} bytes, the request says {said.length}",
        )
    if rules.most is not None and grant.size > rules.most:
        raise _too_large(rules.most)
    _check_type(_granted(grant))
    return grant


def _granted(grant: tokens.Grant) -> bytes:
    """The type that a token names."""
    return (grant.content_type or OCTET_STREAM).encode()


def _check_token_again(
    credential: Credential, name: StoredName, record: UploadRecord, rules: Rules
) -> None:
    """
    The token may be a newer one, as long as it grants the same.
    """
    grant = tokens.read(credential.proof, None, rules.keys)
    granted = (
        (grant.slot.encode(), grant.filename.encode()),
        grant.size,
        _storable(_granted(grant), name),
    )
    if granted != (name.segments, record.length, record.content_type):
        raise BadSignature(
            "The token was issued for another upload.",
            hint=f"the jwt is for {grant.slot!a}/{grant.filename!a}, {grant.size} bytes,"
            f" {grant.content_type!a}",
        )


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
