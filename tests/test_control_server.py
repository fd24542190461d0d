"""
Tests for :mod:`hmacfs.control.server`, and for the client that speaks to it.
"""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hmacfs.control import client, place
from hmacfs.control.asking import Asker, Gone
from hmacfs.control.client import NoDaemon, Unanswered
from hmacfs.control.lines import LONGEST, Message
from hmacfs.control.server import FAREWELL, ControlSocket


def make_run(folder: str, deep: int = 0) -> str:
    """
    :param deep: how many folders of 60 bytes the store is below *folder*.
    :return: the path of a store, with the folder that its control socket is in.
    """
    store = Path(folder).resolve().joinpath(*["d" * 60] * deep)
    (store / ".hmacfs" / "run").mkdir(parents=True)
    return str(store)


class ControlSocketTests(TestCase):
    """
    Who connects asks for one thing, hears what becomes of it, and is hung up on.
    """

    def setUp(self) -> None:
        """Remember who asked for what."""
        self.store = make_run(self.mktemp())
        self.asked: list[Message] = []
        self.askers: list[Asker] = []
        self.errand: Deferred[Message] | None = None
        self.server: ControlSocket | None = None

    async def tearDown(self) -> None:
        """Close what a test opened."""
        if self.server is not None:
            await self.server.close()

    async def perform(self, request: Message, asker: Asker) -> Message:
        """
        Count up to what is asked for, or wait for the test.
        """
        self.asked.append(request)
        self.askers.append(asker)
        for number in range(request.get("count", 0)):
            await asker.row({"number": number, "text": "x" * request.get("size", 0)})
        if request.get("wait"):
            self.errand = Deferred()
            return await self.errand
        return {"done": {"count": request.get("count", 0)}}

    async def open(self) -> ControlSocket:
        """Listen, in the place of the store."""
        self.server = ControlSocket(self.store, self.perform, reactor)
        await self.server.open()
        return self.server

    def gone(self) -> bool:
        """
        :return: what the errand hears at its next step.
        """
        try:
            self.askers[0].progress("counting", 0, None, "files")
        except Gone:
            return True
        return False

    def kinds(self) -> list[int]:
        """
        :return: what is in the folder of the socket.
        """
        found = os.scandir(os.path.dirname(place.path(self.store)))
        return [stat.S_IFMT(each.stat().st_mode) for each in found]

    def ask(self, request: Message, heard: list[Message]) -> Deferred[Message]:
        """Ask in a thread, as the command line does without one."""
        return deferToThread(client.ask, self.store, request, heard.append)

    def connect(self) -> socket.socket:
        """
        :return: a client that reads when it likes.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(connection.close)
        with place.reached(self.store) as path:
            connection.connect(path)
        return connection

    async def until(self, wanted: Any) -> None:
        """Let the reactor turn until *wanted* is true."""
        while not wanted():
            turned: Deferred[None] = Deferred()
            reactor.callLater(0, turned.callback, None)  # type: ignore[attr-defined]
            await turned

    async def test_answer(self) -> None:
        """
        The rows come in order, and then the end of it.
        """
        await self.open()
        heard: list[Message] = []
        last = await self.ask({"do": "count", "count": 3}, heard)
        self.assertEqual(
            ([message["row"]["number"] for message in heard], last, self.asked),
            ([0, 1, 2], {"done": {"count": 3}}, [{"do": "count", "count": 3}]),
        )

    async def test_private(self) -> None:
        """
        Nobody but the user of the daemon may connect, and the daemon is told who does.
        """
        await self.open()
        mode = stat.S_IMODE(os.stat(place.path(self.store)).st_mode)
        await self.ask({"do": "count"}, [])
        self.assertEqual((mode, self.askers[0].who), (0o600, f"user {os.getuid()}"))

    async def test_gone_afterwards(self) -> None:
        """
        The socket goes with the daemon.
        """
        server = await self.open()
        await server.close()
        self.assertEqual(self.kinds(), [])
        await self.assertFailure(self.ask({"do": "count"}, []), NoDaemon)

    async def test_stale(self) -> None:
        """
        The socket of a daemon that died is replaced.
        """
        with socket.socket(socket.AF_UNIX) as dead, place.reached(self.store) as path:
            dead.bind(path)
        await self.assertFailure(self.ask({"do": "count"}, []), NoDaemon)
        await self.open()
        self.assertEqual(await self.ask({"do": "count"}, []), {"done": {"count": 0}})

    async def test_deep(self) -> None:
        """
        A store may lie deeper than an address of a socket is long.
        """
        self.store = make_run(self.mktemp(), deep=4)
        server = await self.open()
        self.assertEqual(await self.ask({"do": "count"}, []), {"done": {"count": 0}})
        await server.close()
        self.assertEqual(self.kinds(), [])

    async def test_no_place(self) -> None:
        """
        Where there can be no socket the daemon goes on without, and says so.
        """
        os.mkdir(place.path(self.store))
        server = await self.open()
        await server.close()
        self.assertEqual(self.kinds(), [stat.S_IFDIR])

    async def test_several(self) -> None:
        """
        One client does not wait for another.
        """
        await self.open()
        slow = self.ask({"do": "count", "wait": True}, [])
        await self.until(lambda: self.errand)
        self.assertEqual(await self.ask({"do": "count"}, []), {"done": {"count": 0}})
        assert self.errand is not None
        self.errand.callback({"done": "late"})
        self.assertEqual(await slow, {"done": "late"})

    async def test_slow_client(self) -> None:
        """
        An errand waits for a client that is slow, and loses nothing.
        """
        await self.open()
        connection = self.connect()
        connection.sendall(b'{"do":"count","count":100,"size":100000}\n')
        await self.until(lambda: self.asked)
        heard: list[Message] = []
        last = await deferToThread(self.read, connection, heard)
        self.assertEqual(
            ([message["row"]["number"] for message in heard], last),
            (list(range(100)), {"done": {"count": 100}}),
        )

    def read(self, connection: socket.socket, heard: list[Message]) -> Message:
        """
        :return: the last message.
        """
        lines = client.Lines()
        while data := connection.recv(65536):
            heard.extend(lines.feed(data))
        return heard.pop()

    async def test_client_goes_away(self) -> None:
        """
        The errand of a client that went away ends at its next step, not in the middle of one.
        """
        await self.open()
        connection = self.connect()
        connection.sendall(b'{"do":"count","wait":true}\n')
        await self.until(lambda: self.errand)
        connection.close()
        await self.until(self.gone)
        assert self.errand is not None
        self.assertFalse(self.errand.called)
        with self.assertRaises(Gone):
            await self.askers[0].row({})
        self.errand.errback(Gone())

    async def test_slow_client_goes_away(self) -> None:
        """
        An errand that waits for its client is told when he went away.
        """
        server = await self.open()
        connection = self.connect()
        connection.sendall(b'{"do":"count","count":1000,"size":100000}\n')
        await self.until(lambda: self.asked)
        connection.close()
        await server.close()

    async def test_stop(self) -> None:
        """
        A daemon that stops waits for the step that is under way, and says why it ends.
        """
        server = await self.open()
        asking = self.ask({"do": "count", "wait": True}, [])
        idle = self.connect()
        await self.until(lambda: self.errand)
        closing = Deferred.fromCoroutine(server.close())
        await self.until(self.gone)
        self.assertNoResult(closing)
        assert self.errand is not None
        self.errand.errback(Gone())
        self.assertEqual(await asking, {"error": FAREWELL})
        await closing
        self.assertIn(b"stopping", await deferToThread(idle.recv, 1000))

    async def test_garbled(self) -> None:
        """
        Who speaks something else is told so, and asks for nothing.
        """
        await self.open()
        for sent in (b"GET / HTTP/1.1\r\n\r\n", b"x" * LONGEST):
            connection = self.connect()
            await deferToThread(connection.sendall, sent)
            said = await deferToThread(self.read, connection, [])
            self.assertEqual((list(said), self.asked), (["error"], []))

    async def test_broken_off(self) -> None:
        """
        A daemon that dies in the middle of an answer is no success.
        """
        with socket.socket(socket.AF_UNIX) as dying, place.reached(self.store) as path:
            dying.bind(path)
            dying.listen(1)
            asking = self.ask({"do": "count"}, [])
            accepted, _ = await deferToThread(dying.accept)
            accepted.close()
            await self.assertFailure(asking, Unanswered)

    async def test_garbled_answer(self) -> None:
        """
        Nor is an answer that nobody understands.
        """
        with socket.socket(socket.AF_UNIX) as other, place.reached(self.store) as path:
            other.bind(path)
            other.listen(1)
            asking = self.ask({"do": "count"}, [])
            accepted, _ = await deferToThread(other.accept)
            with accepted:
                accepted.sendall(b"220 mail.example.org\n")
                await self.assertFailure(asking, Unanswered)


class PlaceTests(SynchronousTestCase):
    """
    Where nobody listens, it is said to be so.
    """

    def test_nothing(self) -> None:
        """
        There is no daemon where there is no store, no socket, or a file in its place.
        """
        folder = Path(self.mktemp()).resolve()
        nothing = str(folder / "nothing")
        empty = make_run(str(folder / "empty"))
        deep = str(folder.joinpath(*["d" * 60] * 4))
        odd = folder / "odd"
        odd.write_text("")
        for store in (nothing, empty, deep, str(odd)):
            self.assertRaises(NoDaemon, client.ask, store, {"do": "ls"}, print)
