"""Reading the configuration again while the server runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kadeploy.errors import BadConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """Paths in the configuration: `changed` counts from now on, `kept` only after a restart. Warnings as at a start."""

    changed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Reload(Protocol):
    async def reload(self) -> Reloaded:
        """Raises BadConfiguration with every fault, and then nothing has changed."""
        ...


class NoReload:
    """Implements Reload for a server without a configuration."""

    async def reload(self) -> Reloaded:
        raise BadConfiguration("this server has no configuration that could be read again")
