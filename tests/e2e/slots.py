"""
An XMPP client as people have them: slixmpp, in a process of its own.

Reads one JSON object from standard input: where the server is and who logs
in, and the files that want a slot.  A file with a ``path`` is uploaded by
slixmpp itself, as XEP-0363 and its aiohttp do it, and downloaded again; one
without only gets its slot.  Prints a JSON list, one object a file: the slot,
and the download, or the error.

It is a process because aiohttp reads ``SSL_CERT_FILE`` once, when it is
imported, and since asyncio's loop and trial's reactor need not know of each
other.
"""

from __future__ import annotations

import asyncio
import json
import sys
from hashlib import sha256
from typing import Any

from aiohttp import ClientSession
from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0363.http_upload import HTTPError


class Client(ClientXMPP):
    """One account, logged in on a plain connection of loopback."""

    def __init__(self, jid: str, password: str) -> None:
        plain = {"unencrypted_plain": True}
        super().__init__(jid, password, plugin_config={"feature_mechanisms": plain})
        self.enable_starttls = False
        self.enable_direct_tls = False
        self.enable_plaintext = True
        self.register_plugin("xep_0363")
        self.slot: dict[str, Any] = {}
        self.add_filter("in", self._remember)

    def _remember(self, stanza: Any) -> Any:
        """Keep the slot of every answer: ``upload_file`` tells only half of it."""
        if stanza.name == "iq" and stanza.get_plugin("http_upload_slot", check=True):
            slot = stanza["http_upload_slot"]
            headers = {header["name"]: header["value"] for header in slot["put"]["headers"]}
            self.slot = {
                "put": slot["put"]["url"],
                "headers": headers,
                "get": slot["get"]["url"],
            }
        return stanza

    async def login(self, host: str, port: int) -> None:
        """
        :raise AssertionError: the server does not let us in.
        """
        started = asyncio.get_running_loop().create_future()
        for event in ["session_start", "failed_all_auth", "connection_failed"]:
            self.add_event_handler(
                event, lambda _, event=event: started.done() or started.set_result(event)
            )
        self.connect(host, port)
        outcome = await asyncio.wait_for(started, 30)
        assert outcome == "session_start", outcome

    async def serve(self, file: dict[str, Any]) -> dict[str, Any]:
        """
        :param file: ``name``, ``size``, ``type``, and ``path`` where it is to
            be uploaded.
        :return: ``put``, ``headers`` and ``get``, and ``download`` of what
            was uploaded; or ``error`` with the condition that the server
            named; or ``status`` and ``error`` where the upload was refused.
        """
        plugin = self.plugin["xep_0363"]
        try:
            if "path" in file:
                url = await plugin.upload_file(file["path"], file["size"], file["type"])
                return {**self.slot, "download": await download(url)}
            service = await plugin.find_upload_service()
            await plugin.request_slot(service["from"], file["name"], file["size"], file["type"])
            return self.slot
        except IqError as problem:
            return {"error": problem.condition}
        except HTTPError as problem:
            status, text = problem.args
            return {**self.slot, "status": status, "error": text}


async def download(url: str) -> dict[str, Any]:
    """
    :return: the status, the type and the digest of what *url* serves.
    """
    async with ClientSession() as session, session.get(url) as answer:
        digest = sha256()
        async for chunk in answer.content.iter_any():
            digest.update(chunk)
        return {
            "status": answer.status,
            "type": answer.headers["Content-Type"],
            "sha256": digest.hexdigest(),
        }


async def main() -> None:
    """Do the job that standard input holds."""
    job = json.load(sys.stdin)
    client = Client(job["jid"], job["password"])
    await client.login(job["host"], job["port"])
    answers = [await client.serve(file) for file in job["files"]]
    await client.disconnect()
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
