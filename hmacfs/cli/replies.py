"""
Answers, and what is made of those that are none to be glad of.

A refusal of hmacfs is JSON with a sentence and a stable code, since that is
what the commands accept.  Whatever else comes is of somebody before it: a
proxy, most often, and then the status tells what to look at.
"""

from __future__ import annotations

import json
from email.message import Message
from http.client import HTTPConnection, HTTPResponse

import attrs

from hmacfs.cli.failures import Failure
from hmacfs.redaction import visible

#: Bytes of an answer that are looked at for a sentence; the page of a proxy may be long.
MOST = 64 * 1024

#: What to look at, by the code in the daemon's answer.
_BY_CODE = {
    "bad-signature": "The daemon has another secret, or the slot is for another size or type. Was "
    "it started with these settings, and again since they changed?",
    "exists": "Choose another name; or set EnableVersioning, which keeps both.",
    "expired": "Sign a new URL.",
    "forbidden": "Is UploadSubDir what the daemon was started with?",
    "no-space": "Make room, or lower MinFreeSpace.",
    "not-found": "Is UploadSubDir what the daemon was started with?",
    "not-stored": "The disk failed: the daemon's log says how.",
    "shutting-down": "Start the daemon again.",
    "superseded": "Is the same file being uploaded by somebody else?",
    "too-large": "MaxUploadSize is less than this file.",
}

#: What to look at, by the status of an answer that is not the daemon's own.
_BY_STATUS = {
    403: "Does the proxy pass PUT on?",
    404: "Does the proxy pass UploadSubDir on, unchanged?",
    405: "Does the proxy pass PUT on?",
    411: "The proxy wants to know the size of bodies and drops it: see its manual.",
    413: 'The proxy bounds uploads: in nginx, "client_max_body_size 0;" lifts that.',
    502: "The proxy does not reach the daemon: compare its upstream with ListenPort.",
    503: "The proxy does not reach the daemon: compare its upstream with ListenPort.",
    504: "The daemon does not answer the proxy: its log says what it does.",
}


@attrs.frozen
class Reply:
    """
    An answer that is all here.

    :ivar fields: its head, by names of either case.
    :ivar body: as much of it as was wanted.
    """

    status: int
    fields: Message = attrs.field(repr=False)
    body: bytes = b""

    @property
    def said(self) -> tuple[str, str]:
        """The daemon's sentence and code; both ``""`` where somebody else answered."""
        try:
            said = json.loads(self.body)
            return visible(str(said["text"])), visible(str(said["code"]))
        except (ValueError, LookupError, TypeError, RecursionError):
            return "", ""

    def text(self) -> str:
        """
        :return: the status and the sentence.
        """
        return f"answered {self.status}. {self.said[0]}".rstrip()

    def failure(self, step: str, wanted: str = "") -> Failure:
        """
        :param step: what this is the answer to: ``"the upload"``.
        :param wanted: what would have been right, in words, if it is not plain.
        :return: what it means, and what to look at.
        """
        text, code = self.said
        lines = [f"{step}: answered {self.status}{wanted}. {text}".rstrip()]
        if 300 <= self.status < 400:
            lines.append("Somebody redirects. Write the URL that it leads to, https:// perhaps.")
        elif code:
            lines.append(_BY_CODE.get(code, "The daemon's log says more."))
        else:
            hint = _BY_STATUS.get(self.status, "Its log says more.")
            lines.append(f"This is not the answer of hmacfs, but of somebody before it. {hint}")
        return Failure("\n".join(lines))


def receive(connection: HTTPConnection, most: int = MOST) -> Reply:
    """
    :param connection: on which a request was sent.
    :param most: bytes of the body that are wanted.
    :raise OSError: or an HTTPException: the answer does not come.
    """
    return read(connection.getresponse(), connection, most)


def read(response: HTTPResponse, connection: HTTPConnection, most: int = MOST) -> Reply:
    """
    :param response: of which the head is here.
    :raise OSError: or an HTTPException: it breaks off.
    """
    with response:
        body = response.read(most)
        if not response.isclosed() and response.read(1):
            # There is more of it than is worth reading: no other answer can follow.
            connection.close()
    return Reply(response.status, response.headers, body)
