"""
Tests for :mod:`hmacfs.control.lines`.
"""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.control.lines import LONGEST, Garbled, Lines, Message, decode, encode

MESSAGES = st.dictionaries(st.text(), st.integers() | st.text() | st.booleans() | st.none())


def feed(data: bytes, *cuts: int) -> list[Message]:
    """
    :param cuts: where *data* is cut on its way, in rising order.
    """
    lines, found = Lines(), []
    for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
        found.extend(lines.feed(data[start:end]))
    return found


class LinesTests(SynchronousTestCase):
    """
    A message is a JSON object on a line of its own, of bounded length.
    """

    @given(st.lists(MESSAGES, max_size=5), st.data())
    def test_round(self, messages: list[Message], data: st.DataObject) -> None:
        """
        What was sent comes out, wherever the stream was cut on its way.
        """
        sent = b"".join(map(encode, messages))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=4)))
        self.assertEqual(feed(sent, *cuts), messages)

    @given(MESSAGES)
    def test_one_line(self, message: Message) -> None:
        """
        Whatever stands in a message, it is one line of ASCII.
        """
        line = encode(message)
        self.assertEqual((line.count(b"\n"), line[-1:], line.isascii()), (1, b"\n", True))

    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        """
        Bytes that nobody meant are refused, or are messages that could have been sent.
        """
        try:
            found = feed(data)
        except Garbled:
            return
        for message in found:
            self.assertEqual(decode(json.dumps(message).encode()), message)

    def test_not_json(self) -> None:
        """
        A line that is no JSON object is refused with a reason.
        """
        for line, why in (
            (b"", "A line is no JSON."),
            (b"GET / HTTP/1.1\r", "A line is no JSON."),
            (b"\xff", "A line is no JSON."),
            (b'{"size": NaN}', "A line is no JSON."),
            (b"9" * 5000, "A line is no JSON."),
            (b"[" * 100_000, "A line is no JSON."),
            (b"[1]", "A line is JSON, and no object."),
            (b'"a"', "A line is JSON, and no object."),
        ):
            error = self.assertRaises(Garbled, decode, line)
            self.assertEqual(str(error), why)

    def test_good_ones_first(self) -> None:
        """
        What came before a broken line is heard all the same.
        """
        found = []
        with self.assertRaises(Garbled):
            found.extend(Lines().feed(b'{"do":"ls"}\n'))
            for message in Lines().feed(b'{"do":"gc"}\nx\n'):
                found.append(message)
        self.assertEqual(found, [{"do": "ls"}, {"do": "gc"}])

    def test_too_long(self) -> None:
        """
        A line that does not end is refused before it fills the memory.
        """
        lines = Lines()
        self.assertEqual(list(lines.feed(b"x" * (LONGEST - 1))), [])
        self.assertRaises(Garbled, list, lines.feed(b"x"))

    def test_too_long_to_send(self) -> None:
        """
        The longest message that is sent is one that is taken; a longer one is not sent.
        """
        longest = {"row": "x" * (LONGEST - len(encode({"row": ""})))}
        self.assertEqual(feed(encode(longest)), [longest])
        self.assertRaises(ValueError, encode, {"row": longest["row"] + "x"})
        self.assertRaises(Garbled, feed, encode(longest)[:-1] + b" \n")

    def test_broken(self) -> None:
        """
        A line that the other side did not end can be told from silence.
        """
        lines = Lines()
        list(lines.feed(b'{"do":"ls"}\n'))
        between = lines.broken
        list(lines.feed(b"{"))
        self.assertEqual((between, lines.broken), (False, True))
