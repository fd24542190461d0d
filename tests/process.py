"""
Real processes, for the tests that need them: started, waited for, ended.

A :class:`Child` is any program in the foreground; :class:`Daemon` is a real
``twistd hmacfs`` with a configuration of its own.  Nobody sleeps here: a
caller waits for a line of the child's output, and a reader thread wakes it.
Every child leads a process group of its own, so that :meth:`Child.end` leaves
nothing behind, whatever the child had started itself.
"""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread

import toml

ROOT = Path(__file__).resolve().parent.parent
SECRET = "a secret for the tests, and for nothing else"
PATIENCE = 60.0  # seconds that a busy machine may take; nothing waits that long that works

# twistd is no module that "python -m" could run, and the script beside the
# interpreter is missing where Twisted is found through PYTHONPATH alone.
TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
HMACFS = [sys.executable, "-c", "from hmacfs.cli import main; raise SystemExit(main())"]


# Below the ports that Linux hands out by itself (net.ipv4.ip_local_port_range):
# one of those may become the near end of anyone's connection before the child
# that it is meant for has bound it.  None is handed out twice.
_PORTS = iter(random.SystemRandom().sample(range(15_000, 32_000), 17_000))


def free_port() -> int:
    """
    :return: a TCP port of loopback that nobody listens on, and that no other
        call in this process was given.
    """
    for port in _PORTS:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no free port is left on loopback")


def run_hmacfs(*arguments: str) -> str:
    """
    Run the command line.

    :return: what it prints on standard output.
    :raise AssertionError: it failed.
    """
    told = subprocess.run(
        [*HMACFS, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert told.returncode == 0, f"hmacfs {arguments}: {told.stdout}{told.stderr}"
    return told.stdout


def hear_interrupts() -> None:
    """
    Let children end on SIGINT.  A shell ignores it for what it starts in the
    background, the tests maybe, and whoever is started by these inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class Child:
    """
    One program in the foreground, with its output read as it comes.

    :ivar pid: its process id, and that of its group.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        ready: str | None = None,
    ) -> None:
        """
        :param arguments: the program and what it is told.
        :param folder: where it runs.
        :param environment: what it knows beside the environment of the tests.
        :param ready: a regular expression for the line that says that it is
            ready; it is waited for.
        :raise AssertionError: it did not get ready, and is ended.
        """
        hear_interrupts()
        known = {**os.environ, **(environment or {})}
        # Where warnings are errors, Twisted's TLS would break in the child: it
        # uses what pyOpenSSL wants to be rid of.
        known.pop("PYTHONWARNINGS", None)
        self._process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=known,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._lines: list[str] = []
        self._closed = False
        self._news = Condition()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        if ready is not None:
            try:
                self.wait_for(ready)
            except AssertionError:
                self.end()
                raise

    @property
    def output(self) -> str:
        """All that it has said so far, standard error included."""
        with self._news:
            return "".join(self._lines)

    def wait_for(self, pattern: str, timeout: float = PATIENCE) -> re.Match[str]:
        """
        Wait for a line of the output.

        :param pattern: a regular expression, searched for in each line.
        :param timeout: seconds.
        :return: the match in the first line that has one, said already or yet to come.
        :raise AssertionError: the child ended, or time went by, without it.
        """

        def found() -> re.Match[str] | None:
            matches = (re.search(pattern, line) for line in self._lines)
            return next((match for match in matches if match), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._closed, timeout)
            match = found()
            if match is None:
                said = "".join(self._lines)
                how = "ended" if self._closed else f"waited {timeout:g} s"
                raise AssertionError(f"{how} without a line like {pattern!r}:\n{said}")
            return match

    def signal(self, number: int) -> None:
        """
        :param number: a signal for the child itself, not for its group.
        """
        self._process.send_signal(number)

    def wait(self, timeout: float = PATIENCE) -> int:
        """
        Wait until it has ended and all its output is in.

        :return: its exit status, or minus the signal that ended it.
        """
        status = self._process.wait(timeout)
        self._reader.join(timeout)
        return status

    def end(self) -> None:
        """
        End it and all that it started, at once.  Harmless when it has ended already.
        """
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                with self._news:
                    self._lines.append(line.decode(errors="replace"))
                    self._news.notify_all()
        with self._news:
            self._closed = True
            self._news.notify_all()


class Daemon(Child):
    """
    A ``twistd hmacfs`` in the foreground, ready to serve once it is made.

    :ivar config: its configuration file.
    :ivar store: its store.
    :ivar socket_path: where it listens when *unix* was asked for.
    :ivar url: the base URL, its slash at the end included; with *unix* that
        of the proxy before it, given as ``PublicURL``.
    """

    READY = r"\bready; next: "

    def __init__(self, folder: Path, unix: bool = False, **settings: object) -> None:
        """
        :param folder: an existing folder for its configuration, store and socket.
        :param unix: listen on a UNIX socket in place of a free port of loopback.
        :param settings: keys of the configuration that differ from what these
            tests need (a secret of their own, no metrics site).
        """
        self.config = folder / "hmacfs.toml"
        self.store = folder / "store"
        self.socket_path = folder / "hmacfs.sock"
        listen = str(self.socket_path) if unix else f"127.0.0.1:{free_port()}"
        table = {
            "ListenPort": listen,
            "UnixSocket": unix,
            "Secret": SECRET,
            "StoreDir": str(self.store),
            "MetricsEnabled": False,
            **settings,
        }
        self.url = f"{table.get('PublicURL') or f'http://{listen}'}/uploads/"
        self.config.write_text(toml.dumps(table))
        self.config.chmod(0o600)
        super().__init__(
            [*TWISTD, "-n", "--pidfile=", "hmacfs", "--config", str(self.config)],
            folder,
            {"PYTHONPATH": str(ROOT)},
            self.READY,
        )

    def stop(self) -> int:
        """
        Ask it to end as systemd would, and let it.

        :return: its exit status.
        """
        self.signal(signal.SIGTERM)
        return self.wait()
