"""The keys that a request opens the nodes to: given as text, or as the URL of a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kadeploy.errors import ConflictingOptions, InvalidExport, InvalidFile
from kadeploy.operations.keys import LARGEST, check_keys
from kadeploy.ports.files import Files

_FETCHED = ("server://", "http://", "https://")


def check_given(address: str, content: str) -> None:
    """Before anything is fetched: raises for two sources, for one out of reach, and for text that is no keys."""
    if address and content:
        raise ConflictingOptions("ssh_authorized_keys and ssh_authorized_keys_content cannot both be given")
    if address and not address.startswith(_FETCHED):
        raise InvalidExport(
            f"ssh_authorized_keys: this server does not fetch {address} from the client's machine",
            hint="send the keys themselves as ssh_authorized_keys_content, or name a server:// or http(s):// file",
        )
    if content:
        check_keys(content)


async def authorized_keys(address: str, content: str, *, files: Files, owner: str) -> str:
    """The checked keys, empty when none were given; a file is pinned for `owner`. Raises InvalidFile."""
    if not address:
        return check_keys(content) if content else ""
    file = await files.pin(address, owner=owner)
    if file.size > LARGEST:
        raise InvalidFile(f"{address}: is too large for a file of keys ({file.size} bytes)")
    try:
        return check_keys(await asyncio.to_thread(Path(file.path).read_text, encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"{address}: is not a text file of keys") from error
