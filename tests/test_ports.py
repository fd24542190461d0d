"""
Tests for :mod:`hmacfs.ports`.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from tempfile import mkdtemp

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase, TestCase

from hmacfs.addresses import Address, Endpoint, Tcp, Unix
from hmacfs.config import Problems
from hmacfs.ports import Ports, listening

LOOPBACK = Tcp("127.0.0.1", 0)


def answers(family: socket.AddressFamily, address: object) -> bool:
    """
    Whether somebody listens at *address*.
    """
    with socket.socket(family, socket.SOCK_STREAM) as caller:
        return caller.connect_ex(address) == 0


class Opening(TestCase):
    """
    Ports that are opened for a test.
    """

    def ports(self, *addresses: Address) -> Ports:
        """
        :return: ports that are closed when the test ends.
        """
        ports = Ports(reactor, "ListenPort", addresses, 0o660, Factory.forProtocol(Protocol))
        self.addCleanup(ports.close)
        return ports

    async def opened(self, *addresses: Address) -> Ports:
        ports = self.ports(*addresses)
        await ports.open()
        return ports

    async def problems(self, *addresses: Address) -> list[str]:
        """
        :return: why *addresses* cannot be listened on.
        """
        try:
            await self.ports(*addresses).open()
        except Problems as found:
            return [str(problem) for problem in found.problems]
        raise AssertionError("it could")


class PortsTests(Opening):
    """
    What the settings name is listened on, and told as it is.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        (self.folder / "key.pem").write_text("no key\n")

    async def test_free_port(self) -> None:
        """
        Port 0 is a free one, and the place tells which.
        """
        ports = await self.opened(LOOPBACK)
        (place,) = ports.places
        host, _, port = place.rpartition(":")
        self.assertEqual((host, answers(socket.AF_INET, (host, int(port)))), ("127.0.0.1", True))

    async def test_all_interfaces(self) -> None:
        """
        Without a host IPv4 and IPv6 are answered, on one port.
        """
        ports = await self.opened(Tcp("", 0))
        port = int(ports.places[0].rpartition(":")[2])
        self.assertEqual(sorted(ports.places), [f"0.0.0.0:{port}", f"[::]:{port}"])
        self.assertTrue(answers(socket.AF_INET, ("127.0.0.1", port)))
        self.assertTrue(answers(socket.AF_INET6, ("::1", port)))

    async def test_several(self) -> None:
        """
        Every address of a list is listened on.
        """
        ports = await self.opened(LOOPBACK, Tcp("::1", 0))
        self.assertEqual(
            [place.rpartition(":")[0] for place in ports.places], ["127.0.0.1", "[::1]"]
        )

    async def test_close(self) -> None:
        """
        A closed port takes no connection, and may be closed again.
        """
        ports = await self.opened(LOOPBACK)
        port = int(ports.places[0].rpartition(":")[2])
        await ports.close()
        await ports.close()
        self.assertEqual((ports.places, answers(socket.AF_INET, ("127.0.0.1", port))), ([], False))

    async def test_taken(self) -> None:
        """
        A port that is taken is named with its key, beside every other trouble.
        """
        taken = int((await self.opened(LOOPBACK)).places[0].rpartition(":")[2])
        self.assertEqual(
            await self.problems(Tcp("127.0.0.1", taken), Tcp("192.0.2.1", 0)),
            [
                f"ListenPort: 127.0.0.1:{taken} is taken: another program listens there.",
                "ListenPort: 192.0.2.1:0 is no address of this machine.",
            ],
        )

    async def test_taken_together(self) -> None:
        """
        What cannot be opened first is told together with what could not be later.
        """
        taken = [int((await self.opened(LOOPBACK)).places[0].rpartition(":")[2]) for _ in "ab"]
        first, later = [self.ports(Tcp("127.0.0.1", port)) for port in taken]
        free = self.ports(LOOPBACK)
        told = []
        for one, other in [(first, later), (first, free), (free, later)]:
            try:
                await one.open_before(other)
            except Problems as found:
                told.append([str(problem).split()[1] for problem in found.problems])
        places = [f"127.0.0.1:{port}" for port in taken]
        self.assertEqual((told, later.places), ([places, places[:1]], []))
        self.assertEqual(len(free.places), 1)

    async def test_all_or_none(self) -> None:
        """
        Where one address cannot be had, the others are let go of.
        """
        taken = int((await self.opened(LOOPBACK)).places[0].rpartition(":")[2])
        ports = self.ports(LOOPBACK, Tcp("127.0.0.1", taken))
        with self.assertRaises(Problems):
            await ports.open()
        self.assertEqual(ports.places, [])

    async def test_no_such_host(self) -> None:
        """
        A name that stands for no address is told of.
        """
        (problem,) = await self.problems(Tcp("nowhere.invalid", 0))
        self.assertEqual(problem.partition(": ")[2][:33], "nowhere.invalid:0 cannot be found")

    async def test_endpoint(self) -> None:
        """
        What Twisted's endpoint strings say is listened on.
        """
        ports = await self.opened(Endpoint("tcp:0:interface=127.0.0.1"))
        (place,) = ports.places
        self.assertRegex(place, r"^127\.0\.0\.1:\d+ \(tcp\)$")

    async def test_broken_endpoint(self) -> None:
        """
        An endpoint that does not work is told of in one sentence.
        """
        sentences = await self.problems(
            Endpoint(f"ssl:0:privateKey={self.folder}/missing.pem"),
            Endpoint(f"ssl:0:privateKey={self.folder}/key.pem"),
            Endpoint("tcp:0:interfaze=::1"),
        )
        self.assertEqual(
            [sentence.partition(f"{self.folder}")[0] for sentence in sentences[:2]],
            ["ListenPort: ssl:0:privateKey=", "ListenPort: ssl:0:privateKey="],
        )
        self.assertIn("cannot be opened: No such file or directory.", sentences[0])
        self.assertIn("is no endpoint that works", sentences[1])
        self.assertIn("is no endpoint that works", sentences[2])


