"""
Tests for :mod:`hmacfs.access_log`.
"""

from __future__ import annotations

import attrs
from twisted.logger import LogEvent, Logger, LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import events
from hmacfs.access_log import AccessLog

ASKED = events.RequestCompleted(
    at=0.0,
    request="ab12-7",
    connection=1,
    client="192.0.2.1",
    method="PUT",
    path="/uploads/a.txt",
    status=201,
    code="",
    received=1000,
    sent=0,
    duration=0.0421,
    agent="curl/8.5",
)


class AccessLogTests(SynchronousTestCase):
    """
    A request is one line at its end; what led to it is there at ``debug``.
    """

    def told(self, *happened: events.Event) -> list[tuple[LogLevel, str]]:
        """
        :return: the levels and texts that *happened* are logged with.
        """
        with capturedLogs() as captured:
            for event in happened:
                AccessLog().heard(event)
        return [(event["log_level"], formatEvent(event)) for event in captured]

    def test_request(self) -> None:
        """
        A request that was answered is a line with its client, its bytes and its id.
        """
        line = "192.0.2.1 PUT /uploads/a.txt 201 in=1000 out=0 0.042s [ab12-7] curl/8.5"
        self.assertEqual(self.told(ASKED), [(LogLevel.info, line)])

    def test_refused(self) -> None:
        """
        A request that was answered with an error has its code in the line.
        """
        ((level, line),) = self.told(attrs.evolve(ASKED, status=409, code="exists"))
        self.assertEqual(
            (level, "/uploads/a.txt 409 exists in=1000" in line), (LogLevel.info, True)
        )

    def test_no_hint(self) -> None:
        """
        Where there is no more to say of a refused upload than its code, nothing more is said.
        """
        event = events.UploadRefused(
            at=0.0, request="ab12-7", status=404, code="not-found", hint=""
        )
        self.assertEqual(
            self.told(event), [(LogLevel.info, "upload refused: 404 not-found [ab12-7]")]
        )

    def test_our_fault(self) -> None:
        """
        An answer that blames the server is a warning.
        """
        ((level, _),) = self.told(attrs.evolve(ASKED, status=507, code="no-space"))
        self.assertEqual(level, LogLevel.warn)

    def test_fields(self) -> None:
        """
        The values of an event are fields of its line.
        """
        with capturedLogs() as captured:
            AccessLog().heard(ASKED)
        (event,) = captured
        self.assertEqual({name: event[name] for name in attrs.asdict(ASKED)}, attrs.asdict(ASKED))

    def test_as_logger(self) -> None:
        """
        The observers are told what a logger would tell them.
        """
        heard: list[LogEvent] = []

        class Told(AccessLog):
            log = Logger(observer=heard.append)

        told = Told()
        told.heard(ASKED)
        told.log.emit(LogLevel.info, heard[0]["log_format"], **attrs.asdict(ASKED))
        ours, theirs = ({**event, "log_time": 0, "log_logger": repr(told.log)} for event in heard)
        self.assertEqual(ours, theirs)
        self.assertLess(abs(heard[1]["log_time"] - heard[0]["log_time"]), 60)

    def test_kinds(self) -> None:
        """
        It wants to hear of what is written at its level; of what is answered
        too, as far as a warning is.
        """
        completed, redis = events.RequestCompleted, events.RedisLost
        self.assertEqual(AccessLog("warn").kinds, {completed, redis})
        self.assertEqual(AccessLog("error").kinds, set())
        self.assertEqual(AccessLog("info").kinds & {events.DownloadStarted, completed}, {completed})
        self.assertIn(events.DownloadStarted, AccessLog("debug").kinds)

    def test_levels(self) -> None:
        """
        At ``warn`` an answer is told of where it blames the server, at
        ``error`` never.
        """
        told = {}
        for level in ("info", "warn", "error"):
            with capturedLogs() as captured:
                for status in (201, 404, 500):
                    AccessLog(level).heard(attrs.evolve(ASKED, status=status))
            told[level] = [event["status"] for event in captured]
        self.assertEqual(told, {"info": [201, 404, 500], "warn": [500], "error": []})

    def test_each_by_itself(self) -> None:
        """
        What an observer adds to an event is in no other.
        """
        with capturedLogs() as captured:
            log = AccessLog()
            for _ in range(2):
                log.heard(ASKED)
                captured[-1]["mine"] = True
        self.assertIsNot(captured[0], captured[1])
        self.assertEqual(formatEvent(captured[0]), formatEvent(captured[1]))

    def test_every_event(self) -> None:
        """
        Every kind of event has its line, and its template fits.
        """
        values = {
            "at": 0.0,
            "request": "ab12-7",
            "connection": 1,
            "peer": "unix",
            "client": "unix",
            "method": "PUT",
            "path": "/uploads/a.txt",
            "status": 0,
            "code": "bad-signature",
            "received": 3,
            "sent": 4,
            "duration": 1.5,
            "agent": "",
            "reason": "disconnected",
            "name": "a.txt",
            "size": 5,
            "dialect": "v",
            "repeated": False,
            "owner": None,
            "offset": 2,
            "hint": "v over a.txt and 5 bytes",
            "transfers": 6,
            "missed": 7,
            "id": "0123456789abcdef",
            "version": "1a",
            "why": "expired",
            "confirmed": True,
            "duty": "the sweep",
            "went": (),
        }
        kinds = [
            kind
            for kind in vars(events).values()
            if isinstance(kind, type)
            and issubclass(kind, events.Event)
            and kind is not events.Event
        ]
        happened = [
            kind(**{field.name: values[field.name] for field in attrs.fields(kind)})
            for kind in kinds
        ]
        debug, info, warn = LogLevel.debug, LogLevel.info, LogLevel.warn
        self.assertEqual(
            dict(zip([kind.__name__ for kind in kinds], self.told(*happened), strict=True)),
            {
                "ConnectionOpened": (debug, "unix connection 1 opened"),
                "ConnectionClosed": (debug, "unix connection 1 closed, 1.500s"),
                "RequestReceived": (debug, "unix PUT /uploads/a.txt received [ab12-7]"),
                "RequestCompleted": (
                    info,
                    "unix PUT /uploads/a.txt 0 bad-signature in=3 out=4 1.500s [ab12-7] ",
                ),
                "RequestFailed": (
                    info,
                    "unix PUT /uploads/a.txt 0 broke off: disconnected in=3 out=4 1.500s [ab12-7]",
                ),
                "UploadStarted": (debug, "upload of a.txt started, 5 bytes by v [ab12-7]"),
                "UploadCompleted": (debug, "upload of a.txt stored, 5 bytes [ab12-7]"),
                "UploadSuspended": (
                    info,
                    "upload of a.txt suspended at 2 bytes: disconnected [ab12-7]",
                ),
                "UploadResumed": (debug, "upload of a.txt goes on at 2 bytes [ab12-7]"),
                "UploadExpired": (
                    info,
                    "upload of a.txt waited too long and is gone [0123456789abcdef]",
                ),
                "UploadFailed": (info, "upload of a.txt failed: disconnected [ab12-7]"),
                "UploadRefused": (
                    info,
                    "upload refused: 0 bad-signature: v over a.txt and 5 bytes [ab12-7]",
                ),
                "DownloadStarted": (debug, "download of a.txt started [ab12-7]"),
                "DownloadCompleted": (debug, "download of a.txt complete, 4 bytes [ab12-7]"),
                "DownloadFailed": (
                    debug,
                    "download of a.txt broke off at 4 bytes: disconnected [ab12-7]",
                ),
                "AccessRefused": (
                    info,
                    "request refused: 0 bad-signature: v over a.txt and 5 bytes [ab12-7]",
                ),
                "FileRemoved": (info, "a.txt deleted, 5 bytes [ab12-7]"),
                "VersionRemoved": (info, "version 1a of a.txt deleted, 5 bytes [ab12-7]"),
                "VersionRestored": (info, "version 1a of a.txt restored, 5 bytes [ab12-7]"),
                "RedisLost": (warn, "Redis is lost, uploads go on without it: disconnected"),
                "RedisBack": (
                    info,
                    "Redis is back after 1.5s, and was told 7 changes that it had missed",
                ),
                "Retired": (info, "swept: version 1a of a.txt, 5 bytes, expired"),
                "SweepHalted": (debug, "sweep halted: expired"),
                "SweepReleased": (debug, "sweep released, confirmed: True"),
                "DutyDone": (debug, "the sweep done in 1.500s"),
                "ShutdownStarted": (
                    info,
                    "shutting down: no new connections; 6 transfers under way may finish",
                ),
            },
        )

    def test_swept_file(self) -> None:
        """
        A file that was swept is no version of one.
        """
        told = self.told(events.Retired(0.0, "a.txt", "", 5, "expired"))
        self.assertEqual(told, [(LogLevel.info, "swept: a.txt, 5 bytes, expired")])

    def test_unknown(self) -> None:
        """
        An event that has no line is passed over.
        """
        self.assertEqual(self.told(events.Event(at=0.0)), [])
