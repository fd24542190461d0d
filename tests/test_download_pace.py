"""
Downloads over real sockets, to clients that are slow: the same, however the bytes
get there.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import TestCase

from hmacfs.events import DownloadFailed
from tests.sockets import TCP, TLS, UNIX
from tests.test_download_sockets import BODY, InMemory, OnDisk, Serving


class Stalling(Serving):
    """
    One who takes nothing for long is not borne with; one who takes little is.
    """

    idle_timeout = 0.1

    @inlineCallbacks
    def test_very_slow(self) -> Any:
        """
        He who takes a piece now and then may take as long as he likes.
        """
        client = yield self.begin(("GET", "large", "Connection: close"))
        # Longer than any time limit here.
        end = reactor.seconds() + 6 * self.idle_timeout
        while reactor.seconds() < end:
            yield client.more_than(client.count + 1)
            client.transport.pauseProducing()
            yield self.wait(self.idle_timeout / 4)
            client.transport.resumeProducing()
        yield client.gone
        [body] = self.split(client.received, ["GET"])
        self.assertTrue(body == BODY)

    @inlineCallbacks
    def test_stalled(self) -> Any:
        """
        He is cut off, and the file is closed.
        """
        client = yield self.begin(("GET", "large"))
        yield client.more_than(1)
        client.transport.pauseProducing()
        while not self.told(DownloadFailed):
            yield self.wait()
        self.assertEqual([event.reason for event in self.told(DownloadFailed)], ["too-slow"])
        self.assertClosed()
        client.transport.resumeProducing()
        yield client.gone


class StalledSendfileTests(OnDisk, TCP, Stalling, TestCase):
    """
    By ``sendfile(2)``, to one who is slow.
    """


class StalledUNIXSendfileTests(OnDisk, UNIX, Stalling, TestCase):
    """
    By ``sendfile(2)`` over a UNIX socket, to one who is slow.
    """


class StalledChunkTests(InMemory, TCP, Stalling, TestCase):
    """
    In chunks, to one who is slow.
    """


class StalledTLSTests(OnDisk, TLS, Stalling, TestCase):
    """
    In stretches over TLS, to one who is slow.
    """


class StalledTLSChunkTests(InMemory, TLS, Stalling, TestCase):
    """
    In chunks over TLS, to one who is slow.
    """

    # There is a handshake to be made in it.
    idle_timeout = 0.3
