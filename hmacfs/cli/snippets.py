"""
``hmacfs setup``: what to write into the other server's configuration.

The snippet on standard output holds the secret and the prefix of these
settings and works as it is printed; what else there is to do goes to standard
error.  Each server quotes in its own way, and a secret may hold any printable
character.

Where the options are from: mod_http_upload_external of prosody-modules,
mod_http_file_share of Prosody 0.12, mod_http_upload of ejabberd 23.01, and
Metronome's own mod_http_upload_external.
"""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import attrs

from hmacfs.cli import ways
from hmacfs.cli.failures import Failure
from hmacfs.settings import Settings

SUMMARY = "print what to write into the configuration of another server"

DESCRIPTION = """\
Prints what to write into the configuration of an XMPP server, so that its slots
lead to hmacfs, or of nginx before it. The secret stands in what is printed.

    hmacfs setup prosody https://files.example.org >> /etc/prosody/prosody.cfg.lua
"""

#: Bytes, for servers that must name a bound where hmacfs has none.
VAST = 2**40

_IPV4 = re.compile(r"[0-9.]+")

#: Prosody's own names for its protocols.
_VERSIONS = {"v": "v1", "v2": "v2"}


@attrs.frozen
class Service:
    """
    What an XMPP server must know of hmacfs.

    :ivar url: what names are appended to, with its slash at the end.
    :ivar host: the XMPP address of the upload service.
    :ivar most: bytes of a file at most, or ``None``.
    """

    url: str
    host: str
    secret: str = attrs.field(repr=False)
    most: int | None


def add_arguments(parser: ArgumentParser) -> None:
    """Say what can be said behind ``hmacfs setup``."""
    parser.add_argument("server", choices=["prosody", "ejabberd", "metronome", "nginx"])
    parser.add_argument(
        "url", metavar="URL", help="where clients reach hmacfs: https://files.example.org"
    )
    parser.add_argument(
        "--protocol",
        choices=[*_VERSIONS, "jwt"],
        help="for Prosody: v (the default) and v2 with mod_http_upload_external of "
        "prosody-modules, jwt with mod_http_file_share, Prosody's own since 0.12",
    )
    parser.add_argument(
        "--host",
        metavar="NAME",
        help="the XMPP address of the upload service; by default the host of the URL",
    )


def run(arguments: Namespace, read_settings: Callable[[], Settings]) -> None:
    """
    Print the snippet, and what else there is to do.

    :raise Failure: there is none for these arguments and settings.
    """
    settings = read_settings()
    server, protocol = arguments.server, arguments.protocol
    if protocol and server != "prosody":
        raise Failure("--protocol: only Prosody knows more than one.", status=2)
    if arguments.host and server == "nginx":
        raise Failure("--host: nginx has no XMPP address.", status=2)
    if arguments.host and not re.fullmatch(r"[^\s\"/@\x00-\x1f\x7f-\x9f]+", arguments.host):
        raise Failure("--host: this is no XMPP address of a service.", status=2)
    base = ways.read(arguments.url, settings)
    if server == "nginx":
        print(nginx(base, settings), end="")
        for note in _notes(base, settings):
            print(note, file=sys.stderr)
        return
    service = Service(
        url=ways.folder(base, settings),
        host=arguments.host or _xmpp_address(base),
        secret=settings.keys[0].decode(),
        most=settings.max_upload_size,
    )
    if server == "ejabberd":
        print(ejabberd(service, name_host=bool(arguments.host)), end="")
    elif server == "metronome":
        print(metronome(service), end="")
    elif protocol == "jwt":
        print(file_share(service), end="")
    else:
        print(upload_external(service, protocol or "v"), end="")


def upload_external(service: Service, protocol: str) -> str:
    """
    :param protocol: ``"v"`` or ``"v2"``.
    :return: a component of Prosody, with the community's module.
    """
    return f"""\
-- hmacfs: needs mod_http_upload_external, of the package prosody-modules
Component {lua(service.host)} "http_upload_external"
    http_upload_external_base_url = {lua(service.url)}
    http_upload_external_secret = {lua(service.secret)}
    http_upload_external_protocol = "{_VERSIONS[protocol]}"
    http_upload_external_file_size_limit = {service.most or VAST} -- bytes
"""


