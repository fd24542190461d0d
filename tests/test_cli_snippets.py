"""
Tests for :mod:`hmacfs.cli.snippets`.

That the servers themselves take what is printed is shown in ``tests/e2e``.
"""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hmacfs.cli import snippets
from tests.commands import Ran, run, write_settings

#: A secret may hold any printable character.
ODD = 'it\'s "odd" \\ #{} %s $x é 😀 -- and long enough'


class SnippetTestCase(SynchronousTestCase):
    """
    What the tests below share.
    """

    def setup(self, *arguments: str, **settings: object) -> Ran:
        """
        :param arguments: what stands behind ``hmacfs setup``.
        :return: what it prints with *settings*.
        """
        path = write_settings(self.mktemp(), **settings)
        return run("setup", *arguments, "-c", path)


class ProsodyTests(SnippetTestCase):
    """
    Prosody gets a component at the URL's host, with our secret, prefix and bound.
    """

    def test_upload_external(self) -> None:
        """
        By default it is that of mod_http_upload_external.
        """
        ran = self.setup("prosody", "https://files.example.org", Secret=ODD)
        self.assertEqual(
            ran,
            Ran(
                0,
                """\
-- hmacfs: needs mod_http_upload_external, of the package prosody-modules
Component "files.example.org" "http_upload_external"
    http_upload_external_base_url = "https://files.example.org/uploads/"
    http_upload_external_secret = "it's \\"odd\\" \\\\ #{} %s $x é 😀 -- and long enough"
    http_upload_external_protocol = "v1"
    http_upload_external_file_size_limit = 1073741824 -- bytes
""",
                "",
            ),
        )

    def test_protocol(self) -> None:
        """
        It may be told to bind the media type as well.
        """
        ran = self.setup("prosody", "https://files.example.org", "--protocol", "v2")
        self.assertIn('\n    http_upload_external_protocol = "v2"\n', ran.out)

    def test_file_share(self) -> None:
        """
        With tokens it is Prosody's own mod_http_file_share.
        """
        ran = self.setup(
            "prosody",
            "https://files.example.org/share/",
            "--protocol=jwt",
            "--host=upload.example.org",
            UploadSubDir="share",
            MaxUploadSize="0",
        )
        code = [line.partition(" --")[0].strip() for line in ran.out.splitlines()[2:]]
        self.assertEqual(
            code,
            [
                'Component "upload.example.org" "http_file_share"',
                'http_file_share_base_url = "https://files.example.org/share/"',
                'http_file_share_secret = "a secret for the tests, and for nothing else"',
                "http_file_share_size_limit = 1099511627776",
            ],
        )

    def test_local(self) -> None:
        """
        An address of this machine gives no name to a component, so it gets one.
        """
        hosts = ["127.0.0.1:8080", "[::1]:8080", "localhost:8080"]
        found = [self.setup("prosody", f"http://{host}").out.split('"')[1] for host in hosts]
        self.assertEqual(found, ["upload.localhost"] * 3)


class MetronomeTests(SnippetTestCase):
    """
    Metronome gets a component too, with options of its own.
    """

    def test_component(self) -> None:
        """
        The options are those of Metronome's mod_http_upload_external.
        """
        ran = self.setup("metronome", "https://files.example.org", Secret=ODD)
        self.assertEqual(
            ran,
            Ran(
                0,
                """\
-- hmacfs
Component "files.example.org" "http_upload_external"
    http_file_external_url = "https://files.example.org/uploads/"
    http_file_secret = "it's \\"odd\\" \\\\ #{} %s $x é 😀 -- and long enough"
    http_file_size_limit = 1073741824 -- bytes
""",
                "",
            ),
        )


class EjabberdTests(SnippetTestCase):
    """
    ejabberd gets its mod_http_upload.
    """

    def test_section(self) -> None:
        """
        The URL stands there without a slash at its end, and the bound in bytes.
        """
        ran = self.setup("ejabberd", "https://files.example.org", Secret=ODD)
        self.assertEqual(
            ran,
            Ran(
                0,
                """\
# hmacfs: where ejabberd.yml has a section "modules" already, leave out its line
modules:
  mod_http_upload:
    put_url: "https://files.example.org/uploads"
    external_secret: "it's \\"odd\\" \\\\ #{} %s $x é 😀 -- and long enough"
    max_size: 1073741824
""",
                "",
            ),
        )

    def test_host(self) -> None:
        """
        The service has another address than ejabberd would give it only where one is named.
        """
        ran = self.setup(
            "ejabberd", "https://f.example.org", "--host", "up.example.org", MaxUploadSize=0
        )
        self.assertIn('\n    host: "up.example.org"\n', ran.out)
        self.assertIn("\n    max_size: infinity\n", ran.out)


