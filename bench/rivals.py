"""
The servers that a benchmark compares, each over a folder, on loopback.

nginx is Debian's, with one worker and what it has for speed; the naive server
is what two dozen lines of twisted.web make.  None of them writes an access log
but hmacfs, whose log is a file.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import attrs

from tests.calling import until
from tests.process import Child, Daemon, free_port

_TICKS = os.sysconf("SC_CLK_TCK")

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
    client_max_body_size 0;
    client_body_buffer_size {buffer};
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
            dav_methods PUT;
            create_full_put_path on;
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

class Upload(Resource):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def render_PUT(self, request):
        with open(self.path, "wb") as file:
            file.write(request.content.read())
        request.setResponseCode(201)
        return b""

class Files(File):
    def getChild(self, path, request):
        if request.method == b"PUT":
            return Upload(f"{self.path}/{path.decode()}")
        return super().getChild(path, request)

root = Resource()
root.putChild(b"uploads", Files(sys.argv[1]))
reactor.listenTCP(int(sys.argv[2]), Site(root), interface="127.0.0.1", backlog=4096)
reactor.callWhenRunning(print, "ready", flush=True)
reactor.run()
"""


@attrs.frozen
class Server:
    """
    One of those that are compared.

    :ivar files: the folder that it serves, and stores to.
    """

    child: Child
    port: int
    files: Path

    def seconds(self) -> float:
        """
        :return: the processor time that it has taken so far.
        """
        told = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / _TICKS

    def clear(self, names: Iterable[str]) -> None:
        """Remove the files *names*."""
        for name in names:
            (self.files / name).unlink()


def nginx(folder: Path, files: Path, certificate: Path | None = None, buffer: str = "1m") -> Server:
    """
    Start nginx, its DAV module included, over *files*.

    :param folder: an existing one, for what it wants to write.
    :param certificate: a PEM file with the key, for TLS.
    :param buffer: ``client_body_buffer_size``; by nginx's own default, 16 KiB,
        it takes half as much time again for a large body as with 1 MiB.
    """
    port = free_port()
    pair = f"ssl_certificate {certificate}; ssl_certificate_key {certificate};"
    config = folder / "nginx.conf"
    config.write_text(
        _NGINX.format(
            folder=folder,
            files=files,
            port=port,
            buffer=buffer,
            secure=" ssl" if certificate else "",
            certificate=pair if certificate else "",
        )
    )
    arguments = ["/usr/sbin/nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]
    return Server(Child(arguments, folder, ready=r"using the .* event method"), port, files)


def naive(folder: Path, files: Path) -> Server:
    """
    Start ``static.File``, and a resource that writes what it gets, over *files*.
    """
    port = free_port()
    arguments = [sys.executable, "-c", _NAIVE, str(files), str(port)]
    return Server(Child(arguments, folder, ready="ready"), port, files)


def hmacfs(folder: Path, certificate: Path | None = None, **settings: object) -> Server:
    """
    Start hmacfs, its store below *folder*.
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
    return Server(daemon, port, daemon.store)


class _Quiet(Daemon):
    """A daemon whose log nobody here has to read: that would cost the client."""

    READY = None
