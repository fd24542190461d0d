"""
Tests of a real daemon on real sockets: how it starts, serves and ends.

See also :mod:`tests.test_process_ports` and :mod:`tests.test_process_logs`.
"""

from __future__ import annotations

import re
import signal
import socket
import sys
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from threading import Thread

from hmacfs import __version__
from tests.calling import ProcessCase, places, until
from tests.process import ROOT, Child

MIB = 2**20


class StartTests(ProcessCase):
    """
    The daemon says what it is and where, or all that is wrong.

    :cvar serving: the lines about who serves, where that is not it alone.
    """

    serving: tuple[str, ...] = ()

    def test_first_lines(self) -> None:
        """
        The first lines stand once, and tell where everything is.
        """
        daemon = self.start(ListenPort="127.0.0.1:0", MetricsEnabled=True, MetricsPort="[::1]:0")
        lines = [line[25:] for line in daemon.output.splitlines()]
        self.assertEqual(
            [re.sub(r":\d+, ", ":PORT, ", line) for line in lines[1:]],
            [
                f"info  configuration: {daemon.config}",
                *self.serving,
                f"info  store: {daemon.store}; durability full: "
                "what is answered 201 survives a power cut",
                "info  store: in order, its files carry their attributes",
                "info  uploads: one that breaks goes on within 1d, by tus, the IETF draft or "
                "Content-Range",
                "info  metrics: [::1]:PORT, at /metrics",
                "info  listening: 127.0.0.1:PORT, files at /uploads/",
                f'info  ready; next: "hmacfs try --config {daemon.config}" uploads and fetches a '
                f'file, "hmacfs setup prosody URL --config {daemon.config}" tells your XMPP '
                "server of it",
            ],
        )
        self.assertTrue(lines[0].startswith(f"info  hmacfs {__version__} with Twisted "))

    def test_descriptors(self) -> None:
        """
        It takes as many descriptors as it may have, and says so.
        """
        former = getrlimit(RLIMIT_NOFILE)
        self.addCleanup(setrlimit, RLIMIT_NOFILE, former)
        setrlimit(RLIMIT_NOFILE, (former[1] - 1, former[1]))
        daemon = self.start()
        self.assertIn(f"{former[1]} may be open at once, in place of", daemon.output)
        bounds = Path(f"/proc/{daemon.pid}/limits").read_text()
        self.assertRegex(bounds, rf"Max open files +{former[1]} ")

    def test_wrong_settings(self) -> None:
        """
        Every problem is listed, and the status is 1.
        """
        path = self.write(Secret="changeme", Listenport="x", LogLevel=3)
        child = self.child("-n", "--pidfile=", "hmacfs", "-c", path)
        status = child.wait()
        self.assertEqual(
            (status, [line.split(": ")[0] for line in child.output.splitlines()]),
            (1, ["hmacfs", "  Listenport", "  Secret", "  LogLevel"]),
        )

    def test_check(self) -> None:
        """
        Settings can be checked beside a daemon that runs in the same folder.
        """
        self.child("-n", "hmacfs", "-c", self.write(ListenPort="127.0.0.1:0", MetricsEnabled=False))
        until((self.folder / "twistd.pid").exists)
        child = self.child("hmacfs", "--check", "-c", self.write(LogLevel="debug"))
        self.assertEqual(
            (child.wait(), child.output), (0, f"{self.folder}/settings.toml: all is well.\n")
        )

    def test_taken_ports(self) -> None:
        """
        Every port that is taken is named with its key, and the status is 1.
        """
        daemon = self.start(
            ListenPort="127.0.0.1:0", MetricsEnabled=True, MetricsPort="127.0.0.1:0"
        )
        listening, metrics = places(daemon)[0], daemon.wait_for(r"metrics: (\S+),")[1]
        for enabled in (False, True):
            path = self.write(
                ListenPort=listening,
                StoreDir="other",
                MetricsEnabled=enabled,
                MetricsPort=metrics,
            )
            child = self.child("-n", "hmacfs", "-c", path)
            self.assertEqual(child.wait(), 1)
            taken = [("MetricsPort", metrics)] * enabled + [("ListenPort", listening)]
            self.assertEqual(
                re.findall(r"critical (.*)\n", child.output),
                [
                    f"{key}: {place} is taken: another program listens there."
                    for key, place in taken
                ],
            )
        self.assertNotIn("Traceback", child.output)
        self.assertFalse((self.folder / "twistd.pid").exists())

    def test_taken_store(self) -> None:
        """
        A store that another daemon has is refused in one sentence.
        """
        daemon = self.start()
        path = self.write(ListenPort="127.0.0.1:0", StoreDir="store", MetricsEnabled=False)
        child = self.child("-n", "--pidfile=", "hmacfs", "-c", path)
        self.assertEqual(child.wait(), 1)
        self.assertRegex(child.output, f"StoreDir: .*in use by another daemon.* {daemon.pid}")
        self.assertNotIn("Traceback", child.output)


