"""
Tests for :mod:`hmacfs.names`.
"""

from __future__ import annotations

from urllib.parse import quote, quote_from_bytes

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Forbidden, MalformedName, NotFound, Refusal
from hmacfs.names import StoredName, jailed, parse, recall, split_prefix

PREFIX = (b"uploads",)


def read(path: bytes, prefix: tuple[bytes, ...] = PREFIX) -> StoredName | type[Refusal]:
    """
    The name that *path* means, or the kind of refusal.
    """
    try:
        return parse(path, prefix)
    except Refusal as refusal:
        return type(refusal)


class ParseTests(SynchronousTestCase):
    """
    A path is decoded once, and what it then says is the name of the file.
    """

    def test_plain(self) -> None:
        """
        The segments below the prefix are the name.
        """
        self.assertEqual(parse(b"/uploads/a/b.txt", PREFIX), StoredName((b"a", b"b.txt")))

    def test_views(self) -> None:
        """
        A name is shown as bytes, as text, and as it stands in a URL.
        """
        name = parse(b"/uploads/x/tr%c3%a8s%20cool+50%25.jpg", PREFIX)
        self.assertEqual(
            (name.path, name.text, name.url),
            (
                "x/très cool+50%.jpg".encode(),
                "x/très cool+50%.jpg",
                "x/tr%C3%A8s%20cool%2B50%25.jpg",
            ),
        )

    def test_one_name_many_spellings(self) -> None:
        """
        Raw UTF-8, escapes of either case and needless escapes are one name.
        """
        spellings = ("/uploads/très".encode(), b"/uploads/tr%c3%a8s", b"/uplo%61ds/%74r%C3%A8s")
        self.assertEqual({parse(path, PREFIX).text for path in spellings}, {"très"})

    def test_ordinary_characters(self) -> None:
        """
        Plus, backslash, dots, the sub-delimiters and the text '%2f' are as they are.
        """
        for sent, text in [
            (b"a+b", "a+b"),
            (b"a%2Bb", "a+b"),
            (b"a\\..\\b", "a\\..\\b"),
            (b"a%5cb", "a\\b"),
            (b"%252f", "%2f"),
            (b"%252e%252e", "%2e%2e"),
            (b"...", "..."),
            (b".hidden", ".hidden"),
            (b"x/.hmacfs", "x/.hmacfs"),
            (b".hmacfs2", ".hmacfs2"),
            (b"a;b,c=d&e!'()*:@$~", "a;b,c=d&e!'()*:@$~"),
            (b"%20", " "),
            (b"%3f%23", "?#"),
            ("\N{NO-BREAK SPACE}".encode(), "\N{NO-BREAK SPACE}"),
        ]:
            self.assertEqual(parse(b"/uploads/" + sent, PREFIX).text, text)

    def test_bounds(self) -> None:
        """
        A segment has up to 255 bytes and a name up to 4,096, counted decoded.
        """
        longest = b"/".join([b"x" * 255] * 16)  # 4,095 bytes
        self.assertEqual(parse(b"/uploads/" + b"%78" * 255, PREFIX).path, b"x" * 255)
        self.assertEqual(parse(b"/uploads/" + longest, PREFIX).path, longest)
        self.assertEqual(read(b"/uploads/" + b"x" * 256), MalformedName)
        self.assertEqual(read(b"/uploads/" + "é".encode() * 128), MalformedName)
        self.assertEqual(read(b"/uploads/" + longest + b"/x"), MalformedName)

    def test_malformed(self) -> None:
        """
        What could lead elsewhere, or show as something else, is refused.
        """
        for rest in [
            b".",
            b"..",
            b"%2e%2E",
            b"../etc/passwd",
            b"a/../b",
            b"a/%2e./b",
            b"a/./b",
            b"a//b",
            b"/a",
            b"//",
            b"a//",
            b"a/../",
            b"a%2fb",
            b"%2Fetc",
            b"..%2f..%2fetc",
            b"a%00b",
            b"a%0d%0ab",
            b"a%1fb",
            b"a%7fb",
            b"a%c2%80b",
            b"a%c2%9fb",
            b"a\x01b",
            b"%ff",
            b"\xff",
            b"%c0%af",
            b"%ed%a0%80",
            b"%c3",
            b"100%",
            b"%zz",
            b"%2",
            b"%u002f",
        ]:
            self.assertEqual((rest, read(b"/uploads/" + rest)), (rest, MalformedName))

    def test_not_a_path(self) -> None:
        """
        The asterisk form and an empty path are no names.
        """
        self.assertEqual([read(b"*"), read(b""), read(b"uploads/x")], [MalformedName] * 3)

    def test_folders(self) -> None:
        """
        The root, the prefix and whatever ends in a slash are forbidden.
        """
        for path in [b"/", b"/uploads", b"/uploads/", b"/uploads/a/", b"/uploads/a/b/"]:
            self.assertEqual((path, read(path)), (path, Forbidden))

    def test_elsewhere(self) -> None:
        """
        Outside of the prefix there is nothing.
        """
        for path in [b"/x", b"/uploadsx/a", b"/uploads2", b"/Uploads/a", b"/x/uploads/a"]:
            self.assertEqual((path, read(path)), (path, NotFound))

    def test_private_area(self) -> None:
        """
        The store's private area has no URL, however it is spelt.
        """
        for rest in [b".hmacfs", b".hmacfs/", b".hmacfs/secret", b"%2ehmacfs/secret", b".%68macfs"]:
            self.assertEqual((rest, read(b"/uploads/" + rest)), (rest, NotFound))

    def test_prefixes(self) -> None:
        """
        A prefix has several segments, or none.
        """
        self.assertEqual(split_prefix("files/été"), (b"files", "été".encode()))
        self.assertEqual(split_prefix(""), ())
        self.assertEqual(
            [
                read(b"/files/%c3%a9t%c3%a9/x", split_prefix("files/été")),
                read(b"/files", split_prefix("files/été")),
                read(b"/files/x", split_prefix("files/été")),
                read(b"/x/y", ()),
                read(b"/", ()),
                read(b"/.hmacfs/secret", ()),
            ],
            [
                StoredName((b"x",)),
                Forbidden,
                NotFound,
                StoredName((b"x", b"y")),
                Forbidden,
                NotFound,
            ],
        )


