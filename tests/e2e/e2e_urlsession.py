"""
What Apple's URLSession sends: a PUT of a file that iOS makes resumable by
itself.

It runs on no machine of ours.  Its requests are as the tests of Apple's own
server (swift-nio-extras, NIOResumableUpload) have them, one version of the
draft for each version of iOS; README.rst shows the lines of Swift behind them.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tests.e2e.curl import Answer, field_options
from tests.e2e.fronts import Told, Wire, target_of
from tests.e2e.ways import FILM, Course, Direct, Proxied, whole

USUAL = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Accept-Language": "en-GB,en;q=0.9",
    "Connection": "keep-alive",
    "User-Agent": "Films/1 CFNetwork/1568.200.51 Darwin/24.1.0",
}


@attrs.frozen
class System:
    """
    One version of iOS.

    :ivar version: of the draft, as it calls itself.
    :ivar create: the fields of the PUT, beside the version and the usual ones.
    :ivar append: those of the PATCH, beside its offset; empty where there is none.
    """

    version: int
    create: Mapping[str, object]
    append: Mapping[str, object]

    @property
    def fields(self) -> Mapping[str, object]:
        """What every request has."""
        return {**USUAL, "Upload-Draft-Interop-Version": self.version}


LENGTH = {"Upload-Length": FILM.size}
PARTIAL = {"Content-Type": "application/partial-upload"}
LAST = {"Upload-Complete": "?1"}
TYPE = {"Content-Type": FILM.content_type}

IOS_17 = System(3, {**TYPE, "Upload-Incomplete": "?0"}, {})
IOS_18 = System(5, {**TYPE, **LAST}, {**LAST, **LENGTH})
IOS_18_1 = System(6, {**TYPE, **LAST, **LENGTH}, {**LAST, **LENGTH, **PARTIAL})
IOS_26 = attrs.evolve(IOS_18_1, version=8)


class DirectTests(Direct, SynchronousTestCase):
    """On a TCP port of hmacfs."""

    def setUp(self) -> None:
        super().setUp()
        self.content = memoryview(FILM.content)
        self.target = urlsplit(self.slot(FILM))._replace(scheme="", netloc="").geturl()
        self.interim: list[Told] = []

    def ask(
        self, method: str, target: str, fields: Mapping[str, object], content: memoryview | None
    ) -> Told:
        """
        Ask on a connection of its own.

        :raise OSError: it broke.
        """
        wire = Wire(urlsplit(self.url).netloc)
        try:
            slowly = fields.get("Upload-Complete") == "?1" and method == "PUT"
            return wire.ask(method, target, fields, content, self.interim.append, slowly)
        finally:
            wire.close()

    def put(self, system: System) -> Told:
        """
        Begin the upload.

        :raise OSError: the line broke.
        """
        return self.ask("PUT", self.target, {**system.fields, **system.create}, self.content)

    def check_resumed(self, system: System) -> None:
        """
        The 104 says where the upload is; it goes on there.
        """
        self.cut()
        with contextlib.suppress(OSError):
            self.fail(str(self.put(system)))
        first = self.interim[0]
        self.assertEqual(
            (first.status, first.headers["upload-draft-interop-version"]),
            (104, str(system.version)),
        )
        place = target_of(first)

        stands = self.ask("HEAD", place, system.fields, None)
        self.assertEqual((stands.status, stands.headers["upload-complete"]), (204, "?0"))
        offset = stands.number("upload-offset")
        fields = {**system.fields, **system.append, "Upload-Offset": offset}
        told = self.ask("PATCH", place, fields, self.content[offset:])
        self.assertEqual((told.status, told.headers["upload-complete"]), (201, "?1"))
        self.assertEqual(
            self.course(FILM), Course(["PUT", "HEAD", "PATCH"], [204, 201], whole(FILM))
        )

    def test_ios_17(self) -> None:
        """
        iOS 17 speaks a draft from before ours: its upload is a plain one, and may break.
        """
        self.cut()
        with contextlib.suppress(OSError):
            self.fail(str(self.put(IOS_17)))
        self.assertEqual(self.put(IOS_17).status, 201)
        self.assertEqual(self.interim, [])
        self.assertEqual(self.course(FILM), Course(["PUT", "PUT"], [201], whole(FILM)))

    def test_ios_18(self) -> None:
        """
        iOS 18.0 goes on, with bytes that have no type.
        """
        self.check_resumed(IOS_18)

    def test_ios_18_typed(self) -> None:
        """
        Or with bytes that have the type of the file, which the application has set.
        """
        self.check_resumed(attrs.evolve(IOS_18, append={**IOS_18.append, **TYPE}))

    def test_ios_18_1(self) -> None:
        """
        iOS 18.1 goes on, with bytes that have one.
        """
        self.check_resumed(IOS_18_1)

    def test_ios_26(self) -> None:
        """
        So does iOS 26, with another version.
        """
        self.check_resumed(IOS_26)


class ProxiedContract(Proxied):
    """
    nginx would break on a 104: there the upload is a plain one, which is sent
    again where the line broke.
    """

    def put(self, system: System) -> Answer:
        """
        :raise AssertionError: the line broke before the last answer.
        """
        fields = {name: str(value) for name, value in (system.fields | system.create).items()}
        options = [*field_options(fields), "--dump-header", str(self.heads)]
        return self.curl(*options, "--upload-file", self.path, self.slot(FILM))

    def check_anew(self, system: System) -> None:
        """
        The second one is whole, and all that is heard is the last answer.
        """
        self.path, self.heads = self.write(FILM), self.folder / "heads"
        self.cut()
        self.assertRaises(AssertionError, self.put, system)
        told = self.put(system)
        self.assertEqual((told.status, told.version), (201, self.HTTP[1]))
        statuses = re.findall(r"^HTTP/\S+ (\d+)", self.heads.read_text(), re.MULTILINE)
        self.assertEqual(set(statuses) - {"100"}, {"201"})
        self.assertEqual(self.course(FILM), Course(["PUT", "PUT"], [201], whole(FILM)))

    def test_ios_17(self) -> None:
        """
        So it is for iOS 17, as everywhere.
        """
        self.check_anew(IOS_17)

    def test_ios_18(self) -> None:
        """
        For iOS 18.0 too.
        """
        self.check_anew(IOS_18)

    def test_ios_18_1(self) -> None:
        """
        For iOS 18.1 too.
        """
        self.check_anew(IOS_18_1)

    def test_ios_26(self) -> None:
        """
        For iOS 26 too.
        """
        self.check_anew(IOS_26)


class Http1Tests(ProxiedContract, SynchronousTestCase):
    """Through nginx, over HTTP/1.1."""


class Http2Tests(ProxiedContract, SynchronousTestCase):
    """Through nginx, over HTTP/2."""

    HTTP = ("--http2", "2")
