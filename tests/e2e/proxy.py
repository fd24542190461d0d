"""
A real nginx in front of hmacfs' UNIX socket.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from tests.process import Child


class Nginx(Child):
    """
    Debian's nginx, with TLS, HTTP/1.1 and HTTP/2 on one port of loopback.

    :ivar port: where it listens.
    :ivar log: a file with a line for each request.
    """

    def __init__(self, folder: Path, port: int, certificate: Path, snippet: str) -> None:
        """
        :param folder: a folder to be made.
        :param certificate: a PEM file, its key in it.
        :param snippet: what stands in its ``server``.
        """
        self.log = folder / "access.log"
        (folder / "temp").mkdir(parents=True)
        config = folder / "nginx.conf"
        config.write_text(
            textwrap.dedent(f"""\
                pid {folder}/nginx.pid;
                error_log stderr notice;
                user root;  # so that its worker reaches a socket of the tests
                worker_processes 1;
                events {{ worker_connections 256; }}
                http {{
                    access_log {self.log};
                    client_body_temp_path {folder}/temp/body;
                    proxy_temp_path {folder}/temp/proxy;
                    fastcgi_temp_path {folder}/temp/fastcgi;
                    uwsgi_temp_path {folder}/temp/uwsgi;
                    scgi_temp_path {folder}/temp/scgi;
                    server {{
                        listen 127.0.0.1:{port} ssl http2;
                        server_name localhost;
                        ssl_certificate {certificate};
                        ssl_certificate_key {certificate};
            """)
            + snippet
            + "}}\n"
        )
        super().__init__(
            ["nginx", "-p", str(folder), "-c", str(config), "-g", "daemon off;"],
            folder,
            ready="start worker process ",
        )
