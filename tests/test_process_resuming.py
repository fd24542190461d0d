"""
Tests of real daemons whose uploads break, on either side, and go on.
"""

from __future__ import annotations

import signal
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from http.client import HTTPResponse
from json import loads
from pathlib import Path
from urllib.parse import urlsplit

from tests.calling import Caller, ProcessCase, places, signed, until
from tests.process import Child, Daemon, free_port
from tests.redis import RedisServer

MIB = 2**20
HALF = MIB + 12345  # no multiple of anything that reads or writes at once
DATA = bytes(range(256)) * 8 * 1024 + b"end"
TUS = {"Tus-Resumable": "1.0.0"}


class ResumingCase(ProcessCase):
    """
    Clients that come again and again, on new connections.
    """

    def ask(
        self, daemon: Child, method: str, target: str, body: bytes = b"", **fields: object
    ) -> HTTPResponse:
        """
        :param fields: headers, with ``_`` for ``-``.
        :return: the answer to one request on a connection of its own.
        """
        headers = {name.replace("_", "-"): str(value) for name, value in fields.items()}
        caller = self.call(daemon)
        caller.request(method, target, body, headers)
        answer = caller.getresponse()
        answer.read()
        caller.close()
        return answer

    def create(self, daemon: Child, name: str = "a.bin") -> str:
        """
        :return: the target of a new tus upload of :data:`DATA`.
        """
        target = signed(name, len(DATA))
        answer = self.ask(daemon, "POST", target, Upload_Length=len(DATA), Tus_Resumable="1.0.0")
        self.assertEqual(answer.status, 201)
        return below(answer.headers["Location"])

    def offset(self, daemon: Child, target: str) -> int:
        """
        :return: how much of a tus upload is kept.
        """
        answer = self.ask(daemon, "HEAD", target, Tus_Resumable="1.0.0")
        self.assertEqual(answer.status, 204)
        return int(answer.headers["Upload-Offset"])

    def append(self, daemon: Child, target: str, start: int, stop: int | None = None) -> Caller:
        """
        Send all that is missing of a tus upload from *start* on, up to *stop*.

        :return: the connection, its answer still to come.
        """
        caller = self.call(daemon)
        self.send(caller, target, start, stop)
        return caller

    def send(self, caller: Caller, target: str, start: int, stop: int | None = None) -> None:
        """Send a part of :data:`DATA`, and of nothing but it."""
        caller.putrequest("PATCH", target)
        for name, value in {
            **TUS,
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": start,
            "Content-Length": len(DATA) - start,
        }.items():
            caller.putheader(name, str(value))
        caller.endheaders()
        caller.send(DATA[start:stop])

    def broken(self, daemon: Daemon, target: str) -> Caller:
        """
        :return: an append of which the store has the first half.
        """
        caller = self.append(daemon, target, 0, HALF)
        part = daemon.store / ".hmacfs" / "parts" / Path(urlsplit(target).path).name
        until(lambda: part.stat().st_size == HALF)
        return caller

    def assert_served(self, daemon: Child, name: str = "a.bin") -> None:
        self.assertEqual(self.call(daemon).download(name), DATA)


class BreakTests(ResumingCase):
    """
    Whoever goes away in the middle of an upload, it goes on where it broke.
    """

    def test_client_gone(self) -> None:
        """
        What a plain PUT left behind is asked about and gone on with by Content-Range.
        """
        daemon, target = self.start(), signed("a.bin", len(DATA))
        caller = self.call(daemon)
        caller.begin("a.bin", len(DATA))
        caller.send(DATA[:HALF])
        parts = daemon.store / ".hmacfs" / "parts"
        until(lambda: sum(part.stat().st_size for part in parts.iterdir()))
        caller.close()
        kept = int(daemon.wait_for("suspended at ([0-9]+) bytes: disconnected")[1])
        asked = self.ask(daemon, "PUT", target, Content_Range=f"bytes */{len(DATA)}")
        self.assertEqual(
            (asked.status, asked.headers["Range"], asked.headers["Location"]),
            (308, f"bytes=0-{kept - 1}", None),
        )
        rest = f"bytes {kept}-{len(DATA) - 1}/{len(DATA)}"
        answer = self.ask(daemon, "PUT", target, DATA[kept:], Content_Range=rest)
        self.assertEqual(answer.status, 201)
        self.assert_served(daemon)

    def test_daemon_killed(self) -> None:
        """
        After SIGKILL in the middle the next daemon tells what was kept, and goes on.
        """
        # Workers that outlive their supervisor wait no longer for what they receive.
        killed = self.start(ShutdownTimeout="100ms")
        target = self.create(killed)
        self.broken(killed, target)
        killed.signal(signal.SIGKILL)
        killed.wait()

        daemon = self.start()
        self.assertEqual(self.offset(daemon, target), HALF)
        self.assertEqual(self.append(daemon, target, HALF).status(), 204)
        self.assertEqual(self.offset(daemon, target), len(DATA))
        self.assert_served(daemon)
        self.assertEqual(daemon.stop(), 0)
        self.assertRegex(daemon.output, "uploads: 1 wait to be gone on with")

    def test_daemon_stopped(self) -> None:
        """
        What does not end within ShutdownTimeout is suspended, and the next daemon goes on.
        """
        stopped = self.start(ShutdownTimeout="100ms")
        target = self.create(stopped)
        self.broken(stopped, target)
        self.assertEqual(stopped.stop(), 0)
        self.assertRegex(
            stopped.output, f"upload of a.bin suspended at {HALF} bytes: shutting-down"
        )
        daemon = self.start()
        self.assertEqual(self.offset(daemon, target), HALF)
        self.assertEqual(self.append(daemon, target, HALF).status(), 204)
        self.assert_served(daemon)

    def test_lost_index(self) -> None:
        """
        Whoever deletes the index loses no upload: its part tells of it.
        """
        former = self.start()
        target = self.create(former)
        self.broken(former, target).close()
        former.wait_for("suspended")
        self.assertEqual(former.stop(), 0)
        for path in (former.store / ".hmacfs").glob("index.sqlite*"):
            path.unlink()
        daemon = self.start()
        self.assertEqual(self.append(daemon, target, HALF).status(), 204)
        self.assert_served(daemon)

    def test_expired(self) -> None:
        """
        What nobody goes on with goes, and its URL with it.
        """
        daemon = self.start(UploadExpiry=1, SweepInterval=1)
        target = self.create(daemon)
        daemon.wait_for("upload of a.bin waited too long and is gone")
        answer = self.ask(daemon, "HEAD", target, Tus_Resumable="1.0.0")
        self.assertEqual(answer.status, 404)
        self.assertEqual(list((daemon.store / ".hmacfs" / "parts").iterdir()), [])


