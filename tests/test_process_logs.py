"""
Tests of a real daemon: what it logs, and what it counts.
"""

from __future__ import annotations

import json
import signal
import ssl
from http.client import HTTPConnection

from prometheus_client.parser import text_string_to_metric_families

from hmacfs.signing import Claim, sign
from tests.calling import ProcessCase, places, signed, until
from tests.certificates import make_certificate
from tests.process import SECRET

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqdWxpZXQifQ.c2lnbmF0dXJl"


class LogTests(ProcessCase):
    """
    The log tells what happened, and nothing that is secret.
    """

    def test_redaction(self) -> None:
        """
        Whatever a client sends, no signature, token or secret is in the log at any level.
        """
        daemon = self.start(LogLevel="debug")
        caller = self.call(daemon)
        self.assertEqual(caller.upload("a.txt", b"abc"), 201)
        mac = signed("a.txt", 3).partition("v=")[2]
        other = sign("v2", Claim(path=b"b.txt", size=1), SECRET.encode())
        for target, headers in (
            (f"/uploads/b.txt?v2={other}", {"User-Agent": f"fox?token={mac}"}),
            (f"/uploads/b.txt?v%3D{mac}", {"Authorization": "Basic Zm9vOmJhcg=="}),
            (f"/uploads/b.txt?x={mac}", {"User-Agent": f"Bearer {JWT}"}),
            ("/uploads/b.txt", {"Authorization": f"Bearer {JWT}"}),
            (f"/uploads/{SECRET.replace(' ', '%20')}?v={mac}", {}),
        ):
            answer = self.call(daemon).ask("PUT", target, {"Content-Length": "0", **headers})
            answer.read()
        self.assertEqual(daemon.stop(), 0)
        for secret in (mac, other, "Zm9vOmJhcg", JWT, JWT.split(".")[2], SECRET):
            self.assertNotIn(secret, daemon.output)
        self.assertIn("PUT /uploads/a.txt 201", daemon.output)

    def test_injection(self) -> None:
        """
        A client can neither start a line of the log nor colour it.
        """
        daemon = self.start()
        caller = self.call(daemon)
        caller.ask("GET", "/uploads/a%0A.txt", {"User-Agent": "fox \x9b31m\x852026 fake"}).read()
        line = daemon.wait_for(".*GET /uploads/a%0A.txt.*")[0]
        self.assertTrue(line.endswith(r"fox \x9b31m\x852026 fake"), line)

    def test_json(self) -> None:
        """
        With ``LogFormat = "json"`` each line is an object, and requests have their id.
        """
        daemon = self.start(LogFormat="json")
        answer = self.call(daemon).ask("GET", "/uploads/a.txt")
        answer.read()
        self.assertEqual(daemon.stop(), 0)
        lines = [json.loads(line) for line in daemon.output.splitlines()]
        (told,) = (line for line in lines if line.get("status") == 404)
        self.assertEqual(
            (told["request"], told["method"], told["path"], told["code"]),
            (answer.headers["X-Request-ID"], "GET", "/uploads/a.txt", "not-found"),
        )

    def test_rotated(self) -> None:
        """
        After SIGHUP the log goes on in the file that has the name now.
        """
        log, former = self.folder / "a.log", self.folder / "a.log.1"
        settings = self.write(ListenPort="127.0.0.1:0", MetricsEnabled=False, LogFile="a.log")
        daemon = self.child("-n", "--pidfile=", "hmacfs", "-c", settings)
        until(lambda: log.exists() and "ready; next" in log.read_text())
        log.rename(former)
        daemon.signal(signal.SIGHUP)
        until(lambda: log.exists() and "SIGHUP: the log goes on here" in log.read_text())
        daemon.signal(signal.SIGTERM)
        self.assertEqual((daemon.wait(), daemon.output), (0, ""))
        self.assertTrue(log.read_text().endswith("info  stopped\n"))
        self.assertNotIn("SIGHUP", former.read_text())

    def test_nothing_came_up(self) -> None:
        """
        With a log file, why nothing came up is told on standard error as well.
        """
        place = places(self.start())[0]
        settings = self.write(
            ListenPort=place, LogFile="a.log", StoreDir="other", MetricsEnabled=False
        )
        daemon = self.child("-n", "--pidfile=", "hmacfs", "-c", settings)
        self.assertEqual(daemon.wait(), 1)
        self.assertRegex(daemon.output, rf"^\S+ critical ListenPort: {place} is taken: .*\n$")
        self.assertIn(daemon.output, (self.folder / "a.log").read_text())

    def test_hangup(self) -> None:
        """
        Without a log file SIGHUP changes nothing.
        """
        daemon = self.start()
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("SIGHUP")
        self.assertEqual(self.call(daemon).upload("a.txt", b"abc"), 201)


