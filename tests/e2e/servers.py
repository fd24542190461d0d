"""
A real Prosody and a real ejabberd, each with one account, on loopback.

Each takes the snippet that ``hmacfs setup`` prints into an otherwise bare
configuration, so that what hmacfs tells operators to write is what is tried.
Each lives in a folder of its own, in the foreground, as a child of the tests.
"""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

from tests.process import Child, free_port

PASSWORD = "wherefore"


class Prosody(Child):
    """
    Debian's Prosody.

    :ivar jid: an account's address.
    :ivar port: where clients connect.
    """

    def __init__(self, folder: Path, snippet: str) -> None:
        """
        :param folder: an empty folder, or one to be made.
        :param snippet: a ``Component`` with its options.
        """
        component = re.search(r'^Component "[^."]+\.([^"]+)"', snippet, re.MULTILINE)
        assert component, snippet
        domain = component[1]
        self.jid = f"romeo@{domain}"
        self.port = free_port()

        (folder / "certs").mkdir(parents=True)
        # One file an account is how "internal_plain" keeps them; prosodyctl
        # writes the same and takes a second for it.
        accounts = folder / re.sub(r"\W", lambda odd: f"%{ord(odd[0]):02x}", domain) / "accounts"
        accounts.mkdir(parents=True)
        (accounts / "romeo.dat").write_text(f'return {{ ["password"] = "{PASSWORD}"; }};\n')

        config = folder / "prosody.cfg.lua"
        config.write_text(
            textwrap.dedent(f"""\
                run_as_root = true
                pidfile = "{folder}/prosody.pid"
                data_path = "{folder}"
                certificates = "{folder}/certs"
                log = {{ {{ to = "console"; levels = {{ min = "debug" }} }} }}
                interfaces = {{ "127.0.0.1" }}
                c2s_ports = {{ {self.port} }}
                modules_enabled = {{ "saslauth"; "disco" }}
                modules_disabled = {{ "s2s" }}
                c2s_require_encryption = false
                allow_unencrypted_plain_auth = true
                authentication = "internal_plain"
                VirtualHost "{domain}"
            """)
            + snippet
        )
        super().__init__(
            ["prosody", "-F", "--config", str(config)],
            folder,
            ready=r"Activated service 'c2s' on \[127\.0\.0\.1\]",
        )


class Ejabberd(Child):
    """
    Debian's ejabberd, without the shell script around it: no user of its own,
    no distribution, and so no ``epmd`` that would outlive it.

    :ivar jid: an account's address.
    :ivar port: where clients connect.
    """

    def __init__(self, folder: Path, snippet: str) -> None:
        """
        :param folder: an empty folder, or one to be made.
        :param snippet: a section ``modules:`` with ``mod_http_upload``.
        """
        self.jid = "romeo@localhost"
        self.port = free_port()
        folder.mkdir(parents=True)
        config = folder / "ejabberd.yml"
        config.write_text(
            textwrap.dedent(f"""\
                hosts: [localhost]
                loglevel: info
                auth_method: internal
                acl:
                  local:
                    user_regexp: ""
                access_rules:
                  local:
                    allow: local
                listen:
                  - port: {self.port}
                    ip: 127.0.0.1
                    module: ejabberd_c2s
            """)
            + snippet
            + "  mod_disco: {}\n"  # by which clients find the upload service
        )
        account = f'<<"romeo">>, <<"localhost">>, <<"{PASSWORD}">>'
        make = f'ok = ejabberd_auth:try_register({account}), io:format("account made~n").'
        database = ["-mnesia", "dir", f'"{folder}/db"']
        super().__init__(
            ["erl", "-noinput", *database, "-s", "ejabberd", "-eval", make],
            folder,
            {
                "HOME": str(folder),
                # where Debian keeps ejabberd's own code
                "ERL_LIBS": f"/usr/lib/{os.uname().machine}-linux-gnu",
                "ERL_CRASH_DUMP": str(folder / "crash.dump"),
                "EJABBERD_CONFIG_PATH": str(config),
                "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"),
            },
            ready="account made",
        )
