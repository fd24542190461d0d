"""
Media types: by extension, in a header, and before a browser.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.media import OCTET_STREAM, TYPES, disposition, guess, safe_type

PREFIX = b"attachment; filename*=UTF-8''"


class GuessTests(SynchronousTestCase):
    """
    The extension alone decides, on every machine alike.
    """

    def test_known(self) -> None:
        """
        A known extension yields its type, whatever its case and its folders.
        """
        names = ["a.jpg", "a/b/C.JPEG", "x.tar.gz", "d.d/notes.txt", ".png", "voice.opus"]
        self.assertEqual(
            [guess(name) for name in names],
            [
                "image/jpeg",
                "image/jpeg",
                "application/gzip",
                "text/plain",
                "image/png",
                "audio/ogg",
            ],
        )

    def test_unknown(self) -> None:
        """
        What has no extension, or one that nobody knows, is a stream of bytes.
        """
        for name in ["", "jpg", "a.", "a.jpg/b", "a.jpg ", "a.unheard", "a.jpg."]:
            self.assertEqual(guess(name), OCTET_STREAM, name)

    def test_table(self) -> None:
        """
        Every extension of the table is in lower case and has a valid type.
        """
        for extension, media_type in TYPES.items():
            self.assertEqual((extension, media_type), (extension.lower(), safe_type(media_type)))

    @given(st.text())
    def test_total(self, name: str) -> None:
        """
        Any text at all has a type.
        """
        self.assertEqual(safe_type(guess(name)), guess(name))


class SafeTypeTests(SynchronousTestCase):
    """
    What is served as Content-Type is a media type, and nothing else.
    """

    def test_valid(self) -> None:
        """
        A media type is served as it was stored, parameters and all.
        """
        for media_type in [
            "text/plain",
            "Text/Plain; charset=utf-8",
            "text/plain;charset=utf-8 ; format=flowed",
            "text/plain;;",
            'audio/ogg; codecs="opus, \\"vorbis\\""',
            "application/vnd.x+json",
        ]:
            self.assertEqual(safe_type(media_type), media_type)

    def test_invalid(self) -> None:
        """
        Anything else is served as a stream of bytes.
        """
        for media_type in [
            "",
            "text",
            "text/",
            "/plain",
            "text /plain",
            "text/plain\n",
            "text/plain\r\nSet-Cookie: a=b",
            "text/plain; charset",
            "text/plain; charset = utf-8",
            'text/plain; charset="utf-8',
            "text/plain, text/html",
            "text/plän",
            "text/plain; name=\ud800",
        ]:
            self.assertEqual(safe_type(media_type), OCTET_STREAM, media_type)

    def test_long(self) -> None:
        """
        A type made to be slow to refuse is refused at once.
        """
        for media_type in ["a/b" + "; " * 8000 + "=", "a/b" + " ; " * 8000 + "!", "a/b;" * 8000]:
            self.assertEqual(safe_type(media_type), OCTET_STREAM)

    @given(st.text())
    def test_harmless(self, text: str) -> None:
        """
        No stored text breaks a header.
        """
        self.assertRegex(safe_type(text), r"\A[\t -~]+\Z")


class DispositionTests(SynchronousTestCase):
    """
    A browser shows what cannot carry a script, and saves the rest.
    """

    def test_inline(self) -> None:
        """
        Pictures, films, sound and plain text are shown.
        """
        for media_type in [
            "image/png",
            "IMAGE/JPEG",
            "video/mp4; codecs=avc1",
            "audio/ogg",
            "text/plain",
            "text/plain ; charset=utf-8",
        ]:
            self.assertEqual(disposition(media_type, b"a"), b"inline", media_type)

    def test_attachment(self) -> None:
        """
        What may carry a script is saved, SVG and every other XML among it.
        """
        for media_type in [
            "text/html",
            "text/plainer",
            "application/pdf",
            "image/svg+xml",
            "Image/SVG+XML; charset=utf-8",
            "image/svg",
            "image/x+xml",
            "video/x+XML",
            OCTET_STREAM,
        ]:
            self.assertEqual(disposition(media_type, b"a"), PREFIX + b"a", media_type)

    def test_name(self) -> None:
        """
        The name to save under is the file's own, in UTF-8.
        """
        self.assertEqual(
            disposition(OCTET_STREAM, 'très "cool"; 100%.zip\\\''.encode()),
            PREFIX + b"tr%C3%A8s%20%22cool%22%3B%20100%25.zip%5C%27",
        )

    @given(st.binary())
    def test_any_name(self, filename: bytes) -> None:
        """
        Every name comes back whole, and no name ends its parameter.
        """
        value = disposition(OCTET_STREAM, filename)
        self.assertRegex(value, rb"\Aattachment; [^\s;,\"\\]+\Z")
        self.assertEqual(unquote_to_bytes(value.removeprefix(PREFIX)), filename)
