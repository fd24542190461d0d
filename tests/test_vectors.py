"""
The vectors of the real issuers, through the whole verdict.

``vectors/signatures.json`` was made by the issuers' own code (Prosody's Lua
modules run, ejabberd's live slots) and is what hmacfs must agree with.  Each
vector is also tried with one thing changed: the tests that refuse are what
shows that the others prove anything.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import attrs
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.errors import BadSignature, Expired, Refusal, TooLarge, Unauthorized, WrongSlot
from hmacfs.http1 import Head, parse_head
from hmacfs.signing import MESSAGES, Claim, sign, verify
from hmacfs.uploads import Slot
from hmacfs.verdict import Rules, Verdict, verdict

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors" / "signatures.json").read_text()
)
DIALECTS = {"hmac-file-server-v3": "v3", "token-delete": "delete"}


@attrs.frozen
class Put:
    """
    The PUT that a vector stands for, in parts that can be changed one by one.
    """

    dialect: str
    key: bytes
    path: str
    size: int
    prefix: str = "upload"
    content_type: str | None = None
    mac: str = ""
    authorization: str = ""
    expires: int = 0
    now: float = 1_700_000_100

    @classmethod
    def of(cls, vector: dict[str, Any]) -> Put:
        """
        Read *vector*; the path comes from its URL where it has one, so that
        the issuer's own way of percent-encoding is what is tried.
        """
        parts = urlsplit(vector.get("url", ""))
        claims = vector.get("claims", {})
        path = parts.path.removeprefix("/upload/") or quote(vector["path"].lstrip("/"))
        return cls(
            dialect=DIALECTS.get(vector["scheme"], vector["scheme"]),
            key=vector["secret"].encode(),
            path=path,
            size=claims.get("filesize", vector.get("size", 7)),
            prefix="" if vector["scheme"] == "hmac-file-server-v3" else "upload",
            content_type=vector.get("content_type"),
            mac=parts.query.partition("=")[2] or vector.get("token", ""),
            authorization=vector.get("authorization", ""),
            expires=vector.get("expires", 0),
        )

    @property
    def head(self) -> Head:
        """
        Its head, read as it would be from the wire.
        """
        prefix = f"/{self.prefix}" if self.prefix else ""
        query = f"?{self.dialect}={self.mac}" if self.dialect != "jwt" else ""
        lines = [
            f"PUT {prefix}/{self.path}{query}{f'&expires={self.expires}' * bool(self.expires)}"
            " HTTP/1.1",
            "Host: files.example.com",
            f"Content-Length: {self.size}",
            *([f"Content-Type: {self.content_type}"] if self.content_type is not None else []),
            *([f"Authorization: {self.authorization}"] if self.authorization else []),
        ]
        return parse_head("\r\n".join([*lines, "", ""]).encode())

    def judge(self) -> Verdict | type[Refusal]:
        """
        What becomes of it.
        """
        rules = Rules((self.prefix.encode(),) if self.prefix else (), (self.key,))
        try:
            return verdict(self.head, self.now, rules)
        except Refusal as refusal:
            return type(refusal)


PUTS = [Put.of(vector) for vector in VECTORS if vector["scheme"] != "token-delete"]
MACS = [put for put in PUTS if put.dialect != "jwt"]
TOKENS = [put for put in PUTS if put.dialect == "jwt"]


class AcceptTests(SynchronousTestCase):
    """
    Every slot that a real issuer hands out is taken.
    """

    def test_all_are_here(self) -> None:
        """
        There are 23 vectors, of every dialect.
        """
        self.assertEqual(
            (len(VECTORS), {put.dialect for put in PUTS}), (23, {"v", "v2", "token", "v3", "jwt"})
        )

    def test_messages(self) -> None:
        """
        The message is, byte for byte, the one that the issuer signed.
        """
        for vector in VECTORS:
            if "signed_hex" not in vector:
                continue
            dialect = DIALECTS.get(vector["scheme"], vector["scheme"])
            claim = Claim(
                path=vector["path"].encode(),
                size=vector.get("size", 0),
                content_type=(vector.get("content_type") or "application/octet-stream").encode(),
                delete_secret=vector.get("delete_secret", "").encode(),
                method=vector.get("method", "").encode(),
                expires=vector.get("expires", 0),
                url_path=vector["path"].encode(),
            )
            key = vector["secret"].encode()
            self.assertEqual(MESSAGES[dialect](claim).hex(), vector["signed_hex"])
            self.assertEqual(sign(dialect, claim, key), vector["token"])
            self.assertEqual(verify(dialect, vector["token"].encode(), [claim], [key]), claim)

    def test_macs(self) -> None:
        """
        A PUT with the signed size, type and name may go on.
        """
        for put in MACS:
            judged = put.judge()
            assert isinstance(judged, Verdict)
            self.assertEqual(
                (judged.dialect, judged.slot.size, judged.slot.most),
                (put.dialect, put.size, put.size),
            )
            if put.content_type is not None:
                self.assertEqual(judged.slot.content_type, put.content_type)

    def test_tokens(self) -> None:
        """
        A PUT with the token of its file may go on, and the token says the rest.
        """
        for put, vector in zip(
            TOKENS, [vector for vector in VECTORS if vector["scheme"] == "jwt"], strict=True
        ):
            claims = vector["claims"]
            judged = put.judge()
            assert isinstance(judged, Verdict)
            self.assertEqual(
                judged,
                Verdict(
                    Slot(
                        judged.slot.name,
                        claims["filesize"],
                        claims["filetype"],
                        most=claims["filesize"],
                        expires=claims["expires"],
                        owner=claims["sub"],
                    ),
                    "jwt",
                ),
            )
            self.assertEqual(judged.slot.name.text, f"{claims['slot']}/{claims['filename']}")

    def test_spellings(self) -> None:
        """
        A proxy or a client that spells the URL in another way changes nothing.
        """
        for put in PUTS:
            name = Put.judge(put)
            assert isinstance(name, Verdict)
            text = name.slot.name.text
            for path in (quote(text, safe="/"), quote(text, safe="/!$&'()*+,;=:@")):
                self.assertEqual(attrs.evolve(put, path=path).judge(), name)
            self.assertEqual(attrs.evolve(put, mac=put.mac.upper()).judge(), name)


class RefuseTests(SynchronousTestCase):
    """
    With one thing changed no vector is good any more.
    """

    def assertRefused(self, puts: list[Put], kind: type[Refusal]) -> None:
        """
        All of *puts* are refused in this way.
        """
        self.assertTrue(puts)
        for put in puts:
            self.assertEqual((put, put.judge()), (put, kind))

    def test_mac_bits(self) -> None:
        """
        One bit of the signature is wrong.
        """
        for put in MACS:
            mac = int(put.mac, 16)
            wrong = [attrs.evolve(put, mac=f"{mac ^ 1 << bit:064x}") for bit in range(256)]
            self.assertRefused(wrong, BadSignature)

    def test_token_bits(self) -> None:
        """
        One bit of the token's signature, or of what it says, is wrong.
        """
        for put in TOKENS:
            parts = put.authorization.removeprefix("Bearer ").split(".")
            for index in (1, 2):
                data = base64.urlsafe_b64decode(parts[index] + "==")
                for bit in range(0, 8 * len(data), 13):
                    number = int.from_bytes(data, "big") ^ 1 << bit
                    changed = base64.urlsafe_b64encode(number.to_bytes(len(data), "big"))
                    wrong = [*parts[:index], changed.decode().rstrip("="), *parts[index + 1 :]]
                    self.assertRefused(
                        [attrs.evolve(put, authorization="Bearer " + ".".join(wrong))],
                        Unauthorized,
                    )

    def test_key(self) -> None:
        """
        Another secret is in force.
        """
        self.assertRefused([attrs.evolve(put, key=b"It-is-secret") for put in MACS], BadSignature)
        self.assertRefused([attrs.evolve(put, key=b"It-is-secret") for put in TOKENS], Unauthorized)

    def test_size(self) -> None:
        """
        The file is a byte longer or shorter than was signed.
        """
        for by in (1, -1):
            sized = [put for put in PUTS if put.dialect != "v3" and put.size + by >= 0]
            wrong = [attrs.evolve(put, size=put.size + by) for put in sized]
            self.assertRefused([put for put in wrong if put.dialect != "jwt"], BadSignature)
            self.assertRefused([put for put in wrong if put.dialect == "jwt"], TooLarge)

    def test_declared_type(self) -> None:
        """
        Where the type is signed, another one is declared.
        """
        typed = [put for put in MACS if put.dialect in ("v2", "token")]
        for content_type in ("text/html", "image/pnh", "image/png;", "IMAGE/PNG"):
            self.assertRefused(
                [attrs.evolve(put, content_type=content_type) for put in typed], BadSignature
            )

    def test_unsigned_type(self) -> None:
        """
        Where it is not signed, any may be declared, and a token's goes before it.
        """
        for put in PUTS:
            judged = attrs.evolve(put, content_type="x/y").judge()
            if put.dialect in ("v", "v3"):
                assert isinstance(judged, Verdict)
                self.assertEqual(judged.slot.content_type, "x/y")
            elif put.dialect == "jwt":
                self.assertEqual(judged, put.judge())

    def test_name(self) -> None:
        """
        The file goes by another name, or into another folder.
        """
        for change in (lambda path: path + "x", lambda path: "x" + path):
            wrong = [attrs.evolve(put, path=change(put.path)) for put in PUTS]
            self.assertRefused([put for put in wrong if put.dialect != "jwt"], BadSignature)
            self.assertRefused([put for put in wrong if put.dialect == "jwt"], WrongSlot)
        deeper = [attrs.evolve(put, path=f"x/{put.path}") for put in TOKENS]
        self.assertRefused(deeper, WrongSlot)

    def test_dialect(self) -> None:
        """
        The signature is passed off as one of another dialect.

        ``v2`` and ``token`` are two names of one message, and so are no change.
        """
        alike = {"v2", "token"}
        for put in MACS:
            others = {"v", "v2", "token", "v3"} - (alike if put.dialect in alike else {put.dialect})
            wrong = [attrs.evolve(put, dialect=other, expires=2_000_000_000) for other in others]
            self.assertRefused(wrong, BadSignature)
            self.assertRefused(
                [attrs.evolve(put, dialect="jwt", authorization=f"Bearer {put.mac}")], Unauthorized
            )
        for put in TOKENS:
            signature = put.authorization.rpartition(".")[2]
            mac = base64.urlsafe_b64decode(signature + "==").hex()
            wrong = [
                attrs.evolve(put, dialect=other, mac=mac, authorization="", expires=2_000_000_000)
                for other in ("v", "v2", "token", "v3")
            ]
            self.assertRefused(wrong, BadSignature)

    def test_deletion(self) -> None:
        """
        What Metronome signs for a deletion uploads nothing, and the other way round.
        """
        for vector in VECTORS:
            if vector["scheme"] == "token-delete":
                put = Put(
                    "token",
                    vector["secret"].encode(),
                    quote(vector["path"]),
                    5,
                    mac=vector["token"],
                )
                self.assertRefused([put], BadSignature)
        for put in [put for put in MACS if put.dialect == "token"]:
            claim = Claim(path=put.path.encode(), delete_secret=b"delme")
            with self.assertRaises(BadSignature):
                verify("delete", put.mac.encode(), [claim], [put.key])

    def test_time(self) -> None:
        """
        It is past the end that was signed.
        """
        self.assertRefused([attrs.evolve(put, now=1_700_000_301) for put in TOKENS], Expired)
        timed = [put for put in MACS if put.dialect == "v3"]
        self.assertRefused([attrs.evolve(put, now=2_000_000_000) for put in timed], Expired)
        self.assertRefused(
            [attrs.evolve(put, expires=put.expires + 1) for put in timed], BadSignature
        )