class NginxTests(SnippetTestCase):
    """
    nginx gets a location that streams, both ways.
    """

    def test_location(self) -> None:
        """
        Bodies go through unbuffered and unbounded, and clients cannot pose as others.
        """
        ran = self.setup(
            "nginx",
            "https://files.example.org",
            ListenPort="unix:/tmp/hmacfs.sock",
            PublicURL="https://files.example.org",
        )
        self.assertEqual(
            ran,
            Ran(
                0,
                """\
# hmacfs: belongs into the server { } of files.example.org, beside its certificate
location ^~ /uploads/ {
    proxy_pass http://unix:/tmp/hmacfs.sock;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header Forwarded "";
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;

    # hmacfs bounds uploads itself, and refuses them before their body is sent.
    client_max_body_size 0;
    proxy_request_buffering off;
    # Downloads go at the client's pace and never through a temporary file.
    proxy_max_temp_file_size 0;
    # A large upload is answered once the disk has all of it.
    proxy_read_timeout 10m;
}
""",
                "nginx must be allowed to write to the socket; UnixSocketMode is 0660.\n",
            ),
        )

    def test_port(self) -> None:
        """
        Over TCP it must be trusted, and clients be told its URL.
        """
        ran = self.setup("nginx", "https://files.example.org", ListenPort=":8090")
        self.assertIn("\n    proxy_pass http://127.0.0.1:8090;\n", ran.out)
        self.assertIn("TrustedProxies", ran.err)
        self.assertIn('PublicURL = "https://files.example.org"', ran.err)

    def test_path(self) -> None:
        """
        A path that nginx would have to rewrite belongs into UploadSubDir.
        """
        ran = self.setup("nginx", "https://files.example.org/a/")
        self.assertEqual((ran.status, ran.out), (1, ""))
        self.assertIn('UploadSubDir = "a/uploads"', ran.err)

    def test_unreachable(self) -> None:
        """
        Where nginx cannot be told the way to the daemon, that is said.
        """
        for listen in ("systemd:domain=INET:index=0", "unix:/tmp/a b"):
            ran = self.setup("nginx", "https://files.example.org", ListenPort=listen)
            self.assertEqual((ran.status, ran.out), (1, ""))
            self.assertIn("ListenPort", ran.err)


class WrongCallTests(SnippetTestCase):
    """
    What makes no sense is refused with status 2.
    """

    def test_wrong(self) -> None:
        """
        Another server, another protocol, an option of somebody else, an odd host or URL.
        """
        url = "https://files.example.org"
        for arguments in (
            ["openfire", url],
            ["prosody", url, "--protocol", "v3"],
            ["ejabberd", url, "--protocol", "v2"],
            ["nginx", url, "--host", "h"],
            ["prosody", url, "--host", 'a"b'],
            ["prosody", "files.example.org"],
            ["prosody"],
        ):
            ran = self.setup(*arguments)
            self.assertEqual((ran.status, ran.out), (2, ""), arguments)


class QuotingTests(SynchronousTestCase):
    """
    Whatever the secret is, the other server reads the same.
    """

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
    def test_lua(self, text: str) -> None:
        """
        Lua takes a backslash for the sign that the next letter is meant.
        """
        quoted = snippets.lua(text)
        self.assertRegex(quoted, r'\A"(?:[^"\\]|\\["\\])*"\Z')
        self.assertEqual(re.sub(r"\\(.)", r"\1", quoted[1:-1]), text)

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
    def test_yaml(self, text: str) -> None:
        """
        YAML does too, and has numbers for letters that it knows only so.
        """
        quoted = snippets.yaml(text)
        self.assertTrue(quoted.isprintable())

        def read(escape: re.Match[str]) -> str:
            return chr(int(escape[1], 16)) if escape[1] else escape[2]

        inside = re.sub(r'\\(?:U([0-9A-F]{8})|(["\\]))', read, quoted[1:-1])
        self.assertEqual(inside, text)
