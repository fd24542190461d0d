"""
Tests for :mod:`hmacfs.config`.
"""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from hmacfs.addresses import Tcp, Unix
from hmacfs.config import KEYS, Problem, Problems
from hmacfs.kinds import HOW_TO_MAKE_ONE
from tests.configuring import FORMER, KEY, ConfigCase, KnownFiles


class DefaultTests(ConfigCase):
    """
    A secret is all that must be written.
    """

    def test_defaults(self) -> None:
        """
        What is not written is as the table of settings says.
        """
        parsed = self.parse({"Secret": KEY})
        self.assertEqual(parsed.warnings, ())
        self.assertEqual(
            attrs.asdict(parsed.settings, recurse=False),
            {
                "listen_port": (Tcp("127.0.0.1", 8080),),
                "unix_socket": False,
                "unix_socket_mode": 0o660,
                "keys": (KEY.encode(),),
                "store_dir": "/etc/hmacfs-data",
                "allow_network_store": False,
                "upload_sub_dir": "uploads",
                "log_level": "info",
                "log_file": "",
                "log_format": "text",
                "metrics_enabled": True,
                "metrics_port": (Tcp("127.0.0.1", 9090),),
                "max_upload_size": 2**30,
                "min_free_space": 100 * 2**20,
                "upload_expiry": 86400,
                "chunk_size": 2**20,
                "chunking_enabled": True,
                "resumable_uploads_enabled": True,
                "resumable_downloads_enabled": True,
                "enable_versioning": False,
                "max_versions": 5,
                "overwrite_needs": "any",
                "file_ttl": None,
                "trash_ttl": 86400,
                "sweep_interval": 60,
                "durability": "full",
                "digests": False,
                "header_timeout": 20,
                "idle_timeout": 30,
                "shutdown_timeout": 30,
                "download_auth": "public",
                "public_url": "",
                "trusted_proxies": (),
                "cors_origins": ("*",),
                "informational_responses": "auto",
                "workers": 1,
                "min_workers": 1,
                "max_workers": None,
                "redis_url": "",
                "redis_prefix": "hmacfs:",
                "delete_secret": b"",
                "tombstone_ttl": 365 * 86400,
                "owner_quota": None,
                "owner_from": "jwt",
                "retention": (),
            },
        )

    def test_hidden(self) -> None:
        """
        Settings that are logged show no secret.
        """
        secrets = {
            "PreviousSecrets": [FORMER],
            "RedisURL": "redis://:letmein@h",
            "DeleteSecret": FORMER,
        }
        text = repr(self.settings(**secrets))
        self.assertEqual([s for s in (KEY, FORMER, "letmein") if s in text], [])


class ProblemTests(ConfigCase):
    """
    All that is wrong is told at once, each with its key.
    """

    def test_all_at_once(self) -> None:
        """
        Ten mistakes are ten sentences.
        """
        self.assertEqual(
            self.problems(
                {
                    "Listenport": ":80",
                    "Secret": "changeme",
                    "MaxUploadSize": "10 potatoes",
                    "ChunkSize": 0,
                    "HeaderTimeout": "-1s",
                    "UnixSocketMode": 660,
                    "EnableVersioning": "yes",
                    "LogLevel": "loud",
                    "server": {"port": 80},
                    "MinWorkers": 4,
                    "MaxWorkers": 2,
                }
            ),
            [
                "Listenport: is no setting; did you mean ListenPort?",
                "server: is a section, and there are none but [[Retention]]; write every setting "
                "without one, at the top.",
                "UnixSocketMode: 660 is no file mode; write three octal digits between quotation "
                'marks, such as "0660".',
                "Secret: this is a placeholder, which anybody can guess; write a secret: "
                + HOW_TO_MAKE_ONE,
                'LogLevel: "loud" is not known here; write "debug", "info", "warn" or "error".',
                'MaxUploadSize: "10 potatoes" is no size; write bytes or a number with a unit, '
                'such as "100MB" or "1 GiB".',
                "ChunkSize: 0 is no size that works here; write a size from 1 B to 64 MiB.",
                'EnableVersioning: "yes" is no switch; write true or false, without quotation '
                "marks.",
                'HeaderTimeout: "-1s" is no duration; write seconds or a number with a unit, '
                'such as "30d", "1h30m" or "250ms".',
                "MaxWorkers: 2 is less than MinWorkers, which is 4.",
            ],
        )

    def test_report(self) -> None:
        """
        The report says where, how many and what, a line each.
        """
        problems = [Problem("", "It is broken."), Problem("LogLevel", "is odd.")]
        self.assertEqual(
            str(Problems(problems, "/etc/hmacfs.toml")),
            "2 problems in /etc/hmacfs.toml:\n  It is broken.\n  LogLevel: is odd.",
        )
        self.assertEqual(str(Problems(problems[:1])), "1 problem in the settings:\n  It is broken.")

    def test_nearest(self) -> None:
        """
        A key that is nearly right gets the right one.
        """
        for written, expected in [
            ("max_upload_size", "MaxUploadSize"),
            ("MAXUPLOADSIZE", "MaxUploadSize"),
            ("RedisUrl", "RedisURL"),
            ("ListenAddress", "ListenPort"),
            ("StorageDir", "StoreDir"),
        ]:
            self.assertEqual(
                self.problems({"Secret": KEY, written: 1}),
                [f"{written}: is no setting; did you mean {expected}?"],
            )

    def test_no_nearest(self) -> None:
        """
        A key that is like no other gets the list of them; an odd one is quoted.
        """
        self.assertEqual(
            self.problems({"Secret": KEY, "potatoes": 1, "a\nb": 2}),
            [
                "potatoes: is no setting; conf/hmacfs.toml shows all there are.",
                '"a\\nb": is no setting; conf/hmacfs.toml shows all there are.',
            ],
        )

    def test_workers(self) -> None:
        """
        A bound that is left open contradicts nothing.
        """
        self.assertEqual(self.settings(MinWorkers=4, MaxWorkers="auto").max_workers, None)


