"""
Whether what is kept may be read, made current again or removed.

Pure, like :mod:`hmacfs.verdict`: the head, the time and the rules come in,
what may be done or a Refusal comes out.  The order is the same: the syntax of
the name and of the query (400, 405), the signature (403), its time (410).

A bearer token grants an upload and none of these, and so only the query
counts here.
"""

from __future__ import annotations

from hmacfs import operations, signing
from hmacfs.errors import BadSignature, MalformedQuery, MissingSignature
from hmacfs.http1 import Head
from hmacfs.names import StoredName
from hmacfs.operations import Operation
from hmacfs.rules import Rules, below, check_file, check_name, check_timed
from hmacfs.signing import Claim, Credential, choose


def download_verdict(head: Head, now: float, rules: Rules) -> StoredName:
    """
    Judge a GET or a HEAD of a file.

    Where downloads are signed, a ``v3`` for GET opens HEAD as well: it gives
    away less.  Where they are public, the query says nothing, unless it asks
    for an operation: see :func:`operation_verdict`.

    :param now: unix seconds.
    :return: the name that may be served, if it is there.
    :raise Refusal: it may not; the same for a file that is there and one that
        is not.
    """
    name = rules.name(head)
    if rules.signed_downloads:
        credential = _timed(head, "Downloads want a URL with a 'v3' signature here.")
        check_file(credential, [head.method, b"GET"], name, now, rules)
    return name


def operation_verdict(head: Head, now: float, rules: Rules) -> tuple[StoredName, Operation]:
    """
    Judge a request of which :func:`hmacfs.operations.asked` says that its
    query asks for an operation.  Each wants a ``v3`` that names it, also where
    downloads are public.

    :param now: unix seconds.
    :return: what may be done to which name, if it is there.
    :raise MalformedQuery: there is no such operation.
    :raise MethodNotAllowed: it is asked for by another method.
    :raise Refusal: the name can be none, or it is not signed.
    """
    name = rules.name(head)
    check_name(name)
    operation = operations.read(signing.unsigned(head.query))
    operations.check_method(operation, head.method)
    credential = _timed(head, "This operation wants a URL with a 'v3' signature that names it.")
    methods = [head.method, *([b"GET"] if head.method == b"HEAD" else [])]
    check_timed(credential, methods, name, now, rules)
    return name, operation


def deletion_verdict(head: Head, now: float, rules: Rules) -> StoredName:
    """
    Judge a DELETE of a file with all its versions: by a ``v3`` for that
    method, or Metronome's ``token`` where there is a ``DeleteSecret``.

    :param now: unix seconds.
    :return: the name that may be deleted, if it is there.
    :raise MalformedQuery: the query names an operation as well.
    :raise Refusal: the name can be none, or it is not signed.
    """
    name = rules.name(head)
    credential = choose(head.query, None)
    if operations.asked(head.query):
        # A token signs no query, and so it would delete all in place of one version.
        raise MalformedQuery("The query names an operation that is not served here.")
    if credential is not None and credential.dialect == "v3":
        check_file(credential, [b"DELETE"], name, now, rules)
    elif credential is not None and credential.dialect == "token" and rules.delete_secret:
        _check_deletion(credential, name, rules)
    elif credential is not None and credential.dialect == "token":
        raise MissingSignature(
            "A deletion wants a 'v3' signature here.", hint="there is no DeleteSecret"
        )
    else:
        raise MissingSignature("A deletion wants a URL that is signed for it.")
    return name


def _timed(head: Head, text: str) -> Credential:
    """
    :param text: what is wanted, where there is none.
    :return: the ``v3`` of *head*.
    """
    credential = choose(head.query, None)
    if credential is None or credential.dialect != "v3":
        raise MissingSignature(text)
    return credential


def _check_deletion(credential: Credential, name: StoredName, rules: Rules) -> None:
    """
    :raise BadSignature: its hint says all that was to be signed, but the secret.
    """
    claim = Claim(path=name.path, delete_secret=rules.delete_secret)
    try:
        signing.verify("delete", credential.proof, [claim], rules.keys)
    except BadSignature:
        raise BadSignature(
            "The 'token' signature does not match this deletion.",
            hint=f"token was checked over {name.path + bytes(1)!a} and DeleteSecret{below(rules)}",
        ) from None
