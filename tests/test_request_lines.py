"""
Tests for :mod:`hmacfs.request_lines`.
"""

from __future__ import annotations

import re
from io import BytesIO

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.access_log import AccessLog
from hmacfs.events import Event, RequestCompleted, RequestReceived
from hmacfs.logs import observer
from hmacfs.request_lines import KEPT, LONGEST, RequestLines
from tests.test_messages import WORDS

SECRETS = [b"correct horse battery staple", b"hunter2", b"/a 200 in=0"]
ASKED = RequestCompleted(
    at=0.0,
    request="ab12-7",
    connection=1,
    client="192.0.2.1",
    method="GET",
    path="/uploads/a.txt",
    status=200,
    code="",
    received=0,
    sent=1000,
    duration=0.0421,
    agent="curl/8.5",
)


class RequestLinesTests(SynchronousTestCase):
    """
    The line of an answered request is what it is without the short cut.
    """

    def log(
        self,
        *happened: Event,
        level: str = "info",
        straight: bool = True,
        format: str = "text",
        worker: int = 7,
    ) -> list[bytes]:
        """
        :return: the lines of *happened*, without their times.
        """
        written = BytesIO()
        past = RequestLines(SECRETS, lambda data: written.write(data), worker, format)
        observing = observer(level, format, SECRETS, written.write, worker)

        class Observed(AccessLog):
            log = Logger(observer=observing)

        log = Observed(level, past if straight else None)
        for event in happened:
            log.heard(event)
        time = re.compile(rb"[0-9-]{10}T[0-9:.]{12}Z")
        return [time.sub(b"", line, 1) for line in written.getvalue().splitlines(keepends=True)]

    def straight(self, event: RequestCompleted) -> int:
        """
        :return: how many lines come the short way where *event* happens.
        """
        lines: list[bytes] = []
        log = AccessLog("info", RequestLines(SECRETS, lines.append))
        log.heard(event)
        return len(lines)

    @settings(max_examples=300, deadline=None)
    @given(
        st.builds(
            RequestCompleted,
            st.just(0.0),
            st.sampled_from(["ab12-7", "0f-1"]),
            st.just(1),
            st.sampled_from(["192.0.2.1", "unix", "2001:db8::1"]),
            WORDS,
            WORDS,
            st.sampled_from([200, 404, 500]),
            st.sampled_from(["", "not-found", "wants-bearer"]),
            st.integers(0),
            st.integers(0),
            st.floats(0, 1e9),
            WORDS,
        )
    )
    @example(attrs.evolve(ASKED, path="/a"))
    @example(attrs.evolve(ASKED, agent=""))
    def test_same(self, event: RequestCompleted) -> None:
        """
        Whatever a client sends, the line is the same, each time that it comes.
        """
        for format in ("text", "json"):
            expected = self.log(event, event, straight=False, format=format)
            self.assertEqual(self.log(event, event, format=format), expected)

    def test_worker(self) -> None:
        """
        Where there are no workers, no line has the number of one.
        """
        for format in ("text", "json"):
            expected = self.log(ASKED, straight=False, format=format, worker=0)
            self.assertEqual(self.log(ASKED, format=format, worker=0), expected)

    def test_taken(self) -> None:
        """
        An ordinary answer, and one with an error, go the short way.
        """
        told = (ASKED, attrs.evolve(ASKED, status=404, code="not-found"))
        self.assertEqual([self.straight(event) for event in told], [1, 1])

    def test_not_taken(self) -> None:
        """
        What is to be hidden or made visible, blames the server or is too long
        to remember does not.
        """
        for event in (
            attrs.evolve(ASKED, path="/a?v=1"),
            attrs.evolve(ASKED, path="/a"),
            attrs.evolve(ASKED, agent="\x1b[2J"),
            attrs.evolve(ASKED, agent="hunter2"),
            attrs.evolve(ASKED, status=500),
            attrs.evolve(ASKED, path="/" * (LONGEST + 1)),
            attrs.evolve(ASKED, method="X" * (LONGEST + 1)),
        ):
            self.assertEqual(self.straight(event), 0, event)

    def test_order(self) -> None:
        """
        Lines that go either way stand in the log as they came.
        """
        received = RequestReceived(0.0, "ab12-7", 1, "192.0.2.1", "GET", "/uploads/a.txt")
        failed = attrs.evolve(ASKED, status=503, code="overloaded")
        told = self.log(received, ASKED, failed, ASKED, level="debug")
        self.assertEqual([line.split()[0] for line in told], [b"debug", b"info", b"warn", b"info"])

    def test_level(self) -> None:
        """
        Where the log wants warnings alone, nothing of an ordinary answer is written.
        """
        self.assertEqual(self.log(ASKED, level="warn"), [])

    def test_bounded(self) -> None:
        """
        However many paths there are, only so many are remembered.
        """
        lines = RequestLines([], lambda data: None)
        log = AccessLog("info", lines)
        for number in range(KEPT + 10):
            log.heard(attrs.evolve(ASKED, path=f"/{number}"))
        self.assertEqual(lines.harmless.cache_info().currsize, KEPT)
