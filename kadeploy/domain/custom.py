"""Custom operations: what administrators and users put before, behind or in place of a micro-step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kadeploy.domain.automaton import INSTANCES, UNLIMITED
from kadeploy.domain.timeout import Timeout


class Action(StrEnum):
    """`exec`: a command line in the node's shell; `send`: a file to a place; `run`: a script, sent and run."""

    EXEC = "exec"
    SEND = "send"
    RUN = "run"


class Scattering(StrEnum):
    """How a file gets to the nodes: each fetches it from the server, or it goes from node to node as images do."""

    TREE = "tree"
    CHAIN = "chain"


class Position(StrEnum):
    BEFORE = "pre-ops"
    INSTEAD = "substitute"
    AFTER = "post-ops"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomOperation:
    """`file` is a URL, or `content` the file itself; `filename` is what it is called on the node, `mode` the permission
    bits of what is sent.

    `timeout` bounds one try, and no limit is the attempt's; `params` are a script's arguments, as in a shell.
    """

    name: str
    action: Action
    command: str = ""
    file: str = ""
    content: str = ""
    filename: str = ""
    destination: str = ""
    params: str = ""
    mode: int = 0o644
    timeout: Timeout = UNLIMITED
    retries: int = 0
    scattering: Scattering = Scattering.TREE


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """Operations at one place: `macro` is a macro-step (SetDeploymentEnv) or one instance (SetDeploymentEnvUntrusted).

    `overrides`: in place of what the configuration has there, not after it.
    """

    macro: str
    micro: str
    position: Position
    operations: tuple[CustomOperation, ...]
    overrides: bool = False

    @property
    def path(self) -> str:
        return f"{self.macro}.{self.micro}.{self.position}"


def merged(configured: Sequence[Insertion], asked: Sequence[Insertion]) -> tuple[Insertion, ...]:
    """The administrators' first, then the user's, who may override them place by place."""
    overriding = [one for one in asked if one.overrides]
    kept = [one for one in configured if not any(_covers(other, one) for other in overriding)]
    return (*kept, *asked)


def _covers(one: Insertion, other: Insertion) -> bool:
    same_macro = one.macro == other.macro or (one.macro in INSTANCES and other.macro.startswith(one.macro))
    return same_macro and one.micro == other.micro and one.position is other.position


def files_of(insertions: Sequence[Insertion]) -> Iterator[tuple[str, str]]:
    """Every file to be fetched, with the path of who names it: (path, URL)."""
    for insertion in insertions:
        for index, operation in enumerate(insertion.operations):
            if operation.file:
                yield f"{insertion.path}[{index}].file", operation.file


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFile:
    """A file as a step hands it to nodes: its name, and its SHA-256, by which the server serves it, or its content."""

    name: str
    sha256: str = ""
    content: str = ""

    def arguments(self) -> dict[str, object]:
        """For the agent's commands that fetch a file."""
        if self.sha256:
            return {"name": self.name, "url": f"/files/{self.sha256}", "sha256": self.sha256}
        return {"name": self.name, "content": self.content}