class UncheckedTests(ResumingCase):
    """
    What came with a digest counts for nothing until it was held against it.
    """

    KEPT = 1000

    def kill(self, daemon: Daemon, method: str, target: str, fields: Mapping[str, str]) -> Daemon:
        """
        Send half of what is missing, and kill the daemon when it has that.

        :param fields: the header but for the length and the digest.
        :return: the next daemon.
        """
        rest = DATA[self.KEPT :]
        digest = b64encode(sha256(rest).digest()).decode()
        promise = ("Content-Digest", f"sha-256=:{digest}:")
        if "Tus-Resumable" in fields:
            promise = ("Upload-Checksum", f"sha256 {digest}")
        caller = self.call(daemon)
        caller.putrequest(method, target)
        for name, value in [*fields.items(), ("Content-Length", str(len(rest))), promise]:
            caller.putheader(name, value)
        caller.endheaders()
        caller.send(DATA[self.KEPT : HALF])
        [part] = (daemon.store / ".hmacfs" / "parts").iterdir()
        until(lambda: part.stat().st_size == HALF)
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        return self.start()

    def finish(
        self, daemon: Daemon, method: str, target: str, status: int, fields: Mapping[str, str]
    ) -> None:
        """
        Send all that is missing.
        """
        caller = self.call(daemon)
        caller.request(method, target, DATA[self.KEPT :], dict(fields))
        self.assertEqual(caller.status(), status)
        self.assert_served(daemon)

    def test_tus(self) -> None:
        """
        After SIGKILL amid a checksummed PATCH, HEAD tells where that one began.
        """
        daemon = self.start()
        target = self.create(daemon)
        patch = {**TUS, "Content-Type": "application/offset+octet-stream"}
        first = self.call(daemon)
        first.request("PATCH", target, DATA[: self.KEPT], {**patch, "Upload-Offset": "0"})
        self.assertEqual(first.status(), 204)
        rest = {**patch, "Upload-Offset": str(self.KEPT)}
        daemon = self.kill(daemon, "PATCH", target, rest)
        self.assertEqual(self.offset(daemon, target), self.KEPT)
        self.finish(daemon, "PATCH", target, 204, rest)

    def test_draft(self) -> None:
        """
        The same, by the IETF's draft with a Content-Digest.
        """
        daemon = self.start()
        caller = self.call(daemon)
        begin = {"Upload-Complete": "?0", "Upload-Length": str(len(DATA))}
        caller.request("PUT", signed("a.bin", len(DATA)), DATA[: self.KEPT], begin)
        target = below(caller.getresponse().headers["Location"])
        rest = {
            "Content-Type": "application/partial-upload",
            "Upload-Offset": str(self.KEPT),
            "Upload-Complete": "?1",
        }
        daemon = self.kill(daemon, "PATCH", target, rest)
        asked = self.ask(daemon, "HEAD", target)
        self.assertEqual(asked.headers["Upload-Offset"], str(self.KEPT))
        self.finish(daemon, "PATCH", target, 201, rest)

    def test_content_range(self) -> None:
        """
        The same, by Content-Range.
        """
        daemon, size, target = self.start(), len(DATA), signed("a.bin", len(DATA))
        caller = self.call(daemon)
        first = {"Content-Range": f"bytes 0-{self.KEPT - 1}/{size}"}
        caller.request("PUT", target, DATA[: self.KEPT], first)
        self.assertEqual(caller.status(), 308)
        rest = {"Content-Range": f"bytes {self.KEPT}-{size - 1}/{size}"}
        daemon = self.kill(daemon, "PUT", target, rest)
        asked = self.ask(daemon, "PUT", target, Content_Range=f"bytes */{size}")
        self.assertEqual(asked.headers["Range"], f"bytes=0-{self.KEPT - 1}")
        self.finish(daemon, "PUT", target, 201, rest)


