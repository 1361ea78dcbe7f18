"""What is wanted of a cast: the values, without the SSH and the sockets that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kadeploy.broadcast.order import CHAIN, Shape
from kadeploy.broadcast.reception import DEFAULTS, Limits
from kadeploy.broadcast.sink import SinkOrder
from kadeploy.domain.nodeset import NodeSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How hosts are reached; what is empty is as in the user's own SSH configuration. `timeout`: seconds to log in."""

    user: str = ""
    config: tuple[str, ...] = ()
    python: str = "python3"
    timeout: float = 20.0
    any_host_key: bool = False


USUAL = Access()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """Files for the names of the hosts that have it, and of those that have not."""

    ok: Path | None = None
    ko: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """What is wanted. `rate`: bytes a second that this machine sends, 0 for no limit."""

    file: Path
    hosts: NodeSet
    sink: SinkOrder
    access: Access = USUAL
    shape: Shape = CHAIN
    limits: Limits = DEFAULTS
    rate: int = 0
