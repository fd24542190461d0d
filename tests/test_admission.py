"""
Tests for :mod:`hmacfs.web.admission`: several uploads to one name.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from hmacfs.errors import NotStored
from hmacfs.events import UploadCompleted
from tests.serving import ServingCase, signed
from tests.wire import Conversation


class TurnTests(ServingCase):
    """
    Of several uploads to one name the newest goes on.
    """

    def begin(self) -> Conversation:
        client = Conversation(self.site)
        client.send(
            f"PUT {signed('a', 3)} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na".encode()
        )
        return client

    def test_newest(self) -> None:
        """
        The older ones are answered 409 and closed.
        """
        clients = [self.begin() for _ in range(3)]
        clients[-1].send(b"bc")
        self.assertEqual([client.statuses() for client in clients], [[409], [409], [201]])
        self.assertTrue(clients[0].transport.half_closed)
        self.assertEqual(clients[0].answers()[0].code, "superseded")

    def test_slow_store(self) -> None:
        """
        One that the store has not begun yet gives way as well.
        """
        begin, gates = self.store.begin, []

        def gated(slot: Any, record: Any = None, soon: bool = False) -> Any:
            gate: Deferred[None] = Deferred()
            gates.append(gate)
            return gate.addCallback(lambda _: begin(slot, record))

        self.store.begin = gated
        older, newer = self.begin(), self.begin()
        gates[0].callback(None)
        gates[1].callback(None)
        newer.send(b"bc")
        self.assertEqual((older.statuses(), newer.statuses()), ([409], [201]))

    def test_committing(self) -> None:
        """
        One that is being committed is waited for, and met as a file.
        """
        begin, gate = self.store.begin, Deferred()

        def slow(slot: Any, record: Any = None, soon: bool = False) -> Any:
            self.store.begin = begin
            upload = self.successResultOf(begin(slot, record))
            commit = upload.commit
            upload.commit = lambda *given: gate.addCallback(lambda _: commit(*given))
            return succeed(upload)

        self.store.begin = slow
        older = self.begin()
        older.send(b"bc")
        newer = self.begin()
        newer.send(b"bc")
        self.assertEqual((older.statuses(), newer.statuses()), ([], []))
        gate.callback(None)
        self.assertEqual((older.statuses(), newer.statuses()), ([201], [201]))

    def gate_appends(self) -> list[Deferred[None]]:
        """
        Let the store's writes wait.

        :return: what lets them go on, one for each write.
        """
        begin, gates = self.store.begin, []

        def gated(slot: Any, record: Any = None, soon: bool = False) -> Any:
            upload = self.successResultOf(begin(slot, record))
            append = upload.append

            def wait(pieces: Any) -> Any:
                gates.append(Deferred())
                return gates[-1].addCallback(lambda _: append(pieces))

            upload.append = wait
            return succeed(upload)

        self.store.begin = gated
        return gates

    def test_slow_disk(self) -> None:
        """
        One that came whole and is not written yet gives way as well, once.
        """
        gates = self.gate_appends()
        older = self.begin()
        older.send(b"bc")
        newer = self.begin()
        newer.send(b"bc")
        while gates:
            gates.pop(0).callback(None)
        self.assertEqual((older.statuses(), newer.statuses()), ([409], [201]))
        self.assertEqual(len(self.told(UploadCompleted)), 1)

    def test_failing_disk(self) -> None:
        """
        One that has given way does not care what becomes of its last write.
        """
        gates = self.gate_appends()
        older = self.begin()
        newer = self.begin()
        gates.pop(0).errback(NotStored("The disk did not keep it."))
        newer.send(b"bc")
        while gates:
            gates.pop(0).callback(None)
        self.assertEqual((older.statuses(), newer.statuses()), ([409], [201]))

    def test_other_names(self) -> None:
        """
        Uploads to other names do not meet.
        """
        older = self.begin()
        self.put("b", b"abc")
        older.send(b"bc")
        self.assertEqual(older.statuses(), [201])
