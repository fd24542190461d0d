"""
Tests for the secrets that :mod:`hmacfs.config` finds, and for what it warns of.
"""

from __future__ import annotations

from hmacfs.kinds import HOW_TO_MAKE_ONE
from tests.configuring import FORMER, KEY, ConfigCase, KnownFiles


class SecretTests(ConfigCase):
    """
    There is one secret in force, and former ones while they are wanted.
    """

    def test_file(self) -> None:
        """
        A file holds the secret, its line ended or not.
        """
        for text in [KEY, KEY + "\n", KEY + "\r\n"]:
            parsed = self.parse({"SecretFile": "secret"}, KnownFiles({"/etc/secret": text}))
            self.assertEqual((parsed.settings.keys, parsed.warnings), ((KEY.encode(),), ()))

    def test_previous(self) -> None:
        """
        The newest is first, and none is tried twice.
        """
        keys = self.settings(PreviousSecrets=[FORMER, KEY, FORMER]).keys
        self.assertEqual(keys, (KEY.encode(), FORMER.encode()))

    def test_missing(self) -> None:
        """
        A configuration without a secret says how to make one.
        """
        sentence = "Secret: is missing; write the one that the other side signs with: "
        for table in [{}, {"Secret": "", "SecretFile": ""}, {"PreviousSecrets": [FORMER]}]:
            self.assertEqual(self.problems(table), [sentence + HOW_TO_MAKE_ONE])

    def test_made_before(self) -> None:
        """
        The secret that was made without a configuration can go on with one.
        """
        made = KnownFiles({"/etc/hmacfs-data/.hmacfs/secret": KEY})
        (problem,) = self.problems({}, made)
        self.assertTrue(
            problem.endswith('write SecretFile = "/etc/hmacfs-data/.hmacfs/secret".'), problem
        )

    def test_both(self) -> None:
        """
        Of two secrets nobody knows which one is meant.
        """
        self.assertEqual(
            self.problems({"Secret": KEY, "SecretFile": "secret"}),
            ["SecretFile: stands beside Secret; keep one of the two."],
        )

    def test_wrong_type(self) -> None:
        """
        A secret that is none is one problem, not two, and is not shown.
        """
        new = HOW_TO_MAKE_ONE
        self.assertEqual(
            self.problems({"Secret": 5353}),
            [f"Secret: this is no text; write the secret between quotation marks: {new}"],
        )
        self.assertEqual(
            self.problems({"SecretFile": 5}),
            ["SecretFile: 5 is no text; write the path of a file, between quotation marks."],
        )

    def test_bad_file(self) -> None:
        """
        A file that holds no secret is told with its path.
        """
        for text, sentence in [
            (None, '"/etc/secret" cannot be read: permission denied.'),
            ("", f'"/etc/secret" is empty; write the secret into it: {HOW_TO_MAKE_ONE}'),
            ("\n", f'"/etc/secret" is empty; write the secret into it: {HOW_TO_MAKE_ONE}'),
            (
                "one\ntwo\n",
                'what "/etc/secret" holds does not do: this holds a line break or another control '
                "character, which the other side can hardly have as well; write the secret on one "
                "line.",
            ),
            (
                "changeme\n",
                'what "/etc/secret" holds does not do: this is a placeholder, which anybody can '
                f"guess; write a secret: {HOW_TO_MAKE_ONE}",
            ),
        ]:
            self.assertEqual(
                self.problems({"SecretFile": "secret"}, KnownFiles({"/etc/secret": text})),
                [f"SecretFile: {sentence}"],
            )

    def test_placeholders_anywhere(self) -> None:
        """
        A former secret and the one of deletions are no placeholders either.
        """
        sentence = "this is a placeholder, which anybody can guess; write a secret: "
        self.assertEqual(
            self.problems(
                {"Secret": KEY, "PreviousSecrets": ["secret"], "DeleteSecret": "changeme"}
            ),
            [
                f"PreviousSecrets: {sentence}{HOW_TO_MAKE_ONE}",
                f"DeleteSecret: {sentence}{HOW_TO_MAKE_ONE}",
            ],
        )


class WarningTests(ConfigCase):
    """
    What is doubtful is said, and works.
    """

    def test_short(self) -> None:
        """
        A secret under 32 bytes works, and so does one of 32 without a word.
        """
        table = {"Secret": "it-is-secret", "PreviousSecrets": ["ü" * 15, "x" * 32]}
        self.assertEqual(
            self.parse(table).warnings,
            (
                f"Secret: 12 bytes are few; 32 or more are good: {HOW_TO_MAKE_ONE}",
                f"PreviousSecrets: 30 bytes are few; 32 or more are good: {HOW_TO_MAKE_ONE}",
            ),
        )

    def test_exposed(self) -> None:
        """
        A secret in a file that everybody can read is no secret for long.
        """
        files = KnownFiles({"/etc/secret": KEY}, public=frozenset({"/etc/secret"}))
        self.assertEqual(
            self.parse({"SecretFile": "/etc/secret"}, files).warnings,
            ('SecretFile: every user of this machine can read "/etc/secret"; chmod 600 helps.',),
        )

    def test_acted_on(self) -> None:
        """
        Of a setting that counts nothing is said.
        """
        table = {
            "Workers": "auto",
            "MaxWorkers": 3,
            "ChunkingEnabled": False,
            "ResumableUploadsEnabled": False,
            "InformationalResponses": "never",
            "RedisURL": "redis://localhost",
            "RedisPrefix": "files:",
            "PublicURL": "https://a.example.org",
            "UploadExpiry": "1h",
            "SweepInterval": "5m",
            "Digests": True,
            "FileTTL": "30d",
            "MaxVersions": 0,
            "TrashTTL": "0",
            "TombstoneTTL": "0",
            "OwnerQuota": "1GB",
            "OwnerFrom": "path",
            "DeleteSecret": "delme",
            "Retention": [{"match": "a/*", "ttl": 5}],
        }
        self.assertEqual(self.parse({"Secret": KEY, **table}).warnings, ())

    def test_nowhere(self) -> None:
        """
        Redis alone leads no client to this node.
        """
        self.assertEqual(
            self.parse({"Secret": KEY, "RedisURL": "redis://localhost"}).warnings,
            (
                "RedisURL: without PublicURL no other node knows where to send the clients of "
                "this one.",
            ),
        )

    def test_bounds_of_nothing(self) -> None:
        """
        The bounds of what comes and goes by itself bind nothing that does not.
        """
        self.assertEqual(
            self.parse({"Secret": KEY, "MinWorkers": 2, "MaxWorkers": 4, "Workers": 3}).warnings,
            tuple(
                f'{key}: does nothing while Workers is 3; write Workers = "auto" to have processes '
                "come and go between MinWorkers and MaxWorkers."
                for key in ("MinWorkers", "MaxWorkers")
            ),
        )
        written = {"MinWorkers": 1, "MaxWorkers": "auto", "Workers": 2}
        self.assertEqual(self.parse({"Secret": KEY, **written}).warnings, ())
