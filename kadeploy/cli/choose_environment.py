"""Finding the recorded environment a user means by `-e NAME`, as Kadeploy3's tools do: the server is asked first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from kadeploy.cli.client import Client, Json
from kadeploy.cli.refused import Refused
from kadeploy.errors import Faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An environment as a request has it, without content when it cannot be had: because of the error, if that is not
    told yet. Kadeploy3's tools ended with the exit code of what is not found where there was none."""

    content: Json = field(default_factory=dict)
    is_found: bool = True
    error: Refused | Faults | None = None


def choose_environment(client: Client, name: str, *, owner: str | None, version: int | None, user: str) -> Chosen:
    """The environment as a request names it: kind, name, and user and version where they are known already.

    `name` may be `NAME@OWNER:VERSION` or an alias; which of several that share an alias fits the nodes, the server
    knows. One that there is not is named as it was: the server refuses it with all else that is wrong.
    """
    query = {"name": name, **({"username": owner} if owner else {})}
    query.update({"version": str(version)} if version is not None else {"last": "true"})
    try:
        found = client.get("/environments", query)
    except Refused as error:
        if error.status != 404:
            raise
        found = []
    matching = [entry for entry in cast(Sequence[Json], found) if isinstance(entry, Mapping)]
    own = [entry for entry in matching if entry.get("user") == user]
    if len({str(entry.get("name")) for entry in own or matching}) != 1:
        said = {"user": owner, "version": version}
        given = {key: value for key, value in said.items() if value is not None}
        return Chosen(content={"kind": "database", "name": name, **given}, is_found=bool(matching))
    chosen = (own or matching)[0]
    named = {key: chosen.get(key) for key in ("user", "name", "version")}
    return Chosen(content={"kind": "database", **named})


def asked_for(name: str | None, owner: str | None, version: int | None) -> str:
    """An environment in the words in which it was asked for."""
    return f"{name!r}" + (f" version {version}" if version is not None else "") + (f" of {owner}" if owner else "")
