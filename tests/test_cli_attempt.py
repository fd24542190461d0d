"""
Tests for :mod:`hmacfs.cli.attempt`: what ``hmacfs try`` says where a step fails.

That it ends well is shown with a real daemon, in :mod:`tests.test_cli_daemon`.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

from twisted.trial.unittest import SynchronousTestCase

from tests.commands import Ran, run, write_settings

Answer = tuple[int, bytes]

#: A page as a proxy has it.
PAGE = b"<html><h1>no</h1></html>"


def refusal(status: int, code: str) -> Answer:
    """
    :return: an answer as hmacfs gives it to whoever accepts JSON.
    """
    return status, json.dumps({"status": status, "code": code, "text": "No."}).encode()


class Somebody(HTTPServer):
    """
    Answers every method as it was told, whatever is asked; a GET for which it
    was told nothing with what was PUT, and a question as "ask" says.
    """

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        kept: dict[str, bytes] = {}

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                path = self.path.partition("?")[0]
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asks = "Content-Range" in self.headers
                if self.command == "PUT" and not asks:
                    kept[path] = body
                given = (200, kept.get(path, b""))
                status, body = answers.get("ask" if asks else self.command, given)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_GET = answer

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self.serve_forever, args=[0.01])
        self._thread.start()

    def stop(self) -> None:
        """End, and let go of the port."""
        self.shutdown()
        self._thread.join()
        self.server_close()


class AttemptTests(SynchronousTestCase):
    """
    ``hmacfs try`` names the step that failed and what to look at.
    """

    def attempt(self, answers: Mapping[str, Answer]) -> Ran:
        """
        :param answers: what whoever listens says to PUT and to GET.
        :return: what ``hmacfs try`` makes of it.
        """
        somebody = Somebody(answers)
        self.addCleanup(somebody.stop)
        return self.against(f"127.0.0.1:{somebody.server_port}")

    def against(self, listen: str, *arguments: str) -> Ran:
        """
        :param listen: a ``ListenPort``.
        """
        path = write_settings(self.mktemp(), ListenPort=listen)
        return run("try", "-c", path, *arguments)

    def assertFails(self, ran: Ran, steps: int, *words: str) -> None:
        """
        Check that so many steps went well, and then one did not.
        """
        missing = [word for word in words if word not in ran.err]
        self.assertEqual(
            (ran.status, ran.out.count("ok  "), missing, ran.err.count("Traceback")),
            (1, steps, [], 0),
            ran,
        )

    def test_nobody(self) -> None:
        """
        Where nobody listens, the daemon is to be started.
        """
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        ran = self.against(f"127.0.0.1:{port}")
        self.assertFails(ran, 1, f"nothing answers at http://127.0.0.1:{port}", "twistd -n hmacfs")

    def test_no_socket(self) -> None:
        """
        The same with a UNIX socket, by its path.
        """
        path = Path(self.mktemp()).resolve()
        path.mkdir()
        ran = self.against(f"unix:{path}/h.sock")
        self.assertFails(ran, 1, f"nothing answers at {path}/h.sock", "twistd -n hmacfs")

    def test_wrong_secret(self) -> None:
        """
        A daemon with another secret is told from one that fails.
        """
        ran = self.attempt({"PUT": refusal(403, "bad-signature")})
        self.assertFails(ran, 2, "the upload", "403", "another secret")

    def test_wrong_prefix(self) -> None:
        """
        So is one with another UploadSubDir.
        """
        ran = self.attempt({"PUT": refusal(404, "not-found")})
        self.assertFails(ran, 2, "the upload", "404", "UploadSubDir")

    def test_other_refusal(self) -> None:
        """
        Any other refusal is repeated, and the log has more.
        """
        ran = self.attempt({"PUT": refusal(500, "internal")})
        self.assertFails(ran, 2, "500", "No.", "The daemon's log")

    def test_proxy_bounds(self) -> None:
        """
        A proxy that takes no large bodies is told from the daemon.
        """
        ran = self.attempt({"PUT": (413, PAGE)})
        self.assertFails(ran, 2, "not the answer of hmacfs", "client_max_body_size")

    def test_proxy_alone(self) -> None:
        """
        So is one that does not reach the daemon.
        """
        ran = self.attempt({"PUT": (502, PAGE)})
        self.assertFails(ran, 2, "not the answer of hmacfs", "ListenPort")

    def test_other_json(self) -> None:
        """
        JSON that is not of hmacfs' form is somebody else's, or at least no traceback.
        """
        for body in (b"[]", b'{"code": 1}', b'{"text": {}, "code": {}}', b"{"):
            self.assertFails(self.attempt({"PUT": (500, body)}), 2, "500")

    def test_redirect(self) -> None:
        """
        A redirect is not followed but told of.
        """
        ran = self.attempt({"PUT": (301, PAGE)})
        self.assertFails(ran, 2, "301", "redirects")

    def test_download(self) -> None:
        """
        A download that is refused is told from an upload.
        """
        ran = self.attempt({"PUT": (201, b""), "GET": refusal(404, "not-found")})
        self.assertFails(ran, 3, "the download", "404")

    def test_other_bytes(self) -> None:
        """
        Bytes that come back changed are noticed.
        """
        ran = self.attempt({"PUT": (201, b""), "GET": (200, b"x" * 2**20)})
        self.assertFails(ran, 4, "the bytes", "SHA-256")

    def test_not_resumable(self) -> None:
        """
        A daemon that cannot tell what it kept is told from one that kept nothing.
        """
        ran = self.attempt({"PUT": (201, b""), "ask": refusal(400, "partial-put")})
        self.assertFails(ran, 6, "asking what is kept", "400", "308")

    def test_held_back(self) -> None:
        """
        One that kept nothing may have got nothing, of the proxy before it.
        """
        ran = self.attempt({"PUT": (201, b""), "ask": (308, b"")})
        self.assertFails(ran, 6, "asking what is kept", "proxy_request_buffering off")

    def test_no_tls(self) -> None:
        """
        Where https is asked for and none is spoken, TLS is what fails.
        """
        somebody = Somebody({})
        self.addCleanup(somebody.stop)
        url = f"https://127.0.0.1:{somebody.server_port}"
        self.assertFails(self.against("127.0.0.1:1", "--url", url), 1, "TLS", url)

    def test_silent(self) -> None:
        """
        Somebody who hangs up in place of an answer is not taken for the daemon.
        """
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def hang_up() -> None:
                listening.accept()[0].close()

            thread = Thread(target=hang_up)
            thread.start()
            self.addCleanup(thread.join)
            ran = self.against(f"127.0.0.1:{listening.getsockname()[1]}")
        self.assertFails(ran, 2, "the answer to PUT does not come")

    def test_unknown_address(self) -> None:
        """
        Where the settings do not say where to go, the caller must.
        """
        self.assertFails(self.against("systemd:domain=INET:index=0"), 0, "--url")

    def test_certificate(self) -> None:
        """
        A certificate that the settings name and that is not there is told of.
        """
        ran = self.against("ssl:8443:certKey=/nonexistent.pem:privateKey=/nonexistent.pem")
        self.assertFails(ran, 1, "the certificate: /nonexistent.pem")
