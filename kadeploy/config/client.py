"""client.conf: the servers that the tools know. They read it themselves; here it is checked."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

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

    @model_validator(mode="after")
    def _default_is_there(self) -> Self:
        names = [server.name for server in self.servers]
        if self.default and self.default not in names:
            raise ValueError(f"default: no server is called {self.default}{meant(self.default, names)}")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"servers: {', '.join(twice)} is there twice")
        return self
