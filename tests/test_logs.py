"""
Tests for :mod:`hmacfs.logs`.
"""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

from twisted.logger import Logger, LogLevel, LogPublisher
from twisted.python.failure import Failure
from twisted.python.log import LogPublisher as FormerPublisher
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.logs import LogFile, Stream, observer

SECRET = b"correct horse battery staple"
MAC = "0123456789abcdef" * 4


class Written(SynchronousTestCase):
    """
    A log that is written to memory.
    """

    def setUp(self) -> None:
        self.written = BytesIO()

    def logger(self, level: str = "info", format: str = "text", of: str = "hmacfs.test") -> Logger:
        """
        :return: what logs to the observer that is tried.
        """
        tried = observer(level, format, [SECRET], self.written.write)
        return Logger(namespace=of, observer=LogPublisher(tried))

    def lines(self) -> list[str]:
        """
        :return: what was written, the times taken off.
        """
        return [line[25:] if line[:1] != " " else line for line in self.text().splitlines()]

    def text(self) -> str:
        return self.written.getvalue().decode()


class TextTests(Written):
    """
    An event is one line; what it drags along is indented.
    """

    def test_line(self) -> None:
        """
        A line has its time in UTC, its level and its text.
        """
        tried = observer("info", "text", [], self.written.write)
        tried(
            {
                "log_time": 1795348800.1234,
                "log_level": LogLevel.warn,
                "log_namespace": "hmacfs.test",
                "log_format": "{cats} cats",
                "cats": 3,
            }
        )
        self.assertEqual(self.text(), "2026-11-22T12:00:00.123Z warn  3 cats\n")

    def test_failure(self) -> None:
        """
        A failure has its traceback below, without what is secret.
        """
        try:
            raise RuntimeError(f"key {SECRET.decode()} of /a?v={MAC}\n2026 fake line")
        except RuntimeError:
            self.logger().failure("it broke")
        first, second, *_, last, fake = self.lines()
        self.assertEqual(
            (first, second, last, fake),
            (
                "critical it broke",
                "    Traceback (most recent call last):",
                "    builtins.RuntimeError: key <redacted> of /a?v=<redacted>",
                "    2026 fake line",
            ),
        )

    def test_injection(self) -> None:
        """
        What a client sent starts no line and drives no terminal.
        """
        self.logger().info("{method} {path}", method="GET", path="/a\r\nfake\x1b[2J\u202e")
        self.assertEqual(self.lines(), ["info  GET /a\\r\\nfake\\x1b[2J\\u202e"])

    def test_redaction(self) -> None:
        """
        Secrets are cut out of fields and of the finished text.
        """
        self.logger().info(
            "{path}?v={mac} {key!r} {authorization}",
            path="/a",
            mac=MAC,
            key=SECRET,
            authorization="Basic Zm9v",
        )
        self.assertEqual(self.lines(), ["info  /a?v=<redacted> b'<redacted>' <redacted>"])

    def test_not_formatted(self) -> None:
        """
        What a client sent is no template.
        """
        self.logger().info("{path}", path="/{authorization}/%s")
        self.assertEqual(self.lines(), ["info  /{authorization}/%s"])

    def test_broken_template(self) -> None:
        """
        A line that cannot be made says so, and is no way around the redaction.
        """
        self.logger().info("{missing}", path=f"/a?v={MAC}")
        self.assertNotIn(MAC, self.text())
        self.assertIn("nable to format event", self.text())

    def test_former_log(self) -> None:
        """
        Twisted's former log is written as well, on indented lines where it has several.
        """
        former = FormerPublisher(
            publishPublisher=LogPublisher(observer("info", "text", [], self.written.write))
        )
        former.msg("a quiet word")
        former.msg(f"a loud\nword of /a?v2={MAC}", isError=1)
        self.assertEqual(self.lines(), ["critical a loud", "    word of /a?v2=<redacted>"])

    def test_any_text(self) -> None:
        """
        Halves of surrogate pairs and other alphabets are written as UTF-8.
        """
        self.logger().info("{name}", name="caf\xe9 \udcff")
        self.assertEqual(self.lines(), ["info  caf\xe9 \\udcff"])


class JSONTests(Written):
    """
    An event is one object with its fields.
    """

    def object(self) -> dict[str, object]:
        """
        :return: the one object that was written.
        """
        (text,) = self.text().splitlines()
        parsed = json.loads(text)
        assert isinstance(parsed, dict)
        return parsed

    def test_object(self) -> None:
        """
        The text, its level, its logger, its time and every field are there.
        """
        tried = observer("info", "json", [], self.written.write)
        tried(
            {
                "log_time": 1795348800.0,
                "log_level": LogLevel.info,
                "log_namespace": "hmacfs.test",
                "log_format": "{path} {status}",
                "path": "/a",
                "status": 201,
                "owner": None,
            }
        )
        self.assertEqual(
            self.object(),
            {
                "time": "2026-11-22T12:00:00.000Z",
                "level": "info",
                "logger": "hmacfs.test",
                "message": "/a 201",
                "path": "/a",
                "status": 201,
                "owner": None,
            },
        )

    def test_order(self) -> None:
        """
        First is what every line has, then the fields in their order.
        """
        self.logger(format="json").info("{b} {a}", b="word", a=1.5, c=None)
        told = '"level": "info", "logger": "hmacfs.test", "message": "word 1.5", "b": "word", '
        self.assertEqual(self.text()[37:], told + '"a": 1.5, "c": null}\n')

    def test_redaction(self) -> None:
        """
        Fields are redacted too, those that the text leaves out among them.
        """
        self.logger(format="json").info("hello", path=f"/a?token={MAC}\n", token="abc", key=SECRET)
        told = self.object()
        self.assertEqual(
            (told["path"], told["token"], told.get("key")),
            ("/a?token=<redacted>\\n", "<redacted>", None),
        )

    def test_no_overwriting(self) -> None:
        """
        A field cannot pose as the level or the text of its line.
        """
        self.logger(format="json").info("hello", logger="nobody", message="another")
        told = self.object()
        self.assertEqual((told["logger"], told["message"]), ("hmacfs.test", "hello"))

    def test_failure(self) -> None:
        """
        A traceback is a field of the object.
        """
        self.logger(format="json").failure("it broke", Failure(ValueError(SECRET.decode())))
        told = self.object()
        self.assertEqual(told["message"], "it broke")
        self.assertIn("ValueError: <redacted>", str(told["traceback"]))


