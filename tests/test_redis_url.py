"""
Tests for :mod:`hmacfs.redis_url`.
"""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.redis_url import RedisPlace, parse

TEXTS = st.text(min_size=1).filter(lambda text: text.isprintable() and text.strip())


class RedisUrlTests(SynchronousTestCase):
    """
    A URL says where the server is and who we are there.
    """

    def assert_refused(self, text: str, reason: str) -> None:
        with self.assertRaises(ValueError) as raised:
            parse(text)
        self.assertEqual(str(raised.exception), reason)

    def test_tcp(self) -> None:
        """
        A host is enough; port, database and who we are may follow.
        """
        for text, place in {
            "redis://h": RedisPlace(host="h"),
            "redis://h/": RedisPlace(host="h"),
            "redis://[::1]:7000/3": RedisPlace(host="::1", port=7000, database=3),
            "redis://:s@h": RedisPlace(host="h", password="s"),
            "redis://u:s@h/0": RedisPlace(host="h", username="u", password="s", database=0),
            "rediss://h": RedisPlace(host="h", tls=True),
        }.items():
            self.assertEqual(parse(text), place, text)

    def test_unix(self) -> None:
        """
        A UNIX socket is told by its path, and the database stands behind it.
        """
        for text, place in {
            "redis+unix:///run/redis.sock": RedisPlace(path="/run/redis.sock"),
            "redis+unix:///a%20b?db=2": RedisPlace(path="/a b", database=2),
            "redis+unix://u:s@/run/r": RedisPlace(path="/run/r", username="u", password="s"),
        }.items():
            self.assertEqual(parse(text), place, text)

    def test_refused(self) -> None:
        """
        What is no such URL is told, by its reason alone.
        """
        escape = "/ ? # @ and % in a password are percent-encoded"
        for text, reason in {
            "http://u:password@h": "its scheme is another",
            "/run/redis.sock": "its scheme is another",
            "redis://": escape,
            "redis:/h": escape,
            "redis://a b": escape,
            "redis://:pass/word@h": escape,
            "redis://:pass#word@h": escape,
            "redis://:pass?word@h": escape,
            "redis://h:99999": escape,
            "redis://[::1": escape,
            "redis://h/0?db=1": escape,
            "redis+unix:///a%00b": escape,
            "redis://h/zero": "a database is a number",
            "redis+unix:///run/r?db=-1": "a database is a number",
            "redis+unix:///run/r?password=s": "all that may follow the path is ?db=0",
            "redis+unix://run/x": "a UNIX socket has a path and no host",
            "redis+unix:///": "a UNIX socket has a path and no host",
            "redis://user@h": "a user needs a password",
        }.items():
            self.assert_refused(text, reason)

    def test_hidden(self) -> None:
        """
        A place that is logged does not show the password.
        """
        self.assertNotIn("letmein", repr(parse("redis://:letmein@h")))

    def test_shown(self) -> None:
        """
        People are told where it is, and not who we are there.
        """
        shown = {
            "redis://h": "redis://h:6379",
            "rediss://me:letmein@[::1]:1/2": "rediss://[::1]:1",
            "redis+unix://:letmein@/run/redis.sock?db=2": "redis+unix:///run/redis.sock",
        }
        self.assertEqual({text: parse(text).shown for text in shown}, shown)

    @given(TEXTS, TEXTS)
    def test_any_password(self, username: str, password: str) -> None:
        """
        Every name and password can be written, percent-encoded.
        """
        place = parse(f"redis://{quote(username, safe='')}:{quote(password, safe='')}@h")
        self.assertEqual(place, RedisPlace(host="h", username=username, password=password))

    @given(st.text() | st.text().map("redis://".__add__) | st.text().map("redis+unix://".__add__))
    def test_anything(self, text: str) -> None:
        """
        Whatever is written, it is a place or refused.
        """
        try:
            place = parse(text)
        except ValueError:
            return
        self.assertEqual(bool(place.host), not place.path)
