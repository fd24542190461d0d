"""
Tests for :mod:`hmacfs.operations`.
"""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import MalformedQuery, MethodNotAllowed
from hmacfs.names import StoredName
from hmacfs.operations import METHODS, Kind, Operation, ambiguous, asked, check_method, read

#: Queries and names that are nearly operations.
PIECES = ["versions", "version", "restore", "=", "7", "a-b_C", "?", "&", "%", ".", "/", "é", "\n"]
NEARLY = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
IDS = st.text(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-", min_size=1, max_size=255
)
OPERATIONS = st.just(Operation("versions")) | st.builds(
    Operation, st.sampled_from(["version", "restore"]), IDS
)


def is_operation(query: bytes) -> bool:
    """
    Whether *query* is read as an operation.
    """
    try:
        return read(query).query == query
    except MalformedQuery:
        return False


class ReadTests(SynchronousTestCase):
    """
    There are three operations, and each is written in one way.
    """

    def test_operations(self) -> None:
        """
        Each is read as what it is.
        """
        self.assertEqual(
            [read(query) for query in (b"versions", b"version=7", b"restore=01J-a_Z")],
            [Operation("versions"), Operation("version", "7"), Operation("restore", "01J-a_Z")],
        )

    @given(OPERATIONS)
    def test_round(self, operation: Operation) -> None:
        """
        What an operation is written as is read as the same.
        """
        self.assertEqual(read(operation.query), operation)
        self.assertTrue(asked(operation.query))

    def test_others(self) -> None:
        """
        What is no operation, or more than one, is refused.
        """
        for query in (
            b"",
            b"version",
            b"version=",
            b"restore",
            b"versions=",
            b"versions=1",
            b"version=a.b",
            b"version=..%2fx",
            b"version=%37",
            b"version=" + b"7" * 256,
            b"Versions",
            b"version=7&version=8",
            b"versions&x",
            b"x",
            b"version=7\n",
        ):
            with self.assertRaises(MalformedQuery):
                read(query)

    @given(st.binary() | NEARLY.map(str.encode))
    def test_any(self, query: bytes) -> None:
        """
        Any query is an operation or is refused; of an operation it is always
        said that one is asked for.
        """
        if is_operation(query):
            self.assertTrue(asked(query))
            self.assertRegex(read(query).id, r"\A[0-9A-Za-z_-]*\Z")


class AskedTests(SynchronousTestCase):
    """
    A request that means an operation is never taken for one on the file.
    """

    def test_meant(self) -> None:
        """
        Right or wrong, signed or not, wherever it stands in the query.
        """
        for query in (b"versions", b"version", b"x&version=.", b"v3=1&restore=2", b"%76ersion=7"):
            self.assertTrue(asked(query), query)

    def test_not_meant(self) -> None:
        """
        Other parameters ask for nothing.
        """
        for query in (b"", b"x", b"v=1&v2=2", b"x=versions", b"Version=7", b"%zz", b"&&="):
            self.assertFalse(asked(query), query)


class MethodTests(SynchronousTestCase):
    """
    Each operation goes with its methods.
    """

    def test_methods(self) -> None:
        """
        Another one is refused, and those that do are told.
        """
        kinds: tuple[Kind, ...] = ("versions", "version", "restore")
        found = {}
        for kind in kinds:
            for method in (b"GET", b"HEAD", b"DELETE", b"POST", b"PUT", b"PATCH"):
                try:
                    check_method(Operation(kind, "7"), method)
                except MethodNotAllowed as refusal:
                    self.assertEqual(refusal.headers, ((b"Allow", b", ".join(METHODS[kind])),))
                else:
                    found.setdefault(kind, []).append(method)
        self.assertEqual(
            found,
            {
                "versions": [b"GET", b"HEAD"],
                "version": [b"GET", b"HEAD", b"DELETE"],
                "restore": [b"POST"],
            },
        )


class NameTests(SynchronousTestCase):
    """
    No name reads like an operation on another file.
    """

    def test_names(self) -> None:
        """
        A name that ends like one does, and no other.
        """
        for name, expected in [
            ("a?versions", True),
            ("a/b?version=7", True),
            ("a?b?restore=x-_9", True),
            ("?versions", True),
            ("versions", False),
            ("a?versions/b", False),
            ("a?version=", False),
            ("a?version=7.jpg", False),
            ("a?b", False),
            ("a?versions?", False),
        ]:
            segments = tuple(name.encode().split(b"/"))
            self.assertEqual(ambiguous(StoredName(segments)), expected, name)

    @given(NEARLY.filter(lambda name: re.search(r"^$|^/|/$|//|\n|^\.|/\.", name) is None))
    def test_any(self, name: str) -> None:
        """
        Where a name can be parted into a file and an operation, it is found.
        """
        parted = any(is_operation(name[at + 1 :].encode())
                     for at, letter in enumerate(name) if letter == "?")  # fmt: skip
        self.assertEqual(ambiguous(StoredName(tuple(name.encode().split(b"/")))), parted)
