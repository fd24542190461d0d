"""
Tests for :mod:`hmacfs.tap`, as far as no reactor needs to run: see
:mod:`tests.test_process` for the daemon at work.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path

from twisted.application.service import Application, IService
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver
from twisted.python.usage import Options as UsageOptions
from twisted.python.usage import UsageError
from twisted.scripts.twistd import ServerOptions
from twisted.trial.unittest import SynchronousTestCase

from hmacfs import __version__
from hmacfs.logs import Stream
from hmacfs.tap import Options, load, makeService, straight

GOOD = 'Secret = "0123456789abcdef0123456789abcdef"\n'
BAD = 'Secret = "changeme"\nListenport = "x"\nLogLevel = 3\n'
COMPLAINT = (
    "hmacfs: 3 problems in {path}:\n"
    "  Listenport: is no setting; did you mean ListenPort?\n"
    '  Secret: this is a placeholder, which anybody can guess; write a secret: "openssl rand '
    '-hex 32" prints a good one.\n'
    '  LogLevel: 3 is not known here; write "debug", "info", "warn" or "error".\n'
)


class TapCase(SynchronousTestCase):
    """
    A folder to start in.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def write(self, name: str, text: str) -> str:
        """
        :return: the path of a new file, which nobody else can read.
        """
        path = self.folder / name
        path.touch(0o600)
        path.write_text(text)
        return str(path)

    def ended(self, what: Callable[[], object]) -> tuple[object, str, str]:
        """
        Do *what* in the folder; it ends the process.

        :return: its exit status, its standard output, its standard error.
        """
        out, err = StringIO(), StringIO()
        with chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            ended = self.assertRaises(SystemExit, what)
        return ended.code, out.getvalue(), err.getvalue()

    def left(self) -> list[str]:
        """
        :return: what is in the folder.
        """
        return sorted(path.name for path in self.folder.iterdir())


class CheckTests(TapCase):
    """
    ``--check`` says all that is wrong with the settings, and makes nothing.
    """

    def check(self, *arguments: str) -> tuple[object, str, str]:
        return self.ended(lambda: Options().parseOptions([*arguments, "--check"]))

    def test_good(self) -> None:
        """
        Settings that can be used are said to be so.
        """
        path = self.write("a.toml", GOOD)
        self.assertEqual(self.check("-c", path), (0, f"{path}: all is well.\n", ""))
        self.assertEqual(self.left(), ["a.toml"])

    def test_here(self) -> None:
        """
        Without --config the config.toml of the folder is checked.
        """
        path = self.write("config.toml", GOOD)
        self.assertEqual(self.check(), (0, f"{path}: all is well.\n", ""))

    def test_doubtful(self) -> None:
        """
        What is doubtful is said, and is no failure.
        """
        path = self.write("a.toml", 'Secret = "a secret of 23 bytes..."\n')
        status, out, _ = self.check("--config", path)
        self.assertEqual((status, out.splitlines()[-1]), (0, f"{path}: all is well."))
        self.assertIn("Secret: ", out)

    def test_bad(self) -> None:
        """
        Every problem is listed with its key, without a page of options before it.
        """
        path = self.write("a.toml", BAD)
        self.assertEqual(self.check("-c", path), (1, "", COMPLAINT.format(path=path)))

    def test_missing(self) -> None:
        """
        A file that is not there is a problem.
        """
        status, _, err = self.check("-c", "nowhere.toml")
        self.assertEqual((status, "nowhere.toml" in err), (1, True))

    def test_none(self) -> None:
        """
        Without a configuration the defaults hold, and no secret is made yet.
        """
        says = "There is no configuration: the defaults hold, and a secret is made at the start.\n"
        self.assertEqual((self.check(), self.left()), ((0, says, ""), []))


class OptionsTests(TapCase):
    """
    The command line is small.
    """

    def test_version(self) -> None:
        """
        The version is that of hmacfs.
        """
        self.assertEqual(
            self.ended(lambda: Options().parseOptions(["--version"])),
            (0, f"hmacfs {__version__}\n", ""),
        )

    def test_unknown(self) -> None:
        """
        What nobody knows is an error of usage.
        """
        self.assertRaises(UsageError, Options().parseOptions, ["--chek"])
        self.assertRaises(UsageError, Options().parseOptions, ["start"])


class MakeServiceTests(TapCase):
    """
    The daemon is put together and touches nothing before it is started.
    """

    def make(self, *arguments: str) -> IService:
        """
        :return: the service, for a reactor that never runs.
        """
        options = Options()
        options.parseOptions(arguments)
        with chdir(self.folder):
            return makeService(options, reactor=MemoryReactorClock())

    def test_service(self) -> None:
        """
        A service comes out, and neither a store nor a port is there yet.
        """
        path = self.write("a.toml", GOOD)
        self.assertTrue(IService.providedBy(self.make("-c", path)))
        self.assertEqual(self.left(), ["a.toml"])

    def test_first_secret(self) -> None:
        """
        Without a configuration a secret is made that only its owner can read.
        """
        self.make()
        secret = self.folder / "hmacfs-data" / ".hmacfs" / "secret"
        self.assertEqual(secret.stat().st_mode & 0o777, 0o600)

    def test_bad(self) -> None:
        """
        Settings that cannot be used are listed, and end the process with status 1.
        """
        path = self.write("a.toml", BAD)
        self.assertEqual(
            self.ended(lambda: self.make("-c", path)), (1, "", COMPLAINT.format(path=path))
        )

    def test_observer(self) -> None:
        """
        The application it is put in has our log, so that twistd makes none of its own.
        """
        path = self.write("a.toml", GOOD)
        application = Application("hmacfs")
        self.make("-c", path).setServiceParent(application)
        observer = application.getComponent(ILogObserver)
        self.assertTrue(ILogObserver.providedBy(observer))

    def test_straight(self) -> None:
        """
        Requests go straight into the log where that is the log of the
        process: not where twistd was told of another one, nor under "twist".
        """
        twistd, other = ServerOptions(), ServerOptions()
        other["logger"] = StringIO
        told = []
        for parent, format in (
            (twistd, "text"),
            (twistd, "json"),
            (other, "text"),
            (UsageOptions(), "text"),
            (None, "text"),
        ):
            config = self.write(f"{len(told)}.toml", f'{GOOD}LogFormat = "{format}"\n')
            options, output = Options(), Stream(BytesIO())
            options.parent = parent
            told.append(straight(options, load(config).settings, output) is not None)
        self.assertEqual(told, [True, True, False, False, False])

    def test_bad_log_file(self) -> None:
        """
        A log file that cannot be opened is named with its key.
        """
        (self.folder / "a.log").symlink_to("a.log")
        path = self.write("a.toml", GOOD + 'LogFile = "a.log"\n')
        status, _, err = self.ended(lambda: self.make("-c", path))
        self.assertEqual(
            (status, err),
            (
                1,
                "hmacfs: 1 problem in the settings:\n"
                f"  LogFile: {self.folder}/a.log cannot be opened: "
                "Too many levels of symbolic links.\n",
            ),
        )
