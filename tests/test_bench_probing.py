"""
Tests for :mod:`bench.probing`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.probing import whole


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
