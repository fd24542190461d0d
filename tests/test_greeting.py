"""
Tests for :mod:`hmacfs.greeting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import __version__
from hmacfs.greeting import Greeting
from hmacfs.loading import Loaded
from tests.serving import settings

LOADED = Loaded(settings(StoreDir="/srv/files"), "/etc/hmacfs.toml", (), None)


@attrs.frozen
class Store:
    """A store, or metadata, with these faults."""

    sentences: Sequence[str] = ()

    def faults(self) -> Sequence[str]:
        return self.sentences


@attrs.frozen
class Places:
    """Ports that are open at these places."""

    places: Sequence[str]


class GreetingTests(SynchronousTestCase):
    """
    The first lines tell where everything is and what to do next.
    """

    def told(
        self,
        deed: str,
        loaded: Loaded = LOADED,
        store: Store | None = None,
        metrics: Any = (),
        metadata: Store | None = None,
    ) -> list[str]:
        """
        :return: the lines, each with its level.
        """
        greeting = Greeting(
            loaded,
            store or Store(),
            metadata or Store(),
            Places(["127.0.0.1:8080", "unix:/run/a"]),
            Places(metrics),
        )
        with capturedLogs() as captured:
            getattr(greeting, deed)()
        return [
            f"{'! ' if event['log_level'] is LogLevel.warn else ''}{formatEvent(event)}"
            for event in captured
        ]

    def test_introduction(self) -> None:
        """
        What runs, and by which settings, comes first.
        """
        first, *rest = self.told("introduce")
        self.assertTrue(first.startswith(f"hmacfs {__version__} with Twisted "))
        self.assertEqual(rest, ["configuration: /etc/hmacfs.toml"])

    def test_defaults(self) -> None:
        """
        Without a configuration that is said, and where the new secret is.
        """
        loaded = attrs.evolve(LOADED, source=None, made_secret="/srv/files/.hmacfs/secret")
        self.assertEqual(
            self.told("introduce", loaded)[1:],
            [
                "configuration: there is no file, the defaults hold",
                "configuration: a secret was made, /srv/files/.hmacfs/secret",
            ],
        )

    def test_warnings(self) -> None:
        """
        What is doubtful about the settings is a warning each.
        """
        loaded = attrs.evolve(LOADED, warnings=("Secret: is short.", "FileTTL: does nothing."))
        self.assertEqual(
            self.told("introduce", loaded)[2:], ["! Secret: is short.", "! FileTTL: does nothing."]
        )

    def test_places(self) -> None:
        """
        The store, the metrics and every port are told, and then what to do.
        """
        self.assertEqual(
            self.told("tell_places", metrics=["127.0.0.1:9090"]),
            [
                "store: /srv/files; durability full: what is answered 201 survives a power cut",
                "store: in order, its files carry their attributes",
                "uploads: one that breaks goes on within 1d, by tus, the IETF draft or "
                "Content-Range",
                "metrics: 127.0.0.1:9090, at /metrics",
                "listening: 127.0.0.1:8080, files at /uploads/",
                "listening: unix:/run/a, files at /uploads/",
                'ready; next: "hmacfs try --config /etc/hmacfs.toml" uploads and fetches a file, '
                '"hmacfs setup prosody URL --config /etc/hmacfs.toml" tells your XMPP server of it',
            ],
        )

    def test_faults(self) -> None:
        """
        What is wrong with the store is a warning each.
        """
        lines = self.told("tell_places", store=Store(["It keeps no attributes."]))
        self.assertEqual(lines[1], "! It keeps no attributes.")

    def test_redis(self) -> None:
        """
        Where Redis is stands there, without who we are; and whether it does not answer.
        """
        url = "rediss://me:letmein@redis.example.org/3"
        loaded = attrs.evolve(LOADED, settings=settings(RedisURL=url, UploadExpiry="90m"))
        lines = self.told("tell_places", loaded, metadata=Store(["Redis does not answer."]))
        self.assertEqual(
            lines[2:5],
            [
                "uploads: one that breaks goes on within 1h30m, by tus, the IETF draft or "
                "Content-Range",
                "Redis: rediss://redis.example.org:6379, where other nodes find these uploads",
                "! Redis does not answer.",
            ],
        )

    def test_no_resuming(self) -> None:
        """
        Where nothing is gone on with, that is said.
        """
        loaded = attrs.evolve(LOADED, settings=settings(ResumableUploadsEnabled=False))
        self.assertEqual(
            self.told("tell_places", loaded)[2],
            "uploads: one that breaks begins anew, as the settings say",
        )

    def test_fast(self) -> None:
        """
        Where a power cut may take files, that is said.
        """
        loaded = attrs.evolve(LOADED, settings=settings(Durability="fast"))
        self.assertEqual(
            self.told("tell_places", loaded)[0].partition("; ")[2],
            "durability fast: what is answered 201 survives the death of this process, "
            "and a power cut may take it",
        )

    def test_next_here(self) -> None:
        """
        Without a configuration the next commands need none either.
        """
        loaded = attrs.evolve(LOADED, source=None)
        self.assertEqual(
            self.told("tell_places", loaded)[-1],
            'ready; next: "hmacfs try" uploads and fetches a file, '
            '"hmacfs setup prosody URL" tells your XMPP server of it',
        )

    def test_next_quoted(self) -> None:
        """
        A path with blanks is told as a shell wants it.
        """
        loaded = attrs.evolve(LOADED, source="/srv/my files/a.toml")
        self.assertIn("try --config '/srv/my files/a.toml'", self.told("tell_places", loaded)[-1])