class AddressTests(ConfigCase):
    """
    Nothing is listened on twice.
    """

    def test_unix_socket(self) -> None:
        """
        With UnixSocket the port is a path, and an address is a mistake.
        """
        self.assertEqual(
            self.settings(UnixSocket=True, ListenPort="a.sock").listen_port, (Unix("/etc/a.sock"),)
        )
        self.assertEqual(
            self.problems({"Secret": KEY, "UnixSocket": True}),
            [
                'ListenPort: "127.0.0.1:8080" is an address, and UnixSocket is true; '
                'write the path of the socket, such as "/run/hmacfs/hmacfs.sock".'
            ],
        )

    def test_twice(self) -> None:
        """
        The metrics do not go where the files are.
        """
        for address in ["[::1]:80", "unix:/etc/a.sock", "ssl:8443:privateKey=/key.pem"]:
            table = {"Secret": KEY, "ListenPort": [":81", address], "MetricsPort": address}
            self.assertEqual(
                self.problems(table),
                [
                    f'MetricsPort: "{address.removeprefix("unix:")}" is listened on already; '
                    "write another one."
                ],
            )
            self.parse({**table, "MetricsEnabled": False})

    def test_any_port(self) -> None:
        """
        Port 0 is another port every time.
        """
        ports = self.settings(ListenPort=[":0", ":0"], MetricsPort=":0").listen_port
        self.assertEqual(ports, (Tcp("", 0), Tcp("", 0)))


class PlaceTests(ConfigCase):
    """
    Paths that cannot be used are found before the daemon trips over them.
    """

    def test_store_is_a_file(self) -> None:
        """
        The store is a folder, or can become one.
        """
        files = KnownFiles({"/etc/file": ""}, frozenset({"/srv"}))
        for path in ["/etc/file", "file/store", "/etc/file/a/b"]:
            self.assertEqual(
                self.problems({"Secret": KEY, "StoreDir": path}, files),
                ['StoreDir: "/etc/file" is no folder; write the path of one.'],
            )
        for path in ["/srv", "/srv/a/b", "/new/store"]:
            self.assertEqual(
                self.parse({"Secret": KEY, "StoreDir": path}, files).settings.store_dir, path
            )

    def test_log_file(self) -> None:
        """
        The log is a file in a folder that is there.
        """
        self.assertEqual(self.settings(LogFile="hmacfs.log").log_file, "/etc/hmacfs.log")
        for path, sentence in [
            ("/etc", '"/etc" is a folder; write the path of a file in it.'),
            (
                "/var/log/x",
                '"/var/log/x" cannot be made, since "/var/log" is no folder; make it first.',
            ),
        ]:
            self.assertEqual(
                self.problems({"Secret": KEY, "LogFile": path}), [f"LogFile: {sentence}"]
            )

    def test_socket(self) -> None:
        """
        A socket is made in a folder that is there.
        """
        sentence = '"/run/a" cannot be made, since "/run" is no folder; make it first.'
        self.assertEqual(
            self.problems({"Secret": KEY, "ListenPort": "unix:/run/a", "MetricsPort": "unix:b"}),
            [f"ListenPort: {sentence}"],
        )
        self.assertEqual(
            self.problems({"Secret": KEY, "MetricsPort": "unix:/run/a"}),
            [f"MetricsPort: {sentence}"],
        )


NAMES = st.sampled_from([key.name for key in KEYS]) | st.text()
SCALARS = st.booleans() | st.integers() | st.floats() | st.text()
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(), SCALARS, max_size=2)


class AnyTableTests(ConfigCase):
    """
    Whatever a table says, it is settings or problems.
    """

    @settings(deadline=None)
    @given(st.dictionaries(NAMES, VALUES, max_size=8))
    def test_any_table(self, table: dict[str, Any]) -> None:
        """
        No table raises anything but :class:`Problems`, which can be printed.
        """
        try:
            self.assertTrue(all(self.parse(table).settings.keys))
        except Problems as found:
            self.assertTrue(all(str(problem).isprintable() for problem in found.problems))
