"""
Tests for :mod:`hmacfs.loading`.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import textwrap
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.addresses import Unix
from hmacfs.config import KEYS, Key, Problems
from hmacfs.loading import LARGEST_CONFIG, LARGEST_SECRET, Loaded, load, read_table
from hmacfs.retention import Rule

EXAMPLE = Path(__file__).parent.parent / "conf" / "hmacfs.toml"
KEY = "a key of the tests, long enough for all"


class LoadingCase(SynchronousTestCase):
    """
    A working folder of its own for each test.
    """

    def setUp(self) -> None:
        self.cwd = Path(self.mktemp()).absolute()
        self.cwd.mkdir()
        self.config = self.cwd / "config.toml"

    def load(self, content: str | bytes | None = None, path: str | None = None) -> Loaded:
        """
        What holds, with *content* in ``config.toml``.
        """
        if content is not None:
            self.config.write_bytes(content.encode() if isinstance(content, str) else content)
            self.config.chmod(0o600)
        return load(path, str(self.cwd))

    def report(self, content: str | bytes | None = None, path: str | None = None) -> str:
        """
        What is wrong, below the line that says where.
        """
        with self.assertRaises(Problems) as raised:
            self.load(content, path)
        return str(raised.exception).partition("\n  ")[2]


class FoundTests(LoadingCase):
    """
    ``--config`` names the file; else ``config.toml`` counts, where it is.
    """

    def test_named(self) -> None:
        """
        The named file is read, and paths in it begin where it is.
        """
        folder = self.cwd / "etc"
        folder.mkdir()
        (folder / "our.toml").write_text('SecretFile = "key"\nListenPort = "unix:a.sock"\n')
        (folder / "key").write_text(KEY)
        (folder / "key").chmod(0o600)
        loaded = self.load(path="etc/our.toml")
        self.assertEqual(
            (
                loaded.source,
                loaded.settings.keys,
                loaded.settings.listen_port,
                loaded.settings.store_dir,
                loaded.warnings,
                loaded.made_secret,
            ),
            (
                str(folder / "our.toml"),
                (KEY.encode(),),
                (Unix(str(folder / "a.sock")),),
                str(folder / "hmacfs-data"),
                (),
                None,
            ),
        )

    def test_working_folder(self) -> None:
        """
        Without a name, the one of the working folder is read.
        """
        loaded = self.load(f'Secret = "{KEY}"\nLogLevel = "debug"\n')
        self.assertEqual((loaded.source, loaded.settings.log_level), (str(self.config), "debug"))

    def test_named_and_missing(self) -> None:
        """
        A file that was named and is not there does not fall back to defaults.
        """
        with self.assertRaises(Problems) as raised:
            self.load(path="other.toml")
        self.assertEqual(
            str(raised.exception),
            f"1 problem in {self.cwd}/other.toml:\n"
            "  The file cannot be read: no such file or directory.",
        )
        self.assertEqual(list(self.cwd.iterdir()), [])

    def test_dangling(self) -> None:
        """
        Nor does a link that leads nowhere.
        """
        self.config.symlink_to("nowhere.toml")
        self.assertEqual(self.report(), "The file cannot be read: no such file or directory.")

    def test_folder(self) -> None:
        """
        A folder is no configuration.
        """
        self.config.mkdir()
        self.assertEqual(self.report(), "The file cannot be read: is a directory.")

    def test_huge(self) -> None:
        """
        What is far too large is not read to its end.
        """
        self.assertEqual(
            self.report(path="/dev/zero"),
            f"The file has more than {LARGEST_CONFIG} bytes, which cannot be meant.",
        )

    def test_everything(self) -> None:
        """
        What the file system and the values have against it comes in one report.
        """
        self.assertEqual(
            self.report('Secrets = 1\nSecretFile = "key"\nStoreDir = "config.toml"\nLogFile = "."'),
            "Secrets: is no setting; did you mean Secret?\n"
            f'  SecretFile: "{self.cwd}/key" cannot be read: no such file or directory.\n'
            f'  StoreDir: "{self.config}" is no folder; write the path of one.\n'
            f'  LogFile: "{self.cwd}/." is a folder; write the path of a file in it.',
        )


class SecretFileTests(LoadingCase):
    """
    A secret is read from a file, and looked after.
    """

    def setUp(self) -> None:
        super().setUp()
        self.secret = self.cwd / "key"

    def test_exposed(self) -> None:
        """
        A secret that everybody can read is warned of, in either file.
        """
        self.secret.write_text(KEY)
        self.secret.chmod(0o604)
        self.assertEqual(
            self.load('SecretFile = "key"').warnings,
            (f'SecretFile: every user of this machine can read "{self.secret}"; chmod 600 helps.',),
        )
        self.load(f'Secret = "{KEY}"')
        self.config.chmod(0o644)
        self.assertEqual(
            self.load().warnings,
            (f'Secret: every user of this machine can read "{self.config}"; chmod 600 helps.',),
        )

    def test_no_text(self) -> None:
        """
        Random bytes can hardly stand in the configuration of the other side.
        """
        self.secret.write_bytes(b"one\n\xff")
        self.assertEqual(
            self.report('SecretFile = "key"'),
            f'SecretFile: "{self.secret}" is no UTF-8 text, at line 2; save it as UTF-8.',
        )

    def test_huge(self) -> None:
        """
        A file that holds far more than a secret is another file.
        """
        self.secret.write_bytes(b"x" * (LARGEST_SECRET + 1))
        self.assertEqual(
            self.report('SecretFile = "key"'),
            f'SecretFile: "{self.secret}" has more than {LARGEST_SECRET} bytes, '
            "which cannot be meant.",
        )


class DefaultTests(LoadingCase):
    """
    Without a configuration a secret is made, once, for this user alone.
    """

    def test_made_once(self) -> None:
        """
        The second start, and the command line, read what the first one made.
        """
        first, second = self.load(), self.load()
        path = f"{self.cwd}/hmacfs-data/.hmacfs/secret"
        self.assertEqual(
            (first.source, first.made_secret, first.warnings, second.made_secret),
            (None, path, (), None),
        )
        self.assertEqual(first.settings, second.settings)
        self.assertEqual(first.settings.store_dir, f"{self.cwd}/hmacfs-data")
        self.assertRegex(Path(path).read_text(), "^[0-9a-f]{64}\n$")

    def test_private(self) -> None:
        """
        Nobody else can read it, whatever the umask.
        """
        former = os.umask(0)
        self.addCleanup(os.umask, former)
        self.load()
        modes = {
            str(path.relative_to(self.cwd)): stat.S_IMODE(path.stat().st_mode)
            for path in self.cwd.rglob("*")
        }
        self.assertEqual(
            modes,
            {
                "hmacfs-data": 0o700,
                "hmacfs-data/.hmacfs": 0o700,
                "hmacfs-data/.hmacfs/secret": 0o600,
            },
        )

    def test_store_is_left_alone(self) -> None:
        """
        A store that is there keeps its mode.
        """
        store = self.cwd / "hmacfs-data"
        store.mkdir()
        store.chmod(0o755)
        self.load()
        self.assertEqual(stat.S_IMODE(store.stat().st_mode), 0o755)

    def test_race(self) -> None:
        """
        Of several that are first at once one makes the secret, and all read it.
        """
        with ThreadPoolExecutor(8) as pool:
            loaded = list(pool.map(lambda _: self.load(), range(8)))
        self.assertEqual(len({each.settings.keys for each in loaded}), 1)
        self.assertEqual(len([each for each in loaded if each.made_secret]), 1)
        self.assertEqual(os.listdir(self.cwd / "hmacfs-data/.hmacfs"), ["secret"])

    def test_not_to_be_made(self) -> None:
        """
        Who may make none finds the one of the daemon, or hears that it made none yet.
        """
        with self.assertRaises(Problems) as raised:
            load(None, str(self.cwd), make_secret=False)
        self.assertEqual((raised.exception.problems[0].key, os.listdir(self.cwd)), ("Secret", []))
        made = self.load().settings
        self.assertEqual(load(None, str(self.cwd), make_secret=False).settings, made)

    def test_no_room(self) -> None:
        """
        Where it cannot be made, a sentence says so.
        """
        (self.cwd / "hmacfs-data").write_text("")
        self.assertEqual(
            self.report(),
            f'StoreDir: "{self.cwd}/hmacfs-data/.hmacfs/secret" cannot be made: not a directory; '
            "start in a folder of your own.",
        )

    def test_emptied(self) -> None:
        """
        A secret that was emptied is told, not made anew behind one's back.
        """
        loaded = self.load()
        assert loaded.made_secret is not None
        Path(loaded.made_secret).write_text("")
        self.assertIn("is empty; write the secret into it", self.report())


class SyntaxTests(LoadingCase):
    """
    What is no TOML is told with its line and column, and without the secret.
    """

    HINT = ' One setting stands on a line, and text between quotation marks: LogLevel = "info".'

    def test_mistakes(self) -> None:
        """
        The usual mistakes, each in one sentence.
        """
        for content, sentence in [
            ("\nSecret = s3same\n", "Line 2, column 10: there is no value here that can be read."),
            ("A = 1\nA = 2\n", "Line 2, column 6: this setting stands twice."),
            ("A = True\n", "Line 1, column 5: there is no value here that can be read."),
            (
                "A = 1 B = 2\n",
                "Line 1, column 7: Expected newline or end of document after a statement.",
            ),
            ('A = ["a",\n', "At the end: there is no value here that can be read."),
            ('A = "s3same\n', "Line 1, column 12: Illegal character '\\n'."),
            ('A = "a\0b"\n', "Line 1, column 7: Illegal character '\\x00'."),
        ]:
            self.assertEqual(self.report(content), sentence + self.HINT)

    def test_deep(self) -> None:
        """
        What is nested without end is refused, and ends nothing.
        """
        self.assertEqual(
            self.report("A = " + "[" * 100_000), "This is nested too deeply for a configuration."
        )

    def test_long_number(self) -> None:
        """
        A number without end is refused, in decimal and in hexadecimal.
        """
        self.assertIn("At the end: ", self.report(f"MaxVersions = {'9' * 5000}"))
        self.assertIn(
            "MaxVersions: a huge number is no such number",
            self.report(f"MaxVersions = 0x{'f' * 5000}"),
        )

    def test_encoding(self) -> None:
        """
        A file of another encoding says where, one with a byte order mark is read.
        """
        self.assertEqual(
            self.report(b"# a\n# \xff\n"), "The file is no UTF-8 text, at line 2; save it as UTF-8."
        )
        self.assertEqual(self.load(f'\ufeffSecret = "{KEY}"\r\n').settings.keys, (KEY.encode(),))


class TableTests(SynchronousTestCase):
    """
    Two readers agree, or nothing starts.
    """

    def assert_misread(self, text: str, *expected: str) -> None:
        """
        *text* is TOML, and refused.
        """
        tomllib.loads(text)
        with self.assertRaises(Problems) as raised:
            read_table(text)
        self.assertEqual(tuple(map(str, raised.exception.problems)), expected)

    def test_mixed(self) -> None:
        """
        An array of texts and numbers is for toml none.
        """
        self.assert_misread(
            'ListenPort = ["127.0.0.1:80", 81]\n',
            "ListenPort: lists values of different kinds; write all between quotation marks.",
        )

    def test_swallowed(self) -> None:
        """
        What toml loses without a word is not lost without a word.
        """
        sentence = (
            "has a form of TOML that is not read here; write the value on one line, text between "
            "single quotation marks."
        )
        self.assert_misread('Secret = "\\"\\"s3same"\n', f"Secret: {sentence}")
        self.assert_misread(
            'Secret = """a\nb""" # both\nLogLevel = "info"\n',
            f"Secret: {sentence}",
            f"LogLevel: {sentence}",
        )

    def test_given_up(self) -> None:
        """
        What toml stumbles over is a sentence, not a traceback.
        """
        self.assert_misread(
            "A = '''\n'b'''\n",
            "One value has a form of TOML that is not read here; write the value on one line, "
            "text between single quotation marks.",
        )

    def test_agreed(self) -> None:
        """
        What people write is read by both.
        """
        self.assertEqual(
            read_table(
                'A = "a#\\"\\u00e9\\\\" # c\r\nB = \'C:\\x\'\nC = [\n  "a,b", # d\n  "]",\n]\n'
                'D = 1_000\nE = true\n"F" = []\nG = 2026-11-22\n[H]\ni = 1.5\n'
            ),
            {
                "A": 'a#"é\\',
                "B": "C:\\x",
                "C": ["a,b", "]"],
                "D": 1000,
                "E": True,
                "F": [],
                "G": date(2026, 11, 22),
                "H": {"i": 1.5},
            },
        )

    PIECES = ("A", "Secret", " = ", "\n", '"', "'", '"""', "'''", "#", "[", "]", ",", "1", "a b")
    PIECES += ("\\", "\\u00e9", "{", "}", ".", "true", "\r", "\0", "\ufeff", "é", "\t", "inf")

    @settings(deadline=None, max_examples=300)
    @given(st.lists(st.sampled_from(PIECES)).map("".join) | st.text())
    def test_any_text(self, text: str) -> None:
        """
        Any text is what the standard library reads, or a problem.
        """
        try:
            table = read_table(text)
        except Problems as found:
            self.assertTrue(all(str(problem) for problem in found.problems))
        else:
            self.assertEqual(table, tomllib.loads(text.removeprefix("\ufeff")))

    LINE = st.text(st.characters(exclude_categories=["Cc", "Cs"]))

    NAME = st.from_regex(r"[A-Za-z0-9_-]+", fullmatch=True)

    @settings(deadline=None)
    @given(st.dictionaries(NAME, LINE, max_size=4))
    def test_any_value(self, table: dict[str, str]) -> None:
        """
        A text arrives as it was written, or does not arrive.
        """
        text = "".join(
            f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in table.items()
        )
        with contextlib.suppress(Problems):
            self.assertEqual(read_table(text), table)

    @settings(deadline=None)
    @given(st.dictionaries(NAME, LINE.filter(lambda value: "'" not in value), max_size=4))
    def test_any_plain_value(self, table: dict[str, str]) -> None:
        """
        Between single quotation marks it always arrives.
        """
        text = "".join(f"{key} = '{value}'\n" for key, value in table.items())
        self.assertEqual(read_table(text), table)


