"""The keys that a request opens the nodes to: given as text, or as the URL of a file."""

from __future__ import annotations

from kadeploy.errors import ConflictingOptions
from kadeploy.operations.client_files import ClientFiles
from kadeploy.operations.keys import check_keys
from kadeploy.operations.wants import Wants
from kadeploy.ports.files import Reader


def check_given(address: str, content: str, client: ClientFiles) -> str:
    """Before anything is fetched: where the keys can be, if an address was given. Raises for two sources, for one out
    of reach, and for text that is no keys."""
    if address and content:
        raise ConflictingOptions("ssh_authorized_keys and ssh_authorized_keys_content cannot both be given")
    if content:
        check_keys(content)
    return client.url("ssh_authorized_keys", address) if address else ""


async def authorized_keys(address: str, content: str, client: ClientFiles, *, wants: Wants, reader: Reader) -> str:
    """The checked keys, empty when none were given; those of a file come later. Raises as `check_given`."""
    place = check_given(address, content, client)
    if not place:
        return check_keys(content) if content else ""
    return await wants.keys(place, reader)