class RedisTests(ResumingCase):
    """
    Redis tells nodes of each other's uploads, and nothing depends on it.
    """

    def setUp(self) -> None:
        super().setUp()
        self.redis = RedisServer()
        self.addCleanup(self.redis.close)

    def node(self, name: str, **settings: object) -> Daemon:
        """
        :return: one of several daemons that share Redis, each with a store and
            a URL of its own.
        """
        folder = self.folder / name
        folder.mkdir()
        place = f"127.0.0.1:{free_port()}"
        (folder / "hmacfs.toml").touch(0o600)
        daemon = Daemon(
            folder,
            ListenPort=place,
            PublicURL=f"http://{place}",
            RedisURL=self.redis.url,
            **settings,
        )
        self.addCleanup(daemon.end)
        return daemon

    def sent_to(self, daemon: Child, target: str) -> str | None:
        """
        :return: where a client is sent that asks *daemon* for another's
            upload, ``None`` where nobody knows of it.
        """
        answer = self.ask(daemon, "HEAD", target, Tus_Resumable="1.0.0")
        self.assertIn(answer.status, (307, 404))
        location: str | None = answer.headers["Location"]
        return location

    def ready(self, daemon: Child) -> tuple[int, str]:
        answer = self.call(daemon).ask("GET", "/ready")
        return answer.status, loads(answer.read())["status"]

    def test_other_node(self) -> None:
        """
        Who asks the wrong node is sent to the one that has the upload.
        """
        first, second = self.node("a"), self.node("b")
        target = self.create(first)
        until(lambda: self.sent_to(second, target))
        self.assertEqual(self.sent_to(second, target), f"http://{places(first)[0]}{target}")
        self.assertEqual(self.offset(first, target), 0)
        unknown = target.replace(target.partition("?")[0][-32:], "0" * 32)
        self.assertEqual(self.sent_to(second, unknown), None)

    def test_outage(self) -> None:
        """
        Uploads complete while Redis is dead; when it is back it is told of all.
        """
        first, second = self.node("a"), self.node("b")
        self.assertEqual(self.ready(first), (200, "ok"))
        under_way = self.create(first)
        caller = self.broken(first, under_way)
        self.redis.kill()
        caller.send(DATA[HALF:])
        self.assertEqual(caller.status(), 204)
        during = self.create(first, "b.bin")
        for daemon in (first, second):
            daemon.wait_for("Redis is lost")
            self.assertEqual(self.ready(daemon), (200, "degraded"))
        self.assertEqual(self.sent_to(second, during), None)
        self.redis.start()
        for daemon in (first, second):
            daemon.wait_for("Redis is back")
            self.assertEqual(self.ready(daemon), (200, "ok"))
        for target in (under_way, during):
            self.assertEqual(self.sent_to(second, target), f"http://{places(first)[0]}{target}")
        self.assertEqual(self.append(first, during, 0).status(), 204)
        self.assert_served(first, "a.bin")
        self.assert_served(first, "b.bin")

    def test_metrics(self) -> None:
        """
        What Prometheus is told includes what waits, and how Redis is.
        """
        port = free_port()
        metrics = {"MetricsEnabled": True, "MetricsPort": f"127.0.0.1:{port}"}
        daemon = self.node("a", **metrics)

        def told(*names: str) -> dict[str, str]:
            text = self.connect(f"127.0.0.1:{port}").ask("GET", "/metrics").read().decode()
            found = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
            return {name: found[f"hmacfs_{name}"] for name in names}

        up = {"uploads_waiting": "0.0", "redis_up": "1.0", "redis_behind": "0.0"}
        until(lambda: told(*up) == up)
        self.redis.kill()
        daemon.wait_for("Redis is lost")
        down = {
            "redis_up": "0.0",
            "redis_outages_total": "1.0",
            'redis_state{state="local"}': "1.0",
        }
        self.assertEqual(told(*down), down)

    def test_never_there(self) -> None:
        """
        A daemon starts and serves without the Redis that it was told of.
        """
        self.redis.kill()
        daemon = self.node("a")
        self.assertEqual(self.ready(daemon), (200, "degraded"))
        self.assertEqual(self.append(daemon, self.create(daemon), 0).status(), 204)
        self.assertRegex(daemon.output, "warn  Redis does not answer")
        self.assertEqual(daemon.stop(), 0)


def below(location: str) -> str:
    """
    :return: the target of an absolute URL.
    """
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"
