"""
tuspy and aiotus, as people have them: each uploads one file.

Its one argument is a file with a JSON object: which ``client``, the ``path`` of
what it uploads, the ``endpoint``, and maybe ``headers``, ``metadata``, ``chunk``
bytes a request, ``checksum``, and ``storage``, a file that remembers uploads
from one start to the next.

It is a process so that it can be killed, and since each reads in the
environment whom it may trust.
"""

from __future__ import annotations

import asyncio
import json
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import aiotus
from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage


def tuspy(job: dict[str, Any]) -> None:
    """
    Upload by tuspy, which goes on by itself, or at its next start.
    """
    client = TusClient(job["endpoint"], headers=job.get("headers"))
    more: dict[str, Any] = {}
    if "chunk" in job:
        more["chunk_size"] = job["chunk"]
    if "storage" in job:
        more |= {"store_url": True, "url_storage": FileStorage(job["storage"])}
    uploader = client.uploader(
        job["path"],
        metadata=job.get("metadata"),
        retries=3,
        retry_delay=0,
        upload_checksum=job.get("checksum", False),
        **more,
    )
    uploader.upload()


async def aio(job: dict[str, Any], content: bytes) -> None:
    """
    Upload by aiotus, and ask for the metadata.
    """
    config = aiotus.RetryConfiguration(retry_attempts=4, max_retry_period_seconds=0.1)
    metadata = {name: value.encode() for name, value in job.get("metadata", {}).items()}
    more = {"chunksize": job["chunk"]} if "chunk" in job else {}
    location = await aiotus.upload(
        job["endpoint"],
        BytesIO(content),
        metadata,
        config=config,
        headers=job.get("headers"),
        **more,
    )
    assert location is not None
    known = await aiotus.metadata(location, config=config, headers=job.get("headers"))
    assert known == metadata, known


def main() -> None:
    """Do the job."""
    job = json.loads(Path(sys.argv[1]).read_text())
    if job["client"] == "tuspy":
        tuspy(job)
    else:
        asyncio.run(aio(job, Path(job["path"]).read_bytes()))


if __name__ == "__main__":
    main()
