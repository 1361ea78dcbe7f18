"""Request + cluster -> `Plan`: pure, so that what will run can be printed before it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kadeploy.domain.automaton import Chosen, MicroSettings
from kadeploy.domain.awaited import WantedFile
from kadeploy.domain.custom import merged
from kadeploy.domain.disk import Role
from kadeploy.domain.node import Cluster, Site
from kadeploy.domain.request import DeployRequest, PowerRequest
from kadeploy.engine.plan import Attempt, Micro, Plan, Stage
from kadeploy.errors import InvalidOption, KadeployError
from kadeploy.plans.adapt import Line, adapt, outline_of
from kadeploy.plans.breakpoints import where_configured
from kadeploy.plans.custom import splice
from kadeploy.plans.refusals import refusals
from kadeploy.plans.wanted import Wanted
from kadeploy.ports.step import Step
from kadeploy.steps.fetch_files import FetchFiles
from kadeploy.steps.set_power import SetPower

_PLAIN = MicroSettings()


def build_deploy(request: DeployRequest, site: Site, cluster: str) -> Plan:
    """The plan for one cluster's nodes; raises what a request that cannot be carried out deserves."""
    described = site.clusters[cluster]
    root = None if request.whole_disk else target_partition(asked_partition(request), described)
    if root is not None and request.boot_partition:
        target_partition(request.boot_partition, described, field="boot_partition")
    wanted = Wanted(request=request, cluster=described, root=root)
    automaton = {**described.automaton, **(request.automaton or {})}
    outline = outline_of(automaton)
    adapted = adapt(outline, wanted)
    _refuse([*refusals(adapted.outline, wanted)])
    stages = tuple(
        Stage(macro=macro, attempts=tuple(_attempt(line, wanted) for line in lines))
        for macro, lines in adapted.outline.items()
    )
    customs = merged(described.operations, request.custom_operations)
    plan = splice(Plan(stages=stages, adapted=adapted.sentences), customs, wanted.exported, request.files)
    chosen = {macro: [line.chosen for line in lines] for macro, lines in adapted.outline.items()}
    return where_configured(_fetched_first(plan, request.wanted, chosen), chosen)


def build_power(request: PowerRequest, site: Site, cluster: str) -> Plan:
    """The same for every cluster: `site` and `cluster` are here so that all builders are called alike."""
    step = SetPower(action=request.action, level=request.level)
    attempt = Attempt(instance=request.action.capitalize(), steps=(Micro(step=step),))
    return Plan(stages=(Stage(macro="Power", attempts=(attempt,)),))


def asked_partition(request: DeployRequest) -> int | None:
    """The number that the environment or the request names; of several partitions the one that is booted."""
    return request.environment.boot_partition if request.environment.multipart else request.partition


def target_partition(asked: int | None, cluster: Cluster, *, field: str = "") -> int:
    """The number of the partition that is deployed; raises InvalidOption when the layout has no such one, which names
    the `field`."""
    number = asked if asked is not None else cluster.layout.number_of(Role.DEPLOY)
    numbers = [part.number for part in cluster.layout.partitions]
    if number not in numbers:
        raise InvalidOption(
            f"{field and f'{field}: '}cluster {cluster.name} has no partition {number}",
            hint=f"it has {', '.join(map(str, numbers))}",
        )
    return number


def _attempt(line: Line, wanted: Wanted) -> Attempt:
    chosen = line.chosen
    return Attempt(
        instance=chosen.instance,
        steps=tuple(_micro(entry.make(wanted), chosen) for entry in line.entries),
        retries=chosen.retries,
        timeout=chosen.timeout,
        raisable=chosen.raisable,
    )


def _micro(step: Step, chosen: Chosen) -> Micro:
    settings = chosen.micro_steps.get(step.name, _PLAIN)
    return Micro(step=step, retries=settings.retries, timeout=settings.timeout, raisable=settings.raisable)


def _fetched_first(plan: Plan, wanted: Sequence[WantedFile], chosen: Mapping[str, Sequence[Chosen]]) -> Plan:
    """Whatever is tried first begins with the files; no custom operation takes their place."""
    if not wanted:
        return plan
    fetch, first = FetchFiles(wanted=tuple(wanted)), plan.stages[0]
    attempts = tuple(
        replace(attempt, steps=(_micro(fetch, one), *attempt.steps))
        for attempt, one in zip(first.attempts, chosen[first.macro], strict=True)
    )
    return replace(plan, stages=(replace(first, attempts=attempts), *plan.stages[1:]))


def _refuse(errors: list[KadeployError]) -> None:
    """Raises them as one, of the first one's kind."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        told = "".join(f"\n  {error}" for error in errors)
        raise type(errors[0])(f"this cannot be deployed for {len(errors)} reasons:{told}")
