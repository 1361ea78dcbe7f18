"""Names that the server knows, for completion: asked for with little patience, and kept for some seconds."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, cast

from kadeploy.cli.client import Client, Json, current_user
from kadeploy.cli.servers import Server, choose_server
from kadeploy.errors import KadeployError

GROUP: Final = "@"
FRESH: Final = 30.0  # seconds that names are taken for true
PATIENCE: Final = 2.0  # seconds the server has
NAMES: Final = ("nodes", "environments", "users", "groups")


def names(which: str, server_name: str | None) -> Sequence[str]:
    """Of the server that the tool would use; raises KadeployError."""
    server = choose_server(server_name, os.environ, Path.home())
    user = current_user(os.environ)
    path = _path(which, server, user)
    kept = _kept(path)
    if kept is None:
        with Client(server, user, patience=PATIENCE) as client:
            kept = _ASKED[which](client)
        with suppress(OSError):
            _keep(path, kept)
    return kept


def _nodes(client: Client) -> Sequence[str]:
    return cast(Sequence[str], client.get("/nodes", {"list": "true"}))


def _groups(client: Client) -> Sequence[str]:
    """As they are written; an older server answers with something else."""
    told = client.get("/nodes", {"groups": "true"})
    return [f"{GROUP}{name}" for name in told] if isinstance(told, Mapping) else []


def _environments(client: Client) -> Sequence[str]:
    return sorted({str(entry["name"]) for entry in _every(client, "/environments", {"last": "true"})})


def _users(client: Client) -> Sequence[str]:
    """Owners of environments, and, for those who may see them, holders of rights."""
    found = {str(entry["user"]) for entry in _every(client, "/environments", {"last": "true"})}
    with suppress(KadeployError):
        found |= {str(entry["user"]) for entry in _every(client, "/rights", {"detailed": "true"}) if entry.get("user")}
    return sorted(found)


_ASKED: Final[Mapping[str, Callable[[Client], Sequence[str]]]] = dict(
    zip(NAMES, (_nodes, _environments, _users, _groups), strict=True)
)


def _every(client: Client, path: str, query: Mapping[str, Any]) -> Sequence[Json]:
    return cast(Sequence[Json], client.get(path, query))


def _path(which: str, server: Server, user: str) -> Path:
    whose = hashlib.sha256(f"{server.url} {user} {server.token}".encode()).hexdigest()[:16]
    directory = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(directory) / "kadeploy" / f"{which}-{whose}.json"


def _kept(path: Path) -> Sequence[str] | None:
    try:
        if not 0 <= time.time() - path.stat().st_mtime < FRESH:
            return None
        return [str(name) for name in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return None


def _keep(path: Path, found: Sequence[str]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(list(found)), encoding="utf-8")
    os.replace(beside, path)
