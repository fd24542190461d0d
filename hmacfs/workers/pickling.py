"""
What the supervisor and its workers say to each other, as bytes.

A message is a tuple of values and of our own records, pickled.  Only classes
that can be part of one are ever made of what came: a worker talks to strangers
all day, and nothing that it says is to run in the supervisor.
"""

from __future__ import annotations

import pickle
from io import BytesIO
from typing import Any

from hmacfs.errors import Refusal

_OTHERS = frozenset(
    {("re", "_compile"), ("builtins", "OSError"), ("builtins", "RuntimeError")}
    | {
        ("ipaddress", f"IPv{version}{kind}")
        for version in (4, 6)
        for kind in ("Address", "Network")
    }
)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        ours = module.startswith("hmacfs.") and isinstance(found, type)
        if ours or (module, name) in _OTHERS:
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a message")


def dumps(message: object) -> bytes:
    """
    :return: *message* as bytes.
    """
    return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)


def loads(data: bytes) -> Any:
    """
    :return: what :func:`dumps` was given.
    :raise pickle.UnpicklingError: it is no message.
    """
    return _Unpickler(BytesIO(data)).load()


def told(error: BaseException) -> object:
    """
    :return: *error* as a part of a message; what the other side would not
        know how to answer becomes a text.
    """
    if isinstance(error, Refusal):
        return type(error), error.args, vars(error)
    if isinstance(error, OSError):
        return OSError(error.errno, error.strerror)
    return RuntimeError(f"{type(error).__name__}: {error}")


def heard(error: Any) -> Exception:
    """
    :return: what :func:`told` was given, or what became of it.
    """
    if isinstance(error, Exception):
        return error
    kind, args, fields = error
    refusal: Refusal = kind.__new__(kind)
    refusal.args = args
    vars(refusal).update(fields)
    return refusal