class MetricsTests(ProcessCase):
    """
    The numbers are on a port of their own.
    """

    def numbers(self, caller: HTTPConnection) -> dict[str, float]:
        """
        :return: the values of the metrics whose labels the tests know.
        """
        caller.request("GET", "/metrics")
        text = caller.getresponse().read().decode()
        return {
            f"{sample.name}{sorted(sample.labels.values())}": sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def test_own_port(self) -> None:
        """
        They count what was done, and the public port knows nothing of them.
        """
        daemon = self.start(
            ListenPort="127.0.0.1:0", MetricsEnabled=True, MetricsPort="127.0.0.1:0"
        )
        caller = self.call(daemon)
        self.assertEqual(caller.upload("a.txt", b"abc"), 201)
        self.assertEqual(caller.download("a.txt"), b"abc")
        self.assertEqual(caller.ask("GET", "/metrics").status, 404)
        place = daemon.wait_for(r" metrics: ([^, ]+),")[1]
        daemon.wait_for("GET /metrics 404")
        numbers = self.numbers(self.connect(place))
        self.assertEqual(
            [
                numbers["hmacfs_requests_total['201', 'PUT']"],
                numbers["hmacfs_requests_total['200', 'GET']"],
                numbers["hmacfs_requests_total['404', 'GET']"],
                numbers["hmacfs_uploads_completed_total['stored']"],
                numbers["hmacfs_downloads_completed_total[]"],
                numbers["hmacfs_received_bytes_total[]"],
                numbers["hmacfs_connections_open[]"],
            ],
            [1, 1, 1, 1, 1, 3, 1],
        )
        self.assertGreater(numbers["hmacfs_store_free_bytes[]"], 0)
        self.assertGreater(numbers["process_resident_memory_bytes[]"], 0)
        self.assertEqual(self.connect(place).ask("GET", "/uploads/a.txt").status, 404)

    def test_unix(self) -> None:
        """
        They may be on a UNIX socket.
        """
        path = self.folder / "metrics.sock"
        daemon = self.start(MetricsEnabled=True, MetricsPort=f"unix:{path}")
        daemon.wait_for(f"metrics: unix:{path}, at /metrics")
        self.assertIn("hmacfs_transfers['upload']", self.numbers(self.connect(f"unix:{path}")))

    def test_tls(self) -> None:
        """
        They may be behind TLS.
        """
        path = make_certificate(self.folder)
        place = f"ssl:0:interface=127.0.0.1:privateKey={path}:certKey={path}"
        daemon = self.start(MetricsEnabled=True, MetricsPort=place)
        caller = self.connect(
            daemon.wait_for(r"metrics: ([^, ]+) \(ssl\)")[1],
            ssl.create_default_context(cafile=path),
        )
        self.assertIn("hmacfs_transfers['upload']", self.numbers(caller))

    def test_none(self) -> None:
        """
        Without metrics there is no port for them.
        """
        self.assertNotIn("metrics: ", self.start().output)