class ServeTests(ProcessCase):
    """
    What was uploaded is served, and nobody can fill the memory.
    """

    def test_there_and_back(self) -> None:
        """
        A file comes back as it went, on one connection.
        """
        data = bytes(range(256)) * 4096
        caller = self.call(self.start())
        self.assertEqual(caller.upload("a b/ü.bin", data), 201)
        self.assertEqual(caller.download("a%20b/%C3%BC.bin"), data)

    def test_slow_disk(self) -> None:
        """
        A client that outruns the disk is held back, and memory stays flat.
        """
        path = self.write(ListenPort="127.0.0.1:0", MetricsEnabled=False, MaxUploadSize="4GiB")
        program = [sys.executable, "-m", "tests.slow_disk", "-n", "--pidfile="]
        daemon = Child(
            [*program, "hmacfs", "-c", path], self.folder, {"PYTHONPATH": str(ROOT)}, "ready; next"
        )
        self.addCleanup(daemon.end)
        idle = memory(daemon.pid)
        caller, sent = self.call(daemon), 0
        caller.begin("large.bin", 1024 * MIB)

        def hurry() -> None:
            nonlocal sent
            piece = bytes(MIB)
            try:
                while True:
                    caller.send(piece)
                    sent += len(piece)
            except OSError:
                pass  # the test has seen enough

        fast = Thread(target=hurry)
        fast.start()
        parts = self.folder / "store" / ".hmacfs" / "parts"
        until(lambda: sum(part.stat().st_size for part in parts.iterdir()) > 32 * MIB)
        stored = sum(part.stat().st_size for part in parts.iterdir())
        ahead, grown = sent - stored, memory(daemon.pid) - idle
        caller.sock.shutdown(socket.SHUT_RDWR)
        fast.join()
        self.assertLess(ahead, 24 * MIB, "what the kernel and two chunks hold")
        self.assertLess(grown, 24 * MIB)


class EndTests(ProcessCase):
    """
    An orderly stop lets transfers end; a disorderly one leaves nothing half-done.
    """

    def test_idle(self) -> None:
        """
        With nothing under way SIGTERM and SIGINT end it at once with status 0.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.start()
            daemon.signal(number)
            self.assertEqual(daemon.wait(), 0)
            self.assertTrue(daemon.output.endswith("info  stopped\n"))

    def test_drain(self) -> None:
        """
        After SIGTERM an upload under way ends with its 201, and nobody new is let in.
        """
        daemon = self.start(LogLevel="debug")
        caller = self.call(daemon)
        caller.begin("a.txt", 6)
        caller.send(b"abc")
        daemon.wait_for("upload of a.txt started")
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("shutting down: no new connections; 1 transfers")
        self.assertRaises(ConnectionRefusedError, self.call, daemon)
        caller.send(b"def")
        self.assertEqual((caller.status(), daemon.wait()), (201, 0))
        self.assertEqual((daemon.store / "a.txt").read_bytes(), b"abcdef")

    def test_too_slow(self) -> None:
        """
        What does not end within ShutdownTimeout is suspended, and the status is 0.
        """
        daemon = self.start(LogLevel="debug", ShutdownTimeout="100ms")
        caller = self.call(daemon)
        caller.begin("a.txt", 6)
        caller.send(b"abc")
        daemon.wait_for("upload of a.txt started")
        self.assertEqual(daemon.stop(), 0)
        self.assertRegex(daemon.output, "upload of a.txt suspended at 3 bytes: shutting-down")
        parts = daemon.store / ".hmacfs" / "parts"
        self.assertEqual([part.stat().st_size for part in parts.iterdir()], [3])
        self.assertFalse((daemon.store / "a.txt").exists())

    def test_second_signal(self) -> None:
        """
        A second signal ends it at once, by that signal.
        """
        daemon = self.start(LogLevel="debug")
        caller = self.call(daemon)
        caller.begin("a.txt", 6)
        daemon.wait_for("upload of a.txt started")
        daemon.signal(signal.SIGTERM)
        daemon.wait_for("shutting down")
        daemon.signal(signal.SIGINT)
        self.assertEqual(daemon.wait(), -signal.SIGINT)

    def test_killed(self) -> None:
        """
        After SIGKILL in mid-upload nothing is served, and the same upload then succeeds.
        """
        # Workers that outlive their supervisor wait no longer for what they receive.
        killed = self.start(LogLevel="debug", ShutdownTimeout="100ms")
        caller = self.call(killed)
        caller.begin("a.txt", 2 * MIB)
        caller.send(b"x" * MIB)
        killed.wait_for("upload of a.txt started")
        killed.signal(signal.SIGKILL)
        killed.wait()

        daemon = self.start()
        caller = self.call(daemon)
        self.assertEqual(caller.ask("GET", "/uploads/a.txt").read(), NOTHING)
        data = b"y" * (2 * MIB)
        self.assertEqual(caller.upload("a.txt", data), 201)
        self.assertEqual(caller.download("a.txt"), data)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual([line for line in daemon.output.splitlines() if " info " not in line], [])


NOTHING = b"Nothing is kept under this name. (not-found)\n"


def memory(pid: int) -> int:
    """
    :return: the most bytes that the process *pid* has held.
    """
    with open(f"/proc/{pid}/status") as status:
        (line,) = (line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