class StoredNameTests(SynchronousTestCase):
    """
    A StoredName is safe because it exists: there is no other kind.
    """

    def test_constructor(self) -> None:
        """
        Nobody can make an unsafe name, by whatever way.
        """
        for segments in [(), (b"",), (b"..",), (b"a", b"."), (b"a/b",), (b"a\0",), (b"\xff",)]:
            self.assertRaises(MalformedName, StoredName, segments)
        self.assertRaises(NotFound, StoredName, (b".hmacfs", b"secret"))

    def test_recall(self) -> None:
        """
        A name that was written down is made again, with the same care.
        """
        name = parse(b"/uploads/a%2541/b", PREFIX)
        self.assertEqual(recall(name.path), name)
        for path in [b"", b"/a", b"a/", b"a/../b"]:
            self.assertRaises(MalformedName, recall, path)


class JailedTests(SynchronousTestCase):
    """
    The second wall trusts nobody, a StoredName neither.
    """

    def test_inside(self) -> None:
        """
        Segments that stay below are handed back.
        """
        segments = (b"a", b"...", b".b", b"c..", b"\\")
        self.assertEqual(jailed(segments), segments)

    def test_outside(self) -> None:
        """
        Whatever could lead out is an error of ours.
        """
        for segments in [
            (),
            (b"",),
            (b".",),
            (b"..",),
            (b"a", b".."),
            (b"a/b",),
            (b"/",),
            (b"\0",),
        ]:
            self.assertRaises(ValueError, jailed, segments)


class FuzzTests(SynchronousTestCase):
    """
    Any bytes are a safe name or a refusal.
    """

    @given(st.binary())
    @example(b"/uploads/%")
    def test_any_path(self, path: bytes) -> None:
        """
        Nothing but a refusal comes out of a path that is no name.
        """
        for prefix in (PREFIX, ()):
            name = read(path, prefix)
            if isinstance(name, StoredName):
                self.assertEqual(jailed(name.segments), name.segments)

    @given(st.binary(min_size=1, max_size=12).map(quote_from_bytes))
    def test_any_encoded_path(self, path: str) -> None:
        """
        Escapes hide nothing from the rules.
        """
        name = read(b"/uploads/" + path.encode())
        if isinstance(name, StoredName):
            self.assertEqual(jailed(name.segments), name.segments)

    @given(
        st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1)
    )
    def test_round_trip(self, text: str) -> None:
        """
        What a URL is made of comes out of it again.
        """
        name = read(("/uploads/x/" + quote(text, safe="")).encode())
        if text in (".", "..") or len(text.encode()) > 255:
            self.assertEqual(name, MalformedName)
        else:
            self.assertEqual(name, StoredName((b"x", text.encode())))
            self.assertEqual(parse(f"/uploads/{name.url}".encode(), PREFIX), name)
