"""
A real browser, and the web server of the page that it opens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from tests.process import PATIENCE, Child
from tests.readme import blocks

_HERE = Path(__file__).parent / "js"
_BUNDLE = _HERE / "node_modules/tus-js-client/dist/tus.min.js"


def _files() -> dict[str, tuple[str, bytes]]:
    """
    :return: the type and the content of each file of the page, by its path.
    """
    (block,) = [block for block in blocks() if block.language == "js"]
    scripts = {
        "/page.js": (_HERE / "page.js").read_bytes(),
        "/tus.min.js": _BUNDLE.read_bytes(),
        "/tus.js": b"export const { Upload } = window.tus",
        "/readme.js": f"{block.text}export {{ upload }}".encode(),
    }
    page = {"/": ("text/html", (_HERE / "page.html").read_bytes())}
    return page | {path: ("text/javascript", text) for path, text in scripts.items()}


class Chromium(Child):
    """
    Debian's Chromium without a window, on one page.
    """

    def __init__(self, folder: Path, url: str) -> None:
        """
        :param folder: a folder to be made, for its profile.
        :param url: the page.
        """
        folder.mkdir()
        quiet = (
            "--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage"
            " --no-first-run --disable-background-networking --disable-component-update"
            " --disable-sync --enable-logging=stderr"
        )
        # The certificate of the tests is no authority's that it knows.
        trust = "--ignore-certificate-errors"
        profile = f"--user-data-dir={folder}"
        super().__init__(["chromium", *quiet.split(), trust, profile, url], folder)


class Page:
    """
    The web server of ``page.html``, on an origin of its own.

    :ivar url: where it is.
    """

    def __init__(self, job: Mapping[str, Any], content: bytes) -> None:
        """
        :param job: what ``page.js`` is to do.
        :param content: the file that it uploads.
        """
        told: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._told = told
        files = {
            **_files(),
            "/job": ("application/json", json.dumps(job).encode()),
            "/content": ("application/octet-stream", content),
        }

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path in files:
                    self._answer(*files[self.path])
                else:
                    self.send_error(404)

            def do_POST(self) -> None:
                told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer("text/plain", b"")

            def _answer(self, kind: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def told(self) -> dict[str, Any]:
        """
        Wait for what the page tells.

        :raise queue.Empty: it tells nothing.
        """
        return self._told.get(timeout=PATIENCE)

    def end(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