def file_share(service: Service) -> str:
    """
    :return: a component of Prosody, with its own module.
    """
    return f"""\
-- hmacfs: needs Prosody 0.12 or later.  Prosody says how long each file is
-- served: a week, unless http_file_share_expires_after says otherwise.
Component {lua(service.host)} "http_file_share"
    http_file_share_base_url = {lua(service.url)}
    http_file_share_secret = {lua(service.secret)}
    http_file_share_size_limit = {service.most or VAST} -- bytes
"""


def metronome(service: Service) -> str:
    """
    :return: a component of Metronome.
    """
    return f"""\
-- hmacfs
Component {lua(service.host)} "http_upload_external"
    http_file_external_url = {lua(service.url)}
    http_file_secret = {lua(service.secret)}
    http_file_size_limit = {service.most or VAST} -- bytes
"""


def ejabberd(service: Service, name_host: bool) -> str:
    """
    :param name_host: whether the XMPP address is another than ejabberd's own
        ``upload.@HOST@``.
    :return: a section of ``ejabberd.yml``.
    """
    host = f"    host: {yaml(service.host)}\n" if name_host else ""
    return f"""\
# hmacfs: where ejabberd.yml has a section "modules" already, leave out its line
modules:
  mod_http_upload:
{host}\
    put_url: {yaml(service.url.rstrip("/"))}
    external_secret: {yaml(service.secret)}
    max_size: {service.most or "infinity"}
"""


def nginx(base: str, settings: Settings) -> str:
    """
    :param base: as :func:`hmacfs.cli.ways.read` gives it.
    :return: a ``location`` for a ``server`` of nginx.
    :raise Failure: nginx cannot be told so.
    """
    if path := urlsplit(base).path:
        raise Failure(
            f"The path {path} of the URL would have to be rewritten on the way. Set "
            f'UploadSubDir = "{path.strip("/")}/{settings.upload_sub_dir}" in place of it.'
        )
    return f"""\
# hmacfs: belongs into the server {{ }} of {urlsplit(base).hostname}, beside its certificate
location ^~ /{settings.upload_sub_dir}/ {{
    proxy_pass {_upstream(settings)};
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
}}
"""


def lua(text: str) -> str:
    """
    :param text: without control characters.
    :return: it as a string of Lua.
    """
    return '"' + re.sub(r'["\\]', r"\\\g<0>", text) + '"'


def yaml(text: str) -> str:
    """
    :param text: without control characters.
    :return: it as a double-quoted scalar of YAML 1.1.
    """
    # YAML allows fewer characters as they are than UTF-8 has.
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in lua(text))


def _xmpp_address(base: str) -> str:
    """
    :return: the host of *base*; one below ``localhost`` where that is no name
        that a component of its own can have.
    """
    host = urlsplit(base).hostname or ""
    return (
        "upload.localhost" if host == "localhost" or ":" in host or _IPV4.fullmatch(host) else host
    )


def _upstream(settings: Settings) -> str:
    """
    :return: the ``proxy_pass`` to the first address of ``ListenPort``.
    :raise Failure: it cannot be told, or not to nginx.
    """
    way = ways.nearest(settings)
    if way is None:
        raise Failure("ListenPort does not tell where nginx would find the daemon.")
    if way.socket is None:
        return way.base
    if re.fullmatch(r"[\w./+-]+", way.socket) is None:
        raise Failure(f"nginx knows no way to write {way.socket!r}: choose a plainer ListenPort.")
    return f"http://unix:{way.socket}"


def _notes(base: str, settings: Settings) -> Iterator[str]:
    """
    :return: what nginx needs beside its own configuration, a sentence each.
    """
    way = ways.nearest(settings)
    if way is not None and way.socket is not None:
        mode = f"{settings.unix_socket_mode:04o}"
        yield f"nginx must be allowed to write to the socket; UnixSocketMode is {mode}."
    elif not settings.trusted_proxies:
        yield "Name nginx's address in TrustedProxies, so that the log shows clients and not nginx."
    if settings.public_url != base:
        yield f'Set PublicURL = "{base}", so that "hmacfs sign" prints what clients use.'
