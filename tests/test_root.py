"""
Tests for :mod:`hmacfs.web.root`: what stands where.
"""

from __future__ import annotations

from json import loads

from twisted.internet.defer import Deferred, fail, succeed

from hmacfs.records import Figures
from hmacfs.web.root import make_site
from tests.serving import ServingCase, signed, timed
from tests.wire import Conversation


class TreeTests(ServingCase):
    """
    Files stand below the prefix, and little stands elsewhere.
    """

    def status(self, method: str, target: str) -> int:
        return self.client.request(method, target).status

    def test_table(self) -> None:
        """
        Folders are 403, what is not there is 404, what is no name is 400.
        """
        self.put("a/b", b"x")
        cases = {
            "/": 403,
            "/uploads": 403,
            "/uploads/": 403,
            "/uploads/a": 403,
            "/uploads/a/": 403,
            "/uploads/a/b": 200,
            "/uploads/a/b/c": 404,
            "/uploads/none": 404,
            "/uploads/.hmacfs/secret": 404,
            "/uploads/a/../a/b": 400,
            "/uploads/a%2fb": 400,
            "/uploads//a": 400,
            "/uploads/%zz": 400,
            "/%75ploads/a/b": 200,
            "/none": 404,
            "/none/": 404,
            "/metrics": 404,
            "/health": 200,
            "/health/": 404,
            "/health/a": 404,
            "/ready": 200,
            "/ready/a": 404,
        }
        self.assertEqual({target: self.status("GET", target) for target in cases}, cases)

    def test_deep_prefix(self) -> None:
        """
        A prefix may have several segments.
        """
        self.serve(UploadSubDir="up/load")
        target = signed("a", 1, prefix="/up/load/")
        self.assertEqual(self.client.request("PUT", target, body=b"x").status, 201)
        self.assertEqual(self.status("GET", "/up/load/a"), 200)
        self.assertEqual((self.status("GET", "/up"), self.status("GET", "/up/")), (403, 403))

    def test_methods(self) -> None:
        """
        What is not known here is 405, with what is.
        """
        found = {
            target: self.client.request(method, target).headers.get("allow")
            for method, target in [("PATCH", "/uploads/a"), ("BREW", "/health")]
        }
        self.assertEqual(
            found,
            {
                "/uploads/a": "DELETE, GET, HEAD, OPTIONS, POST, PUT",
                "/health": "GET, HEAD, OPTIONS",
            },
        )

    def test_preflight(self) -> None:
        """
        A browser is told what it may send, and what it may read.
        """
        answer = self.client.request(
            "OPTIONS",
            "/uploads/a",
            "Origin: https://web.example",
            "Access-Control-Request-Method: PUT",
        )
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.headers["access-control-allow-origin"], "*")
        self.assertIn("PUT", answer.headers["access-control-allow-methods"])
        self.assertIn("Authorization", answer.headers["access-control-allow-headers"])
        self.assertIn("ETag", answer.headers["access-control-expose-headers"])
        self.assertIn("DELETE", answer.headers["access-control-allow-methods"])
        self.assertEqual(answer.headers["allow"], "DELETE, GET, HEAD, OPTIONS, POST, PUT")

    def test_whole_server(self) -> None:
        """
        ``OPTIONS *`` is answered.
        """
        self.assertEqual(self.status("OPTIONS", "*"), 204)


class SignedDownloadTests(ServingCase):
    """
    Where downloads are signed, who has the URL has nothing.
    """

    def test_signed(self) -> None:
        """
        GET and HEAD want a ``v3`` signature, for what is there and what is not.
        """
        self.serve(DownloadAuth="signed")
        self.put("a", b"abc")
        found = [
            self.client.request(method, target).status
            for method, target in [
                ("GET", "/uploads/a"),
                ("GET", "/uploads/none"),
                ("GET", timed("GET", "a")),
                ("HEAD", timed("GET", "a")),
                ("GET", timed("PUT", "a")),
                ("GET", timed("GET", "none")),
                ("GET", timed("GET", "a", expires=1)),
            ]
        ]
        self.assertEqual(found, [403, 403, 200, 200, 403, 404, 410])


class HealthTests(ServingCase):
    """
    Who watches the daemon hears how it is.
    """

    def test_health(self) -> None:
        """
        A process that answers is healthy.
        """
        self.assertEqual(loads(self.client.request("GET", "/health").body), {"status": "ok"})

    def test_ready(self) -> None:
        """
        A store with space is ready.
        """
        self.assertEqual(
            loads(self.client.request("GET", "/ready").body), {"status": "ok", "problems": []}
        )

    def test_stopping(self) -> None:
        """
        A daemon that is about to stop is not ready for more.
        """
        self.site.draining = True
        answer = self.client.request("GET", "/ready")
        self.assertEqual((answer.status, loads(answer.body)["status"]), (503, "unavailable"))

    def test_faults(self) -> None:
        """
        What an operator should know is told.
        """
        self.store.faults = lambda: ["No attributes."]
        answer = self.client.request("GET", "/ready")
        self.assertEqual(
            (answer.status, loads(answer.body)),
            (200, {"status": "degraded", "problems": ["No attributes."]}),
        )

    def test_without_redis(self) -> None:
        """
        Uploads can be taken while Redis is away, and that is told.
        """
        self.metadata.faults = lambda: ["Redis does not answer."]
        answer = self.client.request("GET", "/ready")
        self.assertEqual(
            (answer.status, loads(answer.body)),
            (200, {"status": "degraded", "problems": ["Redis does not answer."]}),
        )

    def test_halted(self) -> None:
        """
        What is told from elsewhere, of a sweep that has halted say, is told as well.
        """
        told = ["The sweep has halted."]
        site = make_site(
            self.store, self.metadata, self.hub, self.settings, self.clock, lambda: told
        )
        answer = Conversation(site).request("GET", "/ready")
        self.assertEqual(
            (answer.status, loads(answer.body)), (200, {"status": "degraded", "problems": told})
        )

    def test_no_space(self) -> None:
        """
        A store without space is not ready.
        """
        self.store.figures = lambda: succeed(Figures(files=1, size=1, free=0))
        answer = self.client.request("GET", "/ready")
        self.assertEqual(
            (answer.status, loads(answer.body)),
            (
                503,
                {
                    "status": "unavailable",
                    "problems": ["The store has no space left for uploads."],
                },
            ),
        )

    def test_no_answer(self) -> None:
        """
        Neither is one that fails, which is logged and told without its words.
        """
        self.store.figures = lambda: fail(OSError("/srv/secret"))
        answer = self.client.request("GET", "/ready")
        self.assertEqual(
            (answer.status, loads(answer.body)),
            (503, {"status": "unavailable", "problems": ["The store does not answer."]}),
        )
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_gone(self) -> None:
        """
        Who has left hears nothing.
        """
        asked: Deferred[Figures] = Deferred()
        self.store.figures = lambda: asked
        self.client.send(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
        self.client.vanish()
        asked.callback(Figures(files=1, size=1, free=1))
        self.assertEqual(self.client.transport.written, b"")
