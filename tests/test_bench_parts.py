"""
Tests for what ``bench/speed.py`` is made of, as far as it needs no server.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from bench import processes
from bench.clients import Unanswered, parse, patiently
from bench.ground import filesystem, slot
from bench.lines import Line, Load, Row, Verdict
from bench.machine import processor
from bench.plots import file_name, plots
from bench.probing import whole
from bench.results import results
from bench.tun import exchanged
from tests.calling import signed

SUMMARY = (
    "Running 1s test\n"
    '{"requests": 500, "microseconds": 1000000, "p50": 1500, "p99": 9000, "faults": {"read": 0}}\n'
)


class ClientTests(SynchronousTestCase):
    """
    What wrk says is believed where nothing went wrong.
    """

    def test_parse(self) -> None:
        """
        Its last line tells what it did, in microseconds.
        """
        self.assertEqual(parse(SUMMARY, 0.25), Load(500, 1.0, None, 0.25, 1.5, 9.0))

    def test_faults(self) -> None:
        """
        A single answer that was an error spoils it.
        """
        fault = self.assertRaises(AssertionError, parse, SUMMARY.replace('"read": 0', '"read": 1'))
        self.assertEqual(str(fault), "the client counted {'read': 1}, of 500 requests")

    def test_patiently(self) -> None:
        """
        A load that was over before its first answer gets more time.
        """
        given = []

        def run(seconds: float) -> Load:
            given.append(seconds)
            requests = 5 if seconds > 1 else 0
            return parse(SUMMARY.replace("500", str(requests)))

        self.assertEqual((patiently(run, 0.5).amount, given), (5, [0.5, 2.5]))
        self.assertRaises(Unanswered, patiently, lambda seconds: run(0), 21)


class GroundTests(SynchronousTestCase):
    """
    Slots are signed as hmacfs wants them, and a disk is told from memory.
    """

    def test_slot(self) -> None:
        """
        A slot is what any program signs.
        """
        self.assertEqual(slot("up-1-2", 3), signed("up-1-2", 3))

    def test_filesystem(self) -> None:
        """
        The last mount that a folder is below counts.
        """
        mounts = (
            "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
            "25 22 0:23 / /dev/shm rw - tmpfs tmpfs rw,size=1024k\n"
            "26 22 0:24 / /dev/shmall rw - xfs /dev/vdb rw\n"
        )
        folders = ["/dev/shm", "/dev/shm/a/b", "/dev/shmall", "/dev/shmoo"]
        kinds = [filesystem(Path(folder), mounts) for folder in folders]
        self.assertEqual(kinds, ["tmpfs", "tmpfs", "xfs", "ext4"])


class ProcessTests(SynchronousTestCase):
    """
    The kernel tells what a process took.
    """

    def test_fields(self) -> None:
        """
        The name of a process may hold blanks and brackets.
        """
        self.assertEqual(processes.fields("12 (a) b) S 1 12 34 0 -1\n"), [1, 12, 34, 0, -1])

    def test_memory(self) -> None:
        """
        This process has some memory, and never had less at its peak.
        """
        now, most = (processes.memory(os.getpid(), field) for field in ("VmRSS", "VmHWM"))
        self.assertTrue(0 < now <= most)

    def test_session(self) -> None:
        """
        A session has its processes and no others.
        """
        self.assertIn(os.getpid(), [pid for pid, _ in processes.session(os.getsid(0))])
        self.assertEqual(list(processes.session(-1)), [])

    def test_processor(self) -> None:
        """
        The first processor's model is told, where there is one.
        """
        told = "processor : 0\nmodel name\t: A fast one\n\nmodel name\t: Another\n"
        self.assertEqual((processor(told), bool(processor(""))), ("A fast one", True))


class PacketTests(SynchronousTestCase):
    """
    What goes over the bad line comes back from the other end.
    """

    def test_exchanged(self) -> None:
        """
        Sender and receiver are exchanged, and nothing else.
        """
        packet = bytes(range(40))
        self.assertEqual(exchanged(packet)[12:20], bytes([16, 17, 18, 19, 12, 13, 14, 15]))
        self.assertEqual(exchanged(exchanged(packet)), packet)


class AnswerTests(SynchronousTestCase):
    """
    An answer to ``/health`` counts once all of it is there.
    """

    def test_whole(self) -> None:
        """
        The body is as long as the head says.
        """
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        found = [whole(answer[:end]) for end in range(len(answer) + 1)]
        self.assertEqual(found, [False] * len(answer) + [True])


class PageTests(SynchronousTestCase):
    """
    What was found is kept, as a page and as pictures.
    """

    def setUp(self) -> None:
        row = Row("hmacfs <fast>", (1.0, 3.0), 2.0, "MB/s", 0.5, 0.1, "s/GiB", 70.0)
        verdict = Verdict("hmacfs over nginx", 1.25, 1.1, 1.3, least=1.2)
        self.lines = [
            Line("1 x 1 GiB up", "Large uploads", "epoll", (row, row), (verdict,)),
            Line("far", "Elsewhere", fault="no netem", impossible=True),
        ]

    def test_pictures(self) -> None:
        """
        Each section with figures has a picture that browsers can read.
        """
        pictures = plots(self.lines)
        self.assertEqual(list(pictures), ["large-uploads.svg"])
        root = ElementTree.fromstring(pictures["large-uploads.svg"])
        words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        one = ["hmacfs <fast>", "2.00 MB/s"]
        self.assertEqual(words, ["Large uploads", "1 x 1 GiB up", *one, *one])
        self.assertEqual(file_name("/health beside 4"), "health-beside-4.svg")

    def test_page(self) -> None:
        """
        The page has the machine, what was promised, every section, and what is missing.
        """
        page = results(self.lines, {"kernel": "6.1"}, "the command", 10, 6, "/dev/shm")
        titles = re.findall(r"^(.+)\n[-=]+\n$", page, re.M)
        self.assertEqual(titles, ["How fast hmacfs is", "What was promised", "Large uploads"])
        self.assertIn("\nkernel  6.1\n", page)
        self.assertIn("\n*far* was not measured: no netem\n", page)
        self.assertIn(".. image:: plots/large-uploads.svg\n", page)
        # An empty first cell would continue the row above.
        self.assertRegex(page, r"(?m)^1 x 1 GiB up +hmacfs <fast> .*\n\\ +hmacfs <fast> ")
