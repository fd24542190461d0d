"""
The servers that a benchmark compares: each over the same folder, on loopback.

nginx is Debian's, with one worker and what it has for speed; the naive server
is what a dozen lines of twisted.web make.  None of them writes an access log
but hmacfs, whose log is a file.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.calling import until
from tests.process import Child, Daemon, free_port

_NGINX = """\
daemon off;
master_process off;
worker_processes 1;
user root;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=1000 inactive=60s;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    types {{ }}
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port}{secure} backlog=4096;
        {certificate}
        location /uploads/ {{
            alias {files}/;
        }}
    }}
}}
"""

_NAIVE = """\
import sys
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import File

root = Resource()
root.putChild(b"uploads", File(sys.argv[1]))
reactor.listenTCP(int(sys.argv[2]), Site(root), interface="127.0.0.1", backlog=4096)
reactor.callWhenRunning(print, "ready", flush=True)
reactor.run()
"""


def nginx(folder: Path, files: Path, certificate: Path | None = None) -> tuple[Child, int]:
    """
    Start nginx over *files*.

    :param folder: an existing one, for what it wants to write.
    :param certificate: a PEM file with the key, for TLS.
    :return: the server, and the port that it listens on.
    """
    port = free_port()
    pair = f"ssl_certificate {certificate}; ssl_certificate_key {certificate};"
    config = folder / "nginx.conf"
    config.write_text(
        _NGINX.format(
            folder=folder,
            files=files,
            port=port,
            secure=" ssl" if certificate else "",
            certificate=pair if certificate else "",
        )
    )
    arguments = ["/usr/sbin/nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]
    return Child(arguments, folder, ready=r"using the .* event method"), port


def naive(folder: Path, files: Path) -> tuple[Child, int]:
    """
    Start ``static.File`` over *files*.

    :return: as :func:`nginx`.
    """
    port = free_port()
    arguments = [sys.executable, "-c", _NAIVE, str(files), str(port)]
    return Child(arguments, folder, ready="ready"), port


def hmacfs(folder: Path, certificate: Path | None = None, **settings: object) -> tuple[Daemon, int]:
    """
    Start hmacfs, its store below *folder*.

    :return: as :func:`nginx`.
    """
    port = free_port()
    listen = f"127.0.0.1:{port}"
    if certificate is not None:
        listen = f"ssl:{port}:privateKey={certificate}:certKey={certificate}:interface=127.0.0.1"
    log = folder / "hmacfs.log"
    log.touch()
    table = {"ListenPort": listen, "MaxUploadSize": "0", "LogFile": str(log), **settings}
    daemon = _Quiet(folder, **table)
    try:
        until(lambda: re.search(Daemon.READY, log.read_text()))
    except AssertionError:
        daemon.end()
        raise
    return daemon, port


class _Quiet(Daemon):
    """A daemon whose log nobody here has to read: that would cost the client."""

    READY = None
