"""What `kadeploy login` keeps for its user: of each server, the authority to trust and the token to show.

`logins.json` in `~/.config/kadeploy`, readable for its owner only. What `client.conf` says of a server wins.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from kadeploy.cli.unread import reason
from kadeploy.errors import BadConfiguration

FILE: Final = Path(".config") / "kadeploy" / "logins.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """`authority` is a certificate (PEM), empty where the system's authorities vouch for the server."""

    user: str = ""
    authority: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """By the server's address; `latest` is the one that was logged in to last."""

    servers: Mapping[str, Login] = field(default_factory=dict)
    latest: str = ""

    def of(self, url: str) -> Login:
        return self.servers.get(url, Login())

    def having(self, url: str, login: Login) -> Logins:
        return Logins(servers={**self.servers, url: login}, latest=url)

    def without_token(self, url: str) -> Logins:
        """The authority stays: who logs in again need not compare fingerprints again."""
        return replace(self, servers={**self.servers, url: replace(self.of(url), token="", user="")})


def read_logins(home: Path) -> Logins:
    """Raises BadConfiguration."""
    path = home / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        servers = {str(url): Login(**login) for url, login in content["servers"].items()}
        return Logins(servers=servers, latest=str(content["latest"]))
    except FileNotFoundError:
        return Logins()
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadConfiguration(
            f"{path} cannot be read: {reason(error)}", hint="remove it and run kadeploy login again"
        ) from error


def write_logins(home: Path, logins: Logins) -> Path:
    """Raises BadConfiguration."""
    path = home / FILE
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    content = {"latest": logins.latest, "servers": {url: asdict(login) for url, login in logins.servers.items()}}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
        draft.replace(path)
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be written: {error.strerror or error}") from error
    return path
