"""
Tests for :mod:`hmacfs.web.announcing`.
"""

from __future__ import annotations

from tests.resuming import ResumingCase

RESUMING = (
    "tus-resumable",
    "tus-version",
    "tus-extension",
    "tus-checksum-algorithm",
    "tus-max-size",
    "upload-limit",
    "accept-patch",
)


class AnnouncingTests(ResumingCase):
    """
    OPTIONS says how uploads go on here.
    """

    def announced(self, target: str = "/uploads/a") -> dict[str, str]:
        headers = self.ask("OPTIONS", target).headers
        return {name: headers[name] for name in RESUMING if name in headers}

    def test_all(self) -> None:
        """
        Both protocols that can be asked about are told, with the bounds.
        """
        self.serve(MaxUploadSize="1MB", UploadExpiry="1h")
        self.assertEqual(
            self.announced(),
            {
                "tus-resumable": "1.0.0",
                "tus-version": "1.0.0",
                "tus-extension": "creation,creation-with-upload,checksum,termination,expiration",
                "tus-checksum-algorithm": "sha1,sha256",
                "tus-max-size": "1000000",
                "upload-limit": "max-size=1000000, min-size=0, max-age=3600",
                "accept-patch": "application/partial-upload, application/offset+octet-stream",
            },
        )

    def test_within_second(self) -> None:
        """
        The time is told whole, whenever somebody asks.
        """
        self.clock.advance(0.75)
        self.assertIn("max-age=86400", self.announced()["upload-limit"])

    def test_unbounded(self) -> None:
        """
        Where there is no bound, none is told.
        """
        self.serve(MaxUploadSize="0")
        announced = self.announced()
        self.assertNotIn("tus-max-size", announced)
        self.assertEqual(announced["upload-limit"], "min-size=0, max-age=86400")

    def test_at_upload(self) -> None:
        """
        The URL of an upload says the same, whether it is there or not.
        """
        self.assertEqual(self.announced("/uploads/.hmacfs/uploads/1"), self.announced())

    def test_switched_off(self) -> None:
        """
        Where nothing is resumed nothing of it is said, and POST is not allowed.
        """
        self.serve(ResumableUploadsEnabled=False)
        self.assertEqual(self.announced(), {})
        allowed = self.ask("OPTIONS", "/uploads/a").headers["allow"]
        self.assertEqual(allowed, "DELETE, GET, HEAD, OPTIONS, PUT")