class UnixTests(Opening):
    """
    A UNIX socket is open to whom its mode lets, and is not taken from the living.
    """

    def setUp(self) -> None:
        # A path below the folder of the tests may be longer than a socket's may be.
        self.folder = Path(mkdtemp())
        self.addCleanup(self.folder.rmdir)
        self.path = str(self.folder / "socket")

    def mode(self) -> int | None:
        """
        :return: the permission bits of what is at the path.
        """
        return os.stat(self.path).st_mode & 0o777 if os.path.lexists(self.path) else None

    def file(self, text: str) -> None:
        """Put a file at the path."""
        Path(self.path).write_text(text)
        self.addCleanup(os.unlink, self.path)

    def text(self) -> str:
        return Path(self.path).read_text()

    async def test_mode(self) -> None:
        """
        The socket is there with its mode, and is gone when it is closed.
        """
        ports = await self.opened(Unix(self.path))
        self.assertEqual((ports.places, self.mode()), ([f"unix:{self.path}"], 0o660))
        self.assertTrue(answers(socket.AF_UNIX, self.path))
        await ports.close()
        self.assertIsNone(self.mode())

    async def test_stale(self) -> None:
        """
        The socket of a daemon that died is replaced.
        """
        with socket.socket(socket.AF_UNIX) as former:
            former.bind(self.path)
            former.listen()
        await self.opened(Unix(self.path))
        self.assertTrue(answers(socket.AF_UNIX, self.path))

    async def test_alive(self) -> None:
        """
        The socket of a daemon that lives is left alone.
        """
        await self.opened(Unix(self.path))
        self.assertEqual(
            await self.problems(Unix(self.path)),
            [f"ListenPort: {self.path} is taken: another program listens there."],
        )
        self.assertTrue(answers(socket.AF_UNIX, self.path))

    async def test_busy(self) -> None:
        """
        A socket whose owner has no time to accept belongs to the living.
        """
        self.addCleanup(os.unlink, self.path)
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
            busy.bind(self.path)
            busy.listen(0)
            waiting.connect(self.path)
            self.assertEqual(
                await self.problems(Unix(self.path)),
                [f"ListenPort: {self.path} is taken: another program listens there."],
            )

    async def test_file(self) -> None:
        """
        A file that is no socket is left alone.
        """
        self.file("precious")
        self.assertEqual(
            await self.problems(Unix(self.path)),
            [f"ListenPort: {self.path} is there and is no socket."],
        )
        self.assertEqual(self.text(), "precious")

    async def test_removed(self) -> None:
        """
        A socket whose file somebody removed is closed nevertheless.
        """
        ports = await self.opened(Unix(self.path))
        os.unlink(self.path)
        await ports.close()
        self.assertEqual(ports.places, [])


class FamilyTests(SynchronousTestCase):
    """
    A family of addresses that this machine lacks is done without.
    """

    NONE = (socket.AF_ECONET, ("127.0.0.1", 0))  # no Linux has it any more

    def test_one_is_missing(self) -> None:
        """
        Where IPv6 is off, IPv4 is listened on.
        """
        sockets = listening([self.NONE, (socket.AF_INET, ("127.0.0.1", 0))])
        for each in sockets:
            each.close()
        self.assertEqual([each.family for each in sockets], [socket.AF_INET])

    def test_none_is_left(self) -> None:
        """
        Where no family is left, that is an error.
        """
        self.assertRaises(OSError, listening, [self.NONE])
