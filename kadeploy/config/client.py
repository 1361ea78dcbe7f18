"""client.conf: the servers that the tools know. They read it themselves; here it is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from kadeploy.config.decode import Section
from kadeploy.config.findings import meant
from kadeploy.config.values import Port, not_empty


class ServerEntry(Section):
    """One server; an empty `auth_headers_prefix` means that the tools ask it."""

    name: Annotated[str, Field(min_length=1)]
    hostname: Annotated[str, Field(min_length=1)]
    port: Port = 25300
    secure: bool = True
    auth_headers_prefix: str = ""
    ca: str = ""


class ClientFile(Section):
    """client.conf as a whole."""

    default: str = ""
    servers: Annotated[tuple[ServerEntry, ...], AfterValidator(not_empty)]


def names_that_do_not_fit(data: object) -> Iterator[str]:
    """Of the file as it is written: whatever else is wrong with its servers, their names tell."""
    servers = data.get("servers") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(servers, list):
        return
    names = [str(server.get("name")) for server in servers if isinstance(server, Mapping) and server.get("name")]
    default = str(data.get("default") or "")
    if default and default not in names:
        yield f"default: no server is called {default}{meant(default, names)}"
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield f"servers: {', '.join(twice)} is there twice"
