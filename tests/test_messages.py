"""
Tests for :mod:`hmacfs.messages`.
"""

from __future__ import annotations

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.logger import LogEvent, Logger
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import events
from hmacfs.access_log import AccessLog
from hmacfs.messages import carefully, fields, message, quickly, wording
from hmacfs.redaction import Redaction

SECRET = "correct horse battery staple"
MAC = "0123456789abcdef" * 4
REDACTION = Redaction([SECRET.encode(), b"hunter2"])

#: What a client may send, and what it must not get into a log with.
WORDS = st.one_of(
    st.text(max_size=20),
    st.lists(
        st.sampled_from(
            [
                *(SECRET, "correct horse", " battery staple", "hunter2", MAC, MAC[:63], MAC[:32]),
                *("/a?v=", "v3%3D", "token=", "Bearer ", "Authorization: ", "eyJhbGciOi.eyJz"),
                *("%", "{", " ", "/", "\n", "\r\nfake", "\x1b[2J", "\u202e", "\udcff", "\xe9", "a"),
            ]
        ),
        max_size=5,
    ).map("".join),
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.booleans(), st.none())
THINGS = st.one_of(st.binary(max_size=5), st.builds(list), st.builds(ValueError, WORDS))


def of_kind(kind: type[events.Event]) -> st.SearchStrategy[events.Event]:
    """
    :return: events of that *kind* that say whatever their fields may hold.
    """
    values = {
        "int": st.integers(min_value=0),
        "float": st.floats(min_value=0, allow_infinity=False, allow_nan=False),
        "bool": st.booleans(),
        "str": WORDS,
        "int | None": st.none() | st.integers(min_value=0),
        "str | None": st.none() | WORDS,
        "tuple[Went, ...]": st.just(()),
    }
    return st.builds(kind, *[values[str(field.type)] for field in attrs.fields(kind)])


KINDS = [
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind is not events.Event
]


def told(event: events.Event) -> LogEvent:
    """
    :return: what the observers of the log are told of *event*.
    """
    heard: list[LogEvent] = []

    class Told(AccessLog):
        # Those of the tests themselves cannot write halves of surrogate pairs.
        log = Logger(observer=heard.append)

    Told().heard(event)
    (log_event,) = heard
    return log_event


def each_by_itself(event: LogEvent) -> dict[str, object]:
    """
    :return: the fields of *event*, each redacted by itself.
    """
    safe = {
        name: REDACTION.field(name, value)
        for name, value in event.items()
        if not name.startswith("log_")
    }
    return {
        name: value for name, value in safe.items() if isinstance(value, str | int | float | None)
    }


class MessageTests(SynchronousTestCase):
    """
    The quick way says what the careful way says, or nothing.
    """

    def same(self, event: LogEvent) -> None:
        careful = carefully(event, REDACTION)
        self.assertIn(quickly(event, REDACTION), (None, careful))
        self.assertEqual(message(event, REDACTION), careful)

    @settings(max_examples=400, deadline=None)
    @given(st.sampled_from(KINDS).flatmap(of_kind))
    def test_access_log(self, event: events.Event) -> None:
        """
        Whatever a client sends, a line of the access log is the same, and so
        are its fields.
        """
        log_event = told(event)
        self.same(log_event)
        self.assertEqual(
            list(fields(log_event, REDACTION).items()), list(each_by_itself(log_event).items())
        )

    @settings(max_examples=300, deadline=None)
    @given(
        st.one_of(
            st.text(max_size=10),
            st.lists(
                st.sampled_from(["{a}", "{b}", "{token}", "{a!r}", "{b:.3f}", "{b:>9}", "{c()}"])
                | st.sampled_from(["{log_level}", "{missing}", "{a.b}", "{a[0]}", "{}", "{{", "%"])
                | st.sampled_from([" ", "v=", "%s", SECRET, MAC, "\n"]),
                max_size=4,
            ).map("".join),
        ),
        WORDS | NUMBERS | THINGS,
        WORDS | NUMBERS | THINGS,
    )
    @example("{a} {b}", "correct horse", "battery staple")
    @example("{a}", "token\n=x", "")
    @example("{b:.3f}", "", "1.0")
    def test_any_template(self, template: str, a: object, b: object) -> None:
        """
        Whatever is logged, the text is the same, and so are its fields.
        """
        event = {"log_format": template, "a": a, "b": b, "c": str, "token": "abc", "log_level": b}
        self.same(event)
        self.assertEqual(repr(fields(event, REDACTION)), repr(each_by_itself(event)))

    def test_quick(self) -> None:
        """
        An ordinary line goes the quick way.
        """
        event = {"log_format": "{path} {seconds:.3f}s 100%", "path": "/a", "seconds": 1.5}
        self.assertEqual(quickly(event, REDACTION), "/a 1.500s 100%")

    def test_not_quick(self) -> None:
        """
        A line that is anything but words and numbers, or suspicious, does not.
        """
        for template, value in (
            ("{a}", b"bytes"),
            ("{a}", "one\ntwo"),
            ("{a}", f"/a?v={MAC}"),
            ("{a}", "hunter2"),
            ("{a!r}", "word"),
            ("{token}", "word"),
            ("{missing}", "word"),
            ("{a:.3f}", "word"),
            ("{a:.1f}", 10**400),
            ("{a", "word"),
            (None, "word"),
        ):
            event = {"log_format": template, "a": value, "token": value}
            self.assertIs(quickly(event, REDACTION), None, template)

    def test_every_kind(self) -> None:
        """
        Every line of the access log may go the quick way.
        """
        for kind in KINDS:
            values = {"int": 1, "float": 1.5, "bool": True, "tuple[Went, ...]": ()}
            fields = [values.get(str(field.type), "word") for field in attrs.fields(kind)]
            said = wording(told(kind(*fields))["log_format"])
            self.assertIsNot(said, None, kind)
