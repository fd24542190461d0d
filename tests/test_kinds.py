"""
Tests for :mod:`hmacfs.kinds`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import kinds
from hmacfs.addresses import FORM, Tcp, Unix
from hmacfs.kinds import Kind, Place
from hmacfs.settings import KEYS

HERE = Place("/etc/hmacfs")
SOCKETS = Place("/etc/hmacfs", unix=True)

#: Everything that TOML can say.
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["", "auto", "1m", "10MB", "https://a", "10.0.0.1/8", "::1", "unix:x", "a/b"])
    | st.just(datetime(2026, 11, 22, tzinfo=UTC))
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(), SCALARS, max_size=2)


class KindCase(SynchronousTestCase):
    """
    What the classes below share.
    """

    def assert_read(self, kind: Kind, written: object, expected: Any, place: Place = HERE) -> None:
        """
        *kind* makes *expected* of *written*, and of the same type.
        """
        read = kind.read(written, place)
        self.assertEqual((read, type(read)), (expected, type(expected)))

    def assert_refused(
        self, kind: Kind, written: object, sentence: str, place: Place = HERE
    ) -> None:
        """
        *kind* says *sentence* of *written*.
        """
        with self.assertRaises(ValueError) as raised:
            kind.read(written, place)
        self.assertEqual(str(raised.exception), sentence)


class SimpleKindTests(KindCase):
    """
    Switches, numbers, words: of their own type and within their bounds.
    """

    def test_switch(self) -> None:
        """
        A switch is true or false, and no text that looks like it.
        """
        self.assert_read(kinds.SWITCH, True, True)
        for written, shown in [("true", '"true"'), (1, "1"), ([], "a list")]:
            self.assert_refused(
                kinds.SWITCH,
                written,
                f"{shown} is no switch; write true or false, without quotation marks.",
            )

    def test_whole(self) -> None:
        """
        A number has a least value, and is neither a text nor a switch.
        """
        kind = kinds.whole(1)
        self.assert_read(kind, 3, 3)
        for written, shown in [
            (0, "0"),
            (-1, "-1"),
            (10**5000, "a huge number"),
            ("3", '"3"'),
            (True, "true"),
            (1.5, "1.5"),
        ]:
            self.assert_refused(
                kind, written, f"{shown} is no such number; write a whole number from 1 to 1000000."
            )
        self.assert_refused(
            kind, "auto", '"auto" is no such number; write a whole number from 1 to 1000000.'
        )

    def test_auto(self) -> None:
        """
        Where "auto" is meant, it leaves the number open.
        """
        self.assert_read(kinds.whole(1, auto=True), "auto", None)

    def test_choice(self) -> None:
        """
        Of several words it is one, exactly.
        """
        kind = kinds.choice("debug", "info", "warn")
        self.assert_read(kind, "warn", "warn")
        for written, shown in [("WARN", '"WARN"'), (1, "1"), ([], "a list")]:
            self.assert_refused(
                kind, written, f'{shown} is not known here; write "debug", "info" or "warn".'
            )

    def test_text(self) -> None:
        """
        A text is any text on one line.
        """
        self.assert_read(kinds.TEXT, "hmacfs:", "hmacfs:")
        self.assert_refused(kinds.TEXT, "a\nb", r'"a\nb" holds a control character; write text.')
        self.assert_refused(kinds.TEXT, 1, "1 is no text; write text, between quotation marks.")

    def test_mode(self) -> None:
        """
        A file mode is octal and a text: 660 alone would be read as decimal.
        """
        self.assert_read(kinds.MODE, "0660", 0o660)
        self.assert_read(kinds.MODE, "777", 0o777)
        for written, shown in [
            (660, "660"),
            (0o660, "432"),
            ("0680", '"0680"'),
            ("4660", '"4660"'),
        ]:
            self.assert_refused(
                kinds.MODE,
                written,
                f"{shown} is no file mode; write three octal digits between quotation marks, "
                'such as "0660".',
            )


class AmountKindTests(KindCase):
    """
    Sizes are bytes and durations seconds, as numbers or with a unit.
    """

    def test_size(self) -> None:
        """
        A size has bounds, and says them in units.
        """
        kind = kinds.size(1, 2**20)
        self.assert_read(kind, 1, 1)
        self.assert_read(kind, "1MiB", 2**20)
        for written, shown in [(0, "0"), ("2 MiB", '"2 MiB"')]:
            self.assert_refused(
                kind,
                written,
                f"{shown} is no size that works here; write a size from 1 B to 1 MiB.",
            )

    def test_no_bound(self) -> None:
        """
        Where a bound may be missing, zero is none.
        """
        for written in [0, "0", "0MB"]:
            self.assert_read(kinds.size(unbounded=True), written, None)
            self.assert_read(kinds.size(), written, 0)

    def test_no_size(self) -> None:
        """
        What is no size says what is.
        """
        for written, shown in [
            ("10 potatoes", '"10 potatoes"'),
            (-1, "-1"),
            (True, "true"),
            (1.5, "1.5"),
            ([], "a list"),
        ]:
            self.assert_refused(
                kinds.size(),
                written,
                f"{shown} is no size; write bytes or a number with a unit, "
                'such as "100MB" or "1 GiB".',
            )

    def test_duration(self) -> None:
        """
        A duration is more than nothing, and where it is long, of whole seconds.
        """
        self.assert_read(kinds.duration(), "1h", 3600)
        self.assert_read(kinds.duration(whole_seconds=False), "250ms", 0.25)
        self.assert_read(kinds.duration(positive=False), 0, 0)
        self.assert_refused(
            kinds.duration(), "0s", '"0s" is no duration that works here; write more than "0s".'
        )
        self.assert_refused(
            kinds.duration(),
            "250ms",
            '"250ms" is no number of whole seconds; write one, such as "1s" or "2m".',
        )

    def test_never(self) -> None:
        """
        Where something may last for ever, the empty text says so.
        """
        self.assert_read(kinds.duration(never=True), "", None)

    def test_no_duration(self) -> None:
        """
        What is no duration says what is.
        """
        for written, shown in [("20x", '"20x"'), ("", '""'), (True, "true"), (1.5, "1.5")]:
            self.assert_refused(
                kinds.duration(whole_seconds=False),
                written,
                f"{shown} is no duration; write seconds or a number with a unit, "
                'such as "30d", "1h30m" or "250ms".',
            )


class SecretKindTests(KindCase):
    """
    A secret is refused without being repeated.
    """

    def test_secret(self) -> None:
        """
        A secret is its UTF-8 bytes.
        """
        self.assert_read(kinds.SECRET, "geheimnis-ü", "geheimnis-ü".encode())
        self.assert_read(kinds.SECRETS, ["b", "c"], (b"b", b"c"))

    def test_refused(self) -> None:
        """
        A placeholder, a line break, a number: a sentence each, without the secret.
        """
        new = '"openssl rand -hex 32" prints a good one.'
        for written, sentence in [
            (
                "changeme-s3same",
                f"this is a placeholder, which anybody can guess; write a secret: {new}",
            ),
            (
                "s3same\n",
                "this holds a line break or another control character, which the other side can "
                "hardly have as well; write the secret on one line.",
            ),
            (53, f"this is no text; write the secret between quotation marks: {new}"),
        ]:
            self.assert_refused(kinds.SECRET, written, sentence)
            self.assert_refused(kinds.SECRETS, [written, written], sentence)

    def test_list(self) -> None:
        """
        Former secrets are a list, and none of them is empty.
        """
        self.assert_refused(
            kinds.SECRETS, "a", 'this is no list; write secrets as in ["the former one"].'
        )
        self.assert_refused(kinds.SECRETS, ["a", ""], "one of the secrets is empty; leave it out.")


class PathKindTests(KindCase):
    """
    Relative paths begin in the folder of the configuration.
    """

    def test_paths(self) -> None:
        """
        A path comes out absolute.
        """
        for written, expected in [
            ("./hmacfs-data", "/etc/hmacfs/hmacfs-data"),
            ("data/", "/etc/hmacfs/data"),
            ("../data", "/etc/hmacfs/../data"),
            ("/srv/data", "/srv/data"),
            ("/", "/"),
        ]:
            self.assert_read(kinds.path("a path"), written, expected)
        self.assert_read(kinds.path("a path"), "data", "/data", Place("/"))

    def test_optional(self) -> None:
        """
        Where a path may be missing, the empty text leaves it out.
        """
        self.assert_read(kinds.path("a path", optional=True), "", "")
        self.assert_refused(kinds.path("a path"), "", '"" is no path; write a path.')

    def test_home(self) -> None:
        """
        A tilde would make a folder of that name: the whole path is wanted.
        """
        self.assert_refused(
            kinds.path("a path"),
            "~/data",
            '"~/data": "~" stands for nothing here; write the whole path.',
        )


class ListenKindTests(KindCase):
    """
    Where to listen is one address or a list of them.
    """

    def test_addresses(self) -> None:
        """
        One text, one number, or a list; paths are made absolute.
        """
        self.assert_read(kinds.LISTEN, "127.0.0.1:80", (Tcp("127.0.0.1", 80),))
        self.assert_read(kinds.LISTEN, 8080, (Tcp("", 8080),))
        self.assert_read(
            kinds.LISTEN, [":80", "unix:a.sock"], (Tcp("", 80), Unix("/etc/hmacfs/a.sock"))
        )
        self.assert_read(kinds.LISTEN, "a.sock", (Unix("/etc/hmacfs/a.sock"),), SOCKETS)

    def test_metrics(self) -> None:
        """
        UnixSocket does not speak of the metrics.
        """
        self.assert_read(kinds.LISTEN_TCP, "127.0.0.1:90", (Tcp("127.0.0.1", 90),), SOCKETS)

    def test_refused(self) -> None:
        """
        Every address of a list that is none is told.
        """
        self.assert_refused(
            kinds.LISTEN,
            ["nowhere", ":80", "nothing"],
            f'"nowhere" is no address; write {FORM}. "nothing" is no address; write {FORM}.',
        )
        self.assert_refused(kinds.LISTEN, [], f"this list is empty; write {FORM}.")
        for written, shown in [(70000, "70000"), (-1, "-1"), (True, "true"), ({}, "a section")]:
            self.assert_refused(kinds.LISTEN, written, f"{shown} is no address; write {FORM}.")

    def test_long_socket(self) -> None:
        """
        The system bounds the path of a socket, the folder before it counted.
        """
        longest = "é" * 47 + "a"
        self.assert_read(kinds.LISTEN, longest, (Unix(f"/etc/hmacfs/{longest}"),), SOCKETS)
        with self.assertRaises(ValueError) as raised:
            kinds.LISTEN.read(longest + "a", SOCKETS)
        self.assertIn("more than the 107 bytes", str(raised.exception))


class WebKindTests(KindCase):
    """
    Prefixes, origins, URLs and networks have their own grammars.
    """

    def test_segments(self) -> None:
        """
        The prefix of the URLs loses the slashes at its ends.
        """
        for written, expected in [
            ("uploads", "uploads"),
            ("/upload/", "upload"),
            ("a/b-c", "a/b-c"),
        ]:
            self.assert_read(kinds.SEGMENTS, written, expected)

    def test_bad_segments(self) -> None:
        """
        Dots, blanks, escapes and empty segments are no prefix.
        """
        for written in [
            "..",
            "a/../b",
            ".",
            "a//b",
            "a b",
            "a%20b",
            "ü",
            ".hmacfs",
            "a" * 256,
            "a?b",
        ]:
            with self.assertRaises(ValueError) as raised:
                kinds.SEGMENTS.read(written, HERE)
            self.assertIn("is no prefix of a URL; write letters, digits", str(raised.exception))

    def test_no_segment(self) -> None:
        """
        Files at the root would hide behind the daemon's own pages.
        """
        for written in ["", "/"]:
            self.assert_refused(
                kinds.SEGMENTS,
                written,
                f'"{written}" leaves no prefix for the files; write one, such as "uploads".',
            )
        for written in ["/health", "ready/files"]:
            self.assert_refused(
                kinds.SEGMENTS,
                written,
                f'"{written}" begins at the daemon\'s own page; write another prefix.',
            )

    def test_networks(self) -> None:
        """
        An address is a network of its own; bits beyond the prefix are a mistake.
        """
        self.assert_read(
            kinds.NETWORKS,
            ["127.0.0.1", "10.0.0.0/8", "fd00::/8"],
            (ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), ip_network("fd00::/8")),
        )
        self.assert_refused(
            kinds.NETWORKS,
            ["10.0.0.1/8", "proxy"],
            '"10.0.0.1/8" has bits beyond its prefix; write "10.0.0.0/8". "proxy" is no address or '
            'network; write a list of addresses and networks, such as ["127.0.0.1", "10.0.0.0/8"].',
        )
        self.assert_refused(
            kinds.NETWORKS,
            "127.0.0.1",
            '"127.0.0.1" is no list; write a list of addresses and networks, '
            'such as ["127.0.0.1", "10.0.0.0/8"].',
        )

    def test_origins(self) -> None:
        """
        An origin is compared byte by byte, so it is kept as browsers send it.
        """
        self.assert_read(
            kinds.ORIGINS,
            ["*", "https://Chat.Example.org", "http://localhost:3000"],
            ("*", "https://chat.example.org", "http://localhost:3000"),
        )
        self.assert_read(kinds.ORIGINS, [], ())

    def test_bad_origins(self) -> None:
        """
        An origin has no path, not even a slash.
        """
        for written in [
            "https://chat.example.org/",
            "chat.example.org",
            "https://u@chat.example.org",
            "https://chat.example.org?",
            "https://chat.example.org#",
            "ftp://chat.example.org",
            "https://",
            "https://chät.example.org",
            "https://chat.example.org:99999",
            "https://[",
            "null",
        ]:
            with self.assertRaises(ValueError) as raised:
                kinds.ORIGINS.read([written], HERE)
            self.assertIn(f'"{written}" is no origin', str(raised.exception))

    def test_public_url(self) -> None:
        """
        The public URL may have a path, and loses the slash at its end.
        """
        self.assert_read(kinds.PUBLIC_URL, "", "")
        self.assert_read(
            kinds.PUBLIC_URL, "https://files.example.org/", "https://files.example.org"
        )
        self.assert_read(kinds.PUBLIC_URL, "http://a:8080/b", "http://a:8080/b")
        for written in [
            "files.example.org",
            "https://u:p@a",
            "https://a/?b",
            "https://a b",
            "ws://a",
        ]:
            self.assert_refused(
                kinds.PUBLIC_URL,
                written,
                f'"{written}" is no such URL; write the address that clients use, '
                'such as "https://files.example.org".',
            )

    def test_redis_url(self) -> None:
        """
        A wrong URL of Redis is not repeated, since it may hold a password.
        """
        for written in ["", "redis://h:6379/0", "rediss://u:p@h", "redis+unix:///run/redis.sock"]:
            self.assert_read(kinds.REDIS_URL, written, written)
        self.assert_refused(
            kinds.REDIS_URL,
            "http://u:password@h",
            "this is no URL of a Redis server (its scheme is another); write "
            '"redis://host:6379/0", "rediss://..." with TLS, or "redis+unix:///path".',
        )


class AnyValueTests(SynchronousTestCase):
    """
    Whatever TOML says, it is read or refused in sentences.
    """

    @settings(deadline=None, max_examples=300)
    @given(st.sampled_from(KEYS), VALUES, st.booleans())
    def test_any_value(self, key: Any, value: object, unix: bool) -> None:
        """
        No value of any key raises anything but a ``ValueError`` of whole sentences.
        """
        try:
            key.kind.read(value, Place("/etc/hmacfs", unix))
        except ValueError as error:
            said = [str(each)[-1:] for each in error.args]
            self.assertEqual(set(said), {"."}, error.args)
