"""Custom operations put into a plan: pure. Everything that has no place in it is told at once, with its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from posixpath import basename
from typing import Final
from urllib.parse import unquote, urlsplit

from kadeploy.domain.custom import Action, CustomOperation, Insertion, NodeFile, Position, Scattering
from kadeploy.domain.exported import Exported, unknown_variables
from kadeploy.domain.image import LocalFile
from kadeploy.engine.plan import Attempt, Micro, Plan, Stage
from kadeploy.errors import InvalidCustomOperations
from kadeploy.ports.presence import System
from kadeploy.ports.step import Step
from kadeploy.steps.await_boot import AwaitBoot
from kadeploy.steps.custom_exec import CustomExec
from kadeploy.steps.custom_run import CustomRun
from kadeploy.steps.custom_send import CustomSend

_LEAVES: Final = frozenset({"kexec", "reboot", "reboot_from_deploy_env"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spliced:
    """`pinned` are the files by the URLs that operations name; one that is not there yet is fetched later."""

    insertions: Sequence[Insertion]
    variables: Exported
    pinned: Mapping[str, LocalFile]

    def at(self, stage: Stage, attempt: Attempt) -> list[Insertion]:
        return [one for one in self.insertions if one.macro in (stage.macro, f"{stage.macro}{attempt.instance}")]


def splice(
    plan: Plan, insertions: Sequence[Insertion], variables: Exported, pinned: Mapping[str, LocalFile] | None = None
) -> Plan:
    """The plan with the operations in their places; what finds none is noted in it.

    Raises InvalidCustomOperations for operations at places where nothing of Kadeploy runs on the nodes, and for
    variables that there are not.
    """
    if not insertions:
        return plan
    spliced = Spliced(insertions=insertions, variables=variables, pinned=pinned or {})
    if faults := dict.fromkeys((*_variable_faults(spliced), *_place_faults(plan, spliced))):
        told = "".join(f"\n  {fault}" for fault in faults)
        raise InvalidCustomOperations(f"the custom operations cannot be carried out:{told}")
    stages = tuple(
        replace(stage, attempts=tuple(_attempt(stage, attempt, spliced) for attempt in stage.attempts))
        for stage in plan.stages
    )
    return replace(plan, stages=stages, adapted=(*plan.adapted, *_without_place(plan, spliced)))


def _attempt(stage: Stage, attempt: Attempt, spliced: Spliced) -> Attempt:
    insertions = spliced.at(stage, attempt)
    names = [micro.name for micro in attempt.steps]
    steps: list[Micro] = []
    for index, micro in enumerate(attempt.steps):
        here = [one for one in insertions if one.micro == micro.name]
        instead = [one for one in here if one.position is Position.INSTEAD]
        is_first, is_last = names.index(micro.name) == index, micro.name not in names[index + 1 :]
        if is_first:
            steps += _micros(here, Position.BEFORE, spliced)
            steps += _micros(instead, Position.INSTEAD, spliced)
        if not instead:
            steps.append(micro)
        if is_last:
            steps += _micros(here, Position.AFTER, spliced)
    return replace(attempt, steps=tuple(steps))


def _micros(insertions: Sequence[Insertion], position: Position, spliced: Spliced) -> Iterator[Micro]:
    for insertion in insertions:
        if insertion.position is position:
            for operation in insertion.operations:
                step = _STEPS[operation.action](operation, spliced)
                yield Micro(step=step, retries=operation.retries, timeout=operation.timeout)


def _exec(operation: CustomOperation, spliced: Spliced) -> Step:
    return CustomExec(label=operation.name, command=operation.command, variables=spliced.variables)


def _send(operation: CustomOperation, spliced: Spliced) -> Step:
    return CustomSend(
        label=operation.name,
        file=_file(operation, spliced),
        chain=spliced.pinned.get(operation.file) if operation.scattering is Scattering.CHAIN else None,
        destination=operation.destination,
        mode=operation.mode,
        variables=spliced.variables,
    )


def _run(operation: CustomOperation, spliced: Spliced) -> Step:
    file = _file(operation, spliced)
    return CustomRun(label=operation.name, file=file, params=operation.params, variables=spliced.variables)


_STEPS: Final = {Action.EXEC: _exec, Action.SEND: _send, Action.RUN: _run}


def _file(operation: CustomOperation, spliced: Spliced) -> NodeFile:
    if not operation.file:
        return NodeFile(name=operation.filename or operation.name, content=operation.content)
    pinned = spliced.pinned.get(operation.file)
    name = operation.filename or basename(unquote(urlsplit(operation.file).path)) or operation.name
    return NodeFile(name=name, sha256=pinned.sha256 if pinned else "")


def _variable_faults(spliced: Spliced) -> Iterator[str]:
    for insertion in spliced.insertions:
        for index, operation in enumerate(insertion.operations):
            for key, text in (("destination", operation.destination), ("params", operation.params)):
                for name in unknown_variables(text, spliced.variables.names):
                    yield f"{insertion.path}[{index}].{key}: there is no variable {name}"


def _place_faults(plan: Plan, spliced: Spliced) -> Iterator[str]:
    """The agent does the work: it is not there before the minimal environment has come, nor once the node has left."""
    for number, stage in enumerate(plan.stages):
        for attempt in stage.attempts:
            present = number > 0 or not any(isinstance(micro.step, AwaitBoot) for micro in attempt.steps)
            insertions = spliced.at(stage, attempt)
            for micro in attempt.steps:
                before, present = present, _is_there_after(micro, present)
                for one in insertions:
                    if one.micro == micro.name and not (present if one.position is Position.AFTER else before):
                        yield f"{one.path}: no minimal environment runs on the nodes then ({attempt.instance})"


def _is_there_after(micro: Micro, before: bool) -> bool:
    if micro.name in _LEAVES:
        return False
    return before or (isinstance(micro.step, AwaitBoot) and micro.step.system is System.MINIMAL)


def _without_place(plan: Plan, spliced: Spliced) -> Iterator[str]:
    """Known micro-steps that this plan does without."""
    for insertion in spliced.insertions:
        if not any(
            insertion in spliced.at(stage, attempt) and any(micro.name == insertion.micro for micro in attempt.steps)
            for stage in plan.stages
            for attempt in stage.attempts
        ):
            yield f"no {insertion.path}: the plan has no such micro-step"