class WorkerTests(Written):
    """
    Where there are several processes a line says whose it is.
    """

    def told(self, format: str) -> str:
        tried = observer("info", format, [], self.written.write, 2)
        tried(
            {
                "log_time": 0.0,
                "log_level": LogLevel.warn,
                "log_namespace": "x",
                "log_format": "no cats",
            }
        )
        return self.text()

    def test_text(self) -> None:
        """
        Its number stands before the text.
        """
        self.assertEqual(self.told("text"), "1970-01-01T00:00:00.000Z warn  [2] no cats\n")

    def test_json(self) -> None:
        """
        Its number is a field.
        """
        self.assertEqual(json.loads(self.told("json"))["worker"], 2)


class LevelTests(Written):
    """
    ``LogLevel`` is the least that is written.
    """

    def levels(self, level: str, of: str = "hmacfs.test") -> list[str]:
        """
        :return: which levels are written.
        """
        log = self.logger(level, of=of)
        for each in LogLevel.iterconstants():
            log.emit(each, "hello")
        return [line.split()[0] for line in self.lines()]

    def test_levels(self) -> None:
        """
        What is less important than asked for is left out.
        """
        self.assertEqual(self.levels("warn"), ["warn", "error", "critical"])

    def test_twisted(self) -> None:
        """
        Twisted's own words on ports and factories are left out at ``info``.
        """
        self.assertEqual(self.levels("info", "twisted.web"), ["warn", "error", "critical"])

    def test_remembered(self) -> None:
        """
        The same is written each time that it is said.
        """
        log, foreign = self.logger(), self.logger(of="twisted.web")
        for _ in range(2):
            log.info("hello")
            foreign.info("hello")
        self.assertEqual(self.lines(), ["info  hello"] * 2)

    def test_nobody(self) -> None:
        """
        An event without a logger or a level is not written.
        """
        tried = observer("debug", "text", [], self.written.write)
        tried({"log_format": "hello", "log_level": LogLevel.info})
        tried({"log_format": "hello", "log_namespace": "hmacfs.test"})
        self.assertEqual(self.text(), "")

    def test_debug(self) -> None:
        """
        At ``debug`` all is told.
        """
        self.assertEqual(
            self.levels("debug", "twisted.web"), ["debug", "info", "warn", "error", "critical"]
        )


class LogFileTests(SynchronousTestCase):
    """
    The log goes on in the file that has the name.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def open(self) -> LogFile:
        log = LogFile(str(self.path))
        self.addCleanup(log.close)
        return log

    def test_appended(self) -> None:
        """
        A file that is there is gone on with, and each line is there at once.
        """
        self.path.write_text("before\n")
        self.open().write(b"after\n")
        self.assertEqual(self.path.read_text(), "before\nafter\n")

    def test_together(self) -> None:
        """
        Lines that come together are there at the end.
        """
        log = self.open()
        with log.gathered():
            log.write(b"one\n")
            log.write(b"two\n")
            self.assertEqual(self.path.read_text(), "")
        self.assertEqual(self.path.read_text(), "one\ntwo\n")

    def test_private(self) -> None:
        """
        A new file is not for everybody to read.
        """
        self.open()
        self.assertEqual(self.path.stat().st_mode & 0o007, 0)

    def test_rotated(self) -> None:
        """
        After a rotation it goes on in a new file, and the former one is left alone.
        """
        log = self.open()
        log.write(b"one\n")
        former = self.path.rename(self.path.with_suffix(".1"))
        log.write(b"two\n")
        log.reopen()
        log.write(b"three\n")
        self.assertEqual((former.read_text(), self.path.read_text()), ("one\ntwo\n", "three\n"))

    def test_cannot_reopen(self) -> None:
        """
        Where the new file cannot be opened, the former one stays in use.
        """
        log = self.open()
        former = self.path.rename(self.path.with_suffix(".1"))
        self.path.mkdir()
        self.assertRaises(OSError, log.reopen)
        log.write(b"still here\n")
        self.assertEqual(former.read_text(), "still here\n")

    def test_stream(self) -> None:
        """
        Standard output has nothing to be opened anew.
        """
        memory = BytesIO()
        stream = Stream(memory)
        stream.write(b"one\n")
        stream.reopen()
        stream.write(b"two\n")
        self.assertEqual(memory.getvalue(), b"one\ntwo\n")