class ExampleTests(LoadingCase):
    """
    ``conf/hmacfs.toml`` shows every setting as it is.
    """

    def block(self, key: Key) -> str:
        """
        What the example says of *key*: why, what may be written, the default.
        """
        lines = [key.why, f"Value: {key.kind.form}."]
        comments = "\n".join(
            textwrap.fill(line, 98, initial_indent="# ", subsequent_indent="# ") for line in lines
        )
        if key.example:
            return f"{comments}\n{textwrap.indent(key.example, '# ')}\n"
        default = "change-me" if key.name == "Secret" else key.default
        return f"{comments}\n{key.name} = {json.dumps(default)}\n"

    def test_keys(self) -> None:
        """
        Every key stands there with its default and its unit, in order, once.
        """
        _, *blocks = EXAMPLE.read_text().split("\n\n")
        self.assertEqual([b.strip() for b in blocks], [self.block(key).strip() for key in KEYS])

    def test_untouched(self) -> None:
        """
        The example as it comes is refused, for its secret alone.
        """
        self.assertRegex(self.report(EXAMPLE.read_text()), r"^Secret: this is a placeholder.*$")

    def test_copied(self) -> None:
        """
        With a secret in it, it says what the defaults say.
        """
        loaded = self.load(EXAMPLE.read_text().replace("change-me", KEY))
        self.assertEqual(loaded.warnings, ())
        self.assertEqual(loaded.settings, self.load(f'Secret = "{KEY}"').settings)

    def test_rules(self) -> None:
        """
        The rules that it shows hold once their marks are taken off.
        """
        text = EXAMPLE.read_text().replace("change-me", KEY)
        at = text.index("# [[Retention]]")
        loaded = self.load(text[:at] + text[at:].replace("# ", ""))
        self.assertEqual(loaded.settings.retention, (Rule("avatars/*", None),))
