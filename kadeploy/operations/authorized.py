"""The keys that a request opens the nodes to: given as text, or as the URL of a file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kadeploy.errors import ConflictingOptions, InvalidFile
from kadeploy.operations.client_files import ClientFiles
from kadeploy.operations.keys import LARGEST, check_keys
from kadeploy.ports.files import Files


def check_given(address: str, content: str, client: ClientFiles) -> str:
    """Before anything is fetched: where the keys can be, if an address was given. Raises for two sources, for one out
    of reach, and for text that is no keys."""
    if address and content:
        raise ConflictingOptions("ssh_authorized_keys and ssh_authorized_keys_content cannot both be given")
    if content:
        check_keys(content)
    return client.url("ssh_authorized_keys", address) if address else ""


async def authorized_keys(address: str, content: str, *, files: Files, owner: str) -> str:
    """The checked keys, empty when none were given; a file is pinned for `owner`. Raises InvalidFile."""
    if not address:
        return check_keys(content) if content else ""
    file = await files.pin(address, owner=owner, limit=LARGEST)
    try:
        return check_keys(await asyncio.to_thread(Path(file.path).read_text, encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile("ssh_authorized_keys: is not a text file of keys") from error
