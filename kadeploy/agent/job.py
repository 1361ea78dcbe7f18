"""What a command is given beside its arguments, and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from kadeploy.agent.places import Places


@dataclass(slots=True)
class Meter:
    """Bytes done of bytes in all (0 when not known), and what else there is to say. Set from any thread; looked at once
    a second."""

    done: int = 0
    total: int = 0
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of a command. `server` is the HTTP address of the server; `places` the open places in chains."""

    key: str
    node: str
    server: str
    meter: Meter
    places: Places


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`then` is a command to run once the server has acknowledged the answer: the node's last words."""

    output: str = ""
    then: tuple[str, ...] = ()


Command = Callable[[Mapping[str, object], Job], Awaitable[Answer]]
