"""
Tests for :mod:`hmacfs.web.reply`.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from hmacfs.interfaces.web import IBody
from hmacfs.web.reply import Reply
from tests.resuming import TUS, ResumingCase, head
from tests.serving import signed
from tests.wire import Conversation


class ReplyTests(SynchronousTestCase):
    """
    A request that only asks is answered when its body is in.
    """

    def setUp(self) -> None:
        self.answers: list[str] = []
        self.reply = Reply(lambda: self.answers.append("told"))

    def test_body(self) -> None:
        """
        It takes any body, and keeps none.
        """
        self.assertTrue(verifyObject(IBody, self.reply))
        self.reply.write(b"abc")
        self.assertEqual(self.answers, [])
        self.reply.finished()
        self.assertEqual(self.answers, ["told"])

    def test_lost(self) -> None:
        """
        Who has gone is not answered.
        """
        self.reply.lost("disconnected")
        self.assertEqual(self.answers, [])


class WireTests(ResumingCase):
    """
    The same over the wire.
    """

    def test_next_request(self) -> None:
        """
        A POST that means HEAD may have a body, behind which the next request is heard.
        """
        created = self.ask("POST", signed("a", 6), TUS, "Upload-Length: 6")
        target = self.below(created.headers["location"])
        client = Conversation(self.site)
        asked = head("POST", target, TUS, "X-HTTP-Method-Override: HEAD", "Content-Length: 3")
        client.send(asked + b"abc" + head("GET", "/health"))
        self.assertEqual(client.statuses(), [204, 200])
