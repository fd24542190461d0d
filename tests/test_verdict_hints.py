"""
Tests for what :mod:`hmacfs.verdict` tells the operator of a refusal.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import Refusal
from hmacfs.verdict import verdict
from tests.judged import KEY, LATER, NOW, RULES, bearer, mac, request


class HintTests(SynchronousTestCase):
    """
    The operator's log says what was checked; the client hears nothing of it.
    """

    def refusal(self, target: str, *fields: str) -> Refusal:
        """
        What a PUT of 12 bytes is refused with.
        """
        head = request(target, "Content-Length: 12", *fields)
        return self.assertRaises(Refusal, verdict, head, NOW, RULES)

    def test_mac(self) -> None:
        """
        A wrong signature is shown as the messages it should have signed.
        """
        wrong = "0" * 64
        self.assertEqual(
            [
                self.refusal(f"/up/x/tr%c3%a8s.png?v={wrong}").hint,
                self.refusal(f"/up/a.png?v2={wrong}").hint,
                self.refusal(f"/up/a.png?v3={wrong}&expires=7").hint,
            ],
            [
                "v was checked over b'x/tr\\xc3\\xa8s.png 12', names beginning below '/up'",
                "v2 was checked over b'a.png\\x0012\\x00application/octet-stream'"
                " or b'a.png\\x0012\\x00image/png'"
                " or b'a.png\\x0012\\x00image/png; charset=utf-8', names beginning below '/up'",
                "v3 was checked over b'PUT\\n7\\n/up/a.png', names beginning below '/up'",
            ],
        )

    def test_token(self) -> None:
        """
        A token for something else is shown as what it is for.
        """
        self.assertEqual(
            [
                self.refusal("/up/a/b.txt", bearer(filename="é\n")).hint,
                self.refusal("/up/a/b.txt", bearer(filesize=13)).hint,
            ],
            [
                "the jwt is for 'a'/'\\xe9\\n', names beginning below '/up'",
                "the jwt is for 13 bytes, the request says 12",
            ],
        )

    def test_discreet(self) -> None:
        """
        Neither what the client hears nor the hint holds a secret or what would do.
        """
        for dialect in ("v", "v2", "token", "v3"):
            right = mac(dialect, content_type=b"x/y")
            wrong = f"{int(right, 16) ^ 1:064x}"
            refusal = self.refusal(
                f"/up/a/b.txt?{dialect}={wrong}&expires={LATER}", "Content-Type: x/y"
            )
            self.assertEqual(
                (refusal.text, refusal.headers),
                (f"The {dialect!r} signature does not match this request.", ()),
            )
            for secret in (right, wrong, KEY.decode()):
                self.assertNotIn(secret, refusal.hint)
