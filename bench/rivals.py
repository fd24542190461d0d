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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from bench import processes
from bench.probing import Probe
from tests.calling import until
from tests.process import Child, Daemon, free_port, run_hmacfs

_NGINX = """\
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 20000;
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
        listen {address}:{port}{secure} backlog=4096;
        {certificate}
        location = /health {{ return 200 "ok"; }}
        {location}
    }}
}}
"""

_DAV = """\
        location /uploads/ {{
            alias {files}/;
            dav_methods PUT;
            create_full_put_path on;
        }}
"""

_NAIVE = """\
import sys
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.static import Data, File

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
root.putChild(b"health", Data(b"ok", "text/plain"))
reactor.listenTCP(int(sys.argv[2]), Site(root), interface="127.0.0.1", backlog=4096)
reactor.callWhenRunning(print, "ready", flush=True)
reactor.run()
"""

LOOPBACK = "127.0.0.1"


@attrs.frozen
class Place:
    """
    Where servers with TLS run and are reached.

    :ivar listen: the address that they listen at.
    :ivar reached: the one that their clients connect to.
    :ivar inside: what a command begins with that is to run there.
    """

    listen: str = LOOPBACK
    reached: str = LOOPBACK
    inside: Sequence[str] = ()


NEAR = Place()


@attrs.frozen
class Server:
    """
    One of those that are compared.

    :ivar port: where its clients come.
    :ivar files: the folder that it serves, and stores to.
    :ivar probe: asks for its ``/health``.
    :ivar secure: whether its clients speak TLS.
    :ivar behind: the daemon behind it, where it is a proxy.
    :ivar place: where it is.
    :ivar idle: megabytes of its largest process, once it was ready.
    """

    child: Child
    port: int
    files: Path
    probe: Probe
    secure: bool = False
    behind: Child | None = None
    place: Place = NEAR
    idle: float = attrs.field(
        default=attrs.Factory(lambda self: self.largest("VmRSS"), takes_self=True)
    )

    @property
    def children(self) -> list[Child]:
        """All that belongs to it."""
        return [self.child] if self.behind is None else [self.child, self.behind]

    @property
    def url(self) -> str:
        """Without a slash at its end."""
        return f"http{'s' if self.secure else ''}://{self.place.reached}:{self.port}"

    def seconds(self) -> float:
        """
        :return: the processor time that it has taken so far.
        """
        return sum(processes.processor(child.pid) for child in self.children)

    def largest(self, field: str) -> float:
        """
        :return: megabytes of the process that has most.
        """
        return max(processes.largest(child.pid, field) for child in self.children)

    def peak(self) -> float:
        """
        :return: the most megabytes that one of its processes had.
        """
        return self.largest("VmHWM")

    def forget_peak(self) -> None:
        """Let the peak begin anew."""
        for child in self.children:
            processes.forget_peaks(child.pid)

    @contextmanager
    def asking(self, period: float) -> Iterator[list[tuple[float, float]]]:
        """
        Ask for ``/health`` meanwhile; nothing is asked where TLS is spoken.
        """
        if self.secure:
            yield []
        else:
            with self.probe.asking(self.port, period) as taken:
                yield taken

    def clear(self, prefix: str) -> None:
        """Remove the files whose names begin with *prefix*."""
        with os.scandir(self.files) as entries:
            for entry in entries:
                if entry.name.startswith(prefix):
                    os.unlink(entry)

    def end(self) -> None:
        """End all of it."""
        for child in self.children:
            child.end()


@attrs.frozen
class Rivals:
    """
    Starts them.

    :ivar probe: asks for their ``/health``.
    :ivar certificate: a PEM file with the key, for TLS.
    """

    probe: Probe
    certificate: Path

    def nginx(
        self,
        folder: Path,
        secure: bool = False,
        buffer: str = "1m",
        place: Place = NEAR,
    ) -> Server:
        """
        Start nginx with its DAV module.

        :param folder: an existing one, for what it wants to write.
        :param buffer: ``client_body_buffer_size``; by nginx's own default, 16 KiB,
            it takes half as much time again for a large body as with 1 MiB.
        """
        files = folder / "files"
        files.mkdir()
        port = free_port()
        child = self._nginx(folder, port, secure, buffer, _DAV.format(files=files), place)
        return Server(child, port, files, self.probe, secure, None, place)

    def naive(self, folder: Path) -> Server:
        """
        Start ``static.File``, and a resource that writes what it gets.
        """
        files = folder / "files"
        files.mkdir()
        port = free_port()
        arguments = [sys.executable, "-c", _NAIVE, str(files), str(port)]
        return Server(Child(arguments, folder, ready="ready"), port, files, self.probe)

    def hmacfs(self, folder: Path, secure: bool = False, **settings: object) -> Server:
        """
        Start hmacfs, its store below *folder*.
        """
        port = free_port()
        listen = f"{LOOPBACK}:{port}"
        if secure:
            pair = f"privateKey={self.certificate}:certKey={self.certificate}"
            listen = f"ssl:{port}:{pair}:interface={LOOPBACK}"
        daemon = _started(lambda: _Quiet(folder, **_settings(folder, settings, listen)))
        return Server(daemon, port, daemon.store, self.probe, secure)

    def fronted(
        self,
        folder: Path,
        place: Place = NEAR,
        **settings: object,
    ) -> Server:
        """
        Start hmacfs on a UNIX socket, and before it nginx with TLS, by what
        ``hmacfs setup nginx`` prints.
        """
        daemon = _started(lambda: _Quiet(folder, unix=True, **_settings(folder, settings)))
        try:
            config = ["--config", str(daemon.config)]
            location = run_hmacfs("setup", "nginx", "https://localhost", *config)
            port = free_port()
            child = self._nginx(folder, port, True, "16k", location, place)
        except BaseException:
            daemon.end()
            raise
        return Server(child, port, daemon.store, self.probe, True, daemon, place)

    def _nginx(
        self,
        folder: Path,
        port: int,
        secure: bool,
        buffer: str,
        location: str,
        place: Place,
    ) -> Child:
        pair = f"ssl_certificate {self.certificate}; ssl_certificate_key {self.certificate};"
        config = folder / "nginx.conf"
        config.write_text(
            _NGINX.format(
                folder=folder,
                address=place.listen,
                port=port,
                buffer=buffer,
                secure=" ssl" if secure else "",
                certificate=pair if secure else "",
                location=location,
            )
        )
        command = ["/usr/sbin/nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]
        return Child([*place.inside, *command], folder, ready=r"using the .* event method")


def _settings(
    folder: Path, settings: dict[str, object], listen: str | None = None
) -> dict[str, object]:
    log = folder / "hmacfs.log"
    log.touch()
    place = {} if listen is None else {"ListenPort": listen}
    return {
        "MaxUploadSize": "0",
        "MinFreeSpace": "0",
        "LogFile": str(log),
        "Durability": "fast",
        **place,
        **settings,
    }


def _started(start: Callable[[], _Quiet]) -> _Quiet:
    daemon = start()
    log = daemon.config.parent / "hmacfs.log"
    try:
        until(lambda: re.search(Daemon.READY, log.read_text()))
    except AssertionError:
        daemon.end()
        raise
    return daemon


class _Quiet(Daemon):
    """A daemon whose log nobody here has to read: that would cost the client."""

    READY = None
