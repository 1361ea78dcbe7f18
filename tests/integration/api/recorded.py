"""What tests of recorded environments do over and over."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import httpx2

from tests.integration.api.house import House, Json, launch_body

CODE = "x-application-error-code"


def archive(house: House, name: str, content: bytes = b"scripts") -> Json:
    """A postinstall archive that the server may read."""
    path = house.images / name
    path.write_bytes(gzip.compress(content, mtime=0))
    return {"archive": f"server://{path}", "compression": "gzip", "script": "run.sh"}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def launch(client: httpx2.AsyncClient, name: str, **more: object) -> httpx2.Response:
    return await client.post("/deployment", json=launch_body(environment={"name": name}, force=True, **more))
