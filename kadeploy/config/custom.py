"""Custom operations as people write them: in a cluster's automata, and in the file of a request.

SetDeploymentEnv:                  # a macro-step, or one instance of it: SetDeploymentEnvUntrusted
  mount_deploy_part:               # a micro-step
    pre-ops: [{name: hello, action: exec, command: echo hello}]
    override: true                 # in place of what the configuration has here
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, ClassVar, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from kadeploy.config.decode import Section, decode
from kadeploy.config.duration import Duration
from kadeploy.config.environment import File, OneLine
from kadeploy.domain.automaton import UNLIMITED
from kadeploy.domain.custom import Action, CustomOperation, Insertion, Position, Scattering
from kadeploy.errors import Faults

LARGEST: Final = 256 * 1024  # characters of a file's content in a request
_RIGHTS: Final = 0o7777
_NEEDED: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.EXEC: ("command",),
    Action.SEND: ("destination",),
    Action.RUN: (),
}
_OWN: Final[Mapping[str, tuple[Action, ...]]] = {
    "command": (Action.EXEC,),
    "destination": (Action.SEND,),
    "mode": (Action.SEND,),
    "params": (Action.RUN,),
    "file": (Action.SEND, Action.RUN),
    "content": (Action.SEND, Action.RUN),
    "filename": (Action.SEND, Action.RUN),
}


def _mode(value: object) -> object:
    """`"0755"`, or 0755, which YAML reads as an octal number."""
    try:
        number = int(value, 8) if isinstance(value, str) else value
    except ValueError:
        number = None
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _RIGHTS:
        raise ValueError(f"must be permission bits in octal, such as 0755, not {value!r}")
    return number


def _no_path(value: str) -> str:
    if "/" in value:
        raise ValueError(f"must be a name without directories, not {value!r}")
    return value


class OperationEntry(Section):
    """`content` is a file's text, and `filename` what that is called on the node. `scattering` is about files that are
    sent; Kadeploy3's files have it anywhere."""

    name: Annotated[OneLine, Field(min_length=1, max_length=64)]
    action: Action
    command: Annotated[str, Field(max_length=LARGEST)] = ""
    file: File | None = None
    content: Annotated[str, Field(max_length=LARGEST)] | None = None
    filename: Annotated[OneLine, AfterValidator(_no_path)] = ""
    destination: OneLine = ""
    params: OneLine = ""
    mode: Annotated[int, BeforeValidator(_mode)] = 0o644
    timeout: Duration = UNLIMITED
    retries: Annotated[int, Field(ge=0, le=100)] = 0
    scattering: Scattering = Scattering.TREE

    @field_validator("params")
    @classmethod
    def _params_are_words(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError as error:
            raise ValueError(f"cannot be read as words of a shell: {error}") from error
        return value

    @model_validator(mode="after")
    def _keys_fit_the_action(self) -> Self:
        faults = [f"{key} is required for {self.action}" for key in _NEEDED[self.action] if not getattr(self, key)]
        if self.action is not Action.EXEC and (self.file is None) == (self.content is None):
            faults.append(f"{self.action} needs either file or content")
        given = self.model_fields_set & _OWN.keys()
        faults += [f"{key} is not for {self.action}" for key in _OWN if key in given and self.action not in _OWN[key]]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def operation(self, *, on_server: bool) -> CustomOperation:
        file = self.file or ""
        return CustomOperation(
            name=self.name,
            action=self.action,
            command=self.command,
            file=f"server://{file}" if on_server and file.startswith("/") else file,
            content=self.content or "",
            filename=self.filename,
            destination=self.destination,
            params=self.params,
            mode=self.mode,
            timeout=self.timeout,
            retries=self.retries,
            scattering=self.scattering,
        )


class PlacedOperations(Section):
    """The operations around one micro-step. A path alone is a file of the server for those who configure it."""

    ON_SERVER: ClassVar = True

    pre_ops: Annotated[tuple[OperationEntry, ...], Field(alias="pre-ops")] = ()
    substitute: tuple[OperationEntry, ...] = ()
    post_ops: Annotated[tuple[OperationEntry, ...], Field(alias="post-ops")] = ()

    def insertions(self, macro: str, micro: str, *, overrides: bool = False) -> Iterator[Insertion]:
        placed = {Position.BEFORE: self.pre_ops, Position.INSTEAD: self.substitute, Position.AFTER: self.post_ops}
        for position, entries in placed.items():
            if entries or (overrides and f"{position}".replace("-", "_") in self.model_fields_set):
                operations = tuple(entry.operation(on_server=self.ON_SERVER) for entry in entries)
                yield Insertion(macro=macro, micro=micro, position=position, operations=operations, overrides=overrides)


class AskedOperations(PlacedOperations):
    """What a request has for one micro-step. A path alone is a file of the user's own machine."""

    ON_SERVER: ClassVar = False

    override: bool = False


def custom_operations(
    data: object, *, instances: Mapping[str, Iterable[str]], micro_steps: Iterable[str]
) -> tuple[Insertion, ...]:
    """From a request's mapping; `instances` are the instances of each macro-step. Raises Faults, each with its path."""
    if not isinstance(data, Mapping):
        raise Faults(["custom_operations: must be a mapping of macro-steps, not " + type(data).__name__])
    macros = {*instances, *(f"{macro}{name}" for macro, names in instances.items() for name in names)}
    known = frozenset(micro_steps)
    faults: list[str] = []
    found: list[Insertion] = []
    for macro, micros in data.items():
        if macro not in macros:
            faults.append(f"{macro}: there is no such macro-step; there are {', '.join(instances)} and their instances")
        if not isinstance(micros, Mapping):
            faults.append(f"{macro}: must be a mapping of micro-steps")
            continue
        for micro, entry in micros.items():
            if micro not in known:
                faults.append(f"{macro}.{micro}: there is no such micro-step")
            found += _at(f"{macro}", f"{micro}", entry, faults)
    if faults:
        raise Faults(faults)
    return tuple(found)


def _at(macro: str, micro: str, entry: object, faults: list[str]) -> Iterable[Insertion]:
    decoded = decode(AskedOperations, entry)
    here = f"{macro}.{micro}"
    between = "." if isinstance(entry, Mapping) else ": "
    faults += [f"{here}{between}{fault}" for fault in (*decoded.faults, *decoded.warnings)]
    if decoded.value is None:
        return ()
    return decoded.value.insertions(macro, micro, overrides=decoded.value.override)
