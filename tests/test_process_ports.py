"""
Tests of a real daemon: where it listens.
"""

from __future__ import annotations

import os
import signal
import socket
import ssl
import sys

from tests.calling import ProcessCase, places
from tests.certificates import make_certificate
from tests.process import ROOT, TWISTD, Child, Daemon


class PortsTests(ProcessCase):
    """
    What ``ListenPort`` names is listened on, and serves.
    """

    def test_all_interfaces(self) -> None:
        """
        A port without a host is answered over IPv4 and over IPv6.
        """
        daemon = self.start(ListenPort=":0")
        port = places(daemon)[0].rpartition(":")[2]
        self.assertEqual(self.connect(f"127.0.0.1:{port}").upload("a.txt", b"abc"), 201)
        self.assertEqual(self.connect(f"[::1]:{port}").download("a.txt"), b"abc")

    def test_several(self) -> None:
        """
        Every address of a list serves the same files.
        """
        path = str(self.folder / "a.sock")
        daemon = self.start(ListenPort=["127.0.0.1:0", f"unix:{path}", "tcp:0:interface=127.0.0.1"])
        first, second, third = places(daemon)
        self.assertEqual(self.connect(first).upload("a.txt", b"abc"), 201)
        self.assertEqual(self.connect(second).download("a.txt"), b"abc")
        self.assertEqual(self.connect(third).download("a.txt"), b"abc")

    def test_haproxy(self) -> None:
        """
        An endpoint that is made of another one serves as well.
        """
        daemon = self.start(ListenPort="haproxy:tcp:0:interface=127.0.0.1")
        caller = self.call(daemon)
        caller.sock.sendall(b"PROXY TCP4 192.0.2.7 127.0.0.1 1234 80\r\n")
        data = os.urandom(2**20)
        self.assertEqual(caller.upload("a.bin", data), 201)
        self.assertEqual(caller.download("a.bin") == data, True)

    def test_haproxy_client(self) -> None:
        """
        Behind PROXY the client is whom the proxy tells of; what it says of itself counts nothing.
        """
        daemon = self.start(
            ListenPort="haproxy:tcp:0:interface=127.0.0.1", TrustedProxies=["127.0.0.1"]
        )
        caller = self.call(daemon)
        caller.sock.sendall(b"PROXY TCP4 192.0.2.7 127.0.0.1 1234 80\r\n")
        caller.ask("GET", "/uploads/a.txt", {"X-Forwarded-For": "198.51.100.1"}).read()
        daemon.wait_for(r" 192\.0\.2\.7:1234 .*GET /uploads/a\.txt 404")

    def test_unix(self) -> None:
        """
        A UNIX socket has its mode from its first moment on, and is gone at the end.
        """
        daemon = self.start(unix=True, UnixSocketMode="0600")
        self.assertEqual(daemon.socket_path.stat().st_mode & 0o777, 0o600)
        caller = self.call(daemon)
        self.assertEqual(caller.upload("a.txt", b"abc"), 201)
        caller.close()
        self.assertEqual((daemon.stop(), daemon.socket_path.exists()), (0, False))

    def test_stale_socket(self) -> None:
        """
        The socket of a daemon that was killed is replaced.
        """
        killed = self.start(unix=True)
        killed.signal(signal.SIGKILL)
        killed.wait()
        self.assertTrue(killed.socket_path.is_socket())
        self.assertEqual(self.call(self.start(unix=True)).upload("a.txt", b"abc"), 201)

    def test_tls(self) -> None:
        """
        A TLS endpoint takes an upload and serves a part of it.
        """
        path = make_certificate(self.folder)
        files = f"privateKey={path.name}:certKey={path.name}"
        daemon = self.start(ListenPort=f"ssl:0:interface=127.0.0.1:{files}")
        context = ssl.create_default_context(cafile=path)
        caller = self.call(daemon, context)
        data = os.urandom(3 * 2**20)
        self.assertEqual(caller.upload("a.bin", data), 201)
        answer = caller.ask("GET", "/uploads/a.bin", {"Range": "bytes=1000000-1999999"})
        self.assertEqual(
            (
                answer.status,
                answer.headers["Content-Range"],
                answer.read() == data[10**6 : 2 * 10**6],
            ),
            (206, f"bytes 1000000-1999999/{len(data)}", True),
        )


class SystemdTests(ProcessCase):
    """
    systemd may hand over sockets, and hears how the daemon is.
    """

    def test_notify(self) -> None:
        """
        It hears when the daemon is ready and when it stops.
        """
        path = str(self.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.bind(path)
            supervisor.settimeout(60)
            settings = self.write(ListenPort="127.0.0.1:0", MetricsEnabled=False)
            child = self.child("-n", "--pidfile=", "hmacfs", "-c", settings, NOTIFY_SOCKET=path)
            self.assertEqual(supervisor.recv(100), b"READY=1")
            child.signal(signal.SIGTERM)
            self.assertEqual(supervisor.recv(100), b"STOPPING=1")
        self.assertEqual(child.wait(), 0)

    def test_socket(self) -> None:
        """
        A socket that is handed over serves, keeps its path, and gets the mode of the settings.
        """
        path = str(self.folder / "a.sock")
        settings = self.write(ListenPort="systemd:domain=UNIX:index=0", MetricsEnabled=False)
        daemon = ["-n", "--pidfile=", "hmacfs", "-c", settings]
        program = [sys.executable, "-c", SOCKET_UNIT, path, *TWISTD, *daemon]
        child = Child(program, self.folder, {"PYTHONPATH": str(ROOT)}, Daemon.READY)
        self.addCleanup(child.end)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)
        caller = self.call(child)
        self.assertEqual(caller.upload("a.txt", b"abc"), 201)
        caller.close()
        child.signal(signal.SIGTERM)
        self.assertEqual((child.wait(), os.path.exists(path)), (0, True))


#: What a socket unit of systemd does: bind, and become the service.
SOCKET_UNIT = """
import os, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
listening.setblocking(False)
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="hmacfs")
os.execv(sys.argv[2], sys.argv[2:])
"""
