"""The tables of a reboot: one macro-step, whose instances are the kinds of reboot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from kadeploy.domain.awaited import WantedFile
from kadeploy.domain.boot import LOCAL_DISK, of_partition
from kadeploy.domain.disk import Role
from kadeploy.domain.exported import exported
from kadeploy.domain.node import Cluster, Site
from kadeploy.domain.request import RebootKind, RebootRequest
from kadeploy.engine.plan import Attempt, Micro, Plan, Stage
from kadeploy.errors import MissingOption
from kadeploy.plans.build import target_partition
from kadeploy.plans.custom import splice
from kadeploy.plans.entries_minimal import DEFAULT_VLAN, minimal_target
from kadeploy.ports.presence import System
from kadeploy.ports.step import Step
from kadeploy.steps.await_boot import AwaitBoot
from kadeploy.steps.fetch_files import FetchFiles
from kadeploy.steps.reboot import Reboot
from kadeploy.steps.send_key import SendKey
from kadeploy.steps.set_vlan import SetVlan
from kadeploy.steps.switch_boot import SwitchBoot


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """`system` is what is waited for."""

    instance: str
    system: System = System.INSTALLED


KINDS: Final[Mapping[RebootKind, _Kind]] = {
    RebootKind.SIMPLE: _Kind(instance="Simple"),
    RebootKind.SET_PXE: _Kind(instance="SetPXE"),
    RebootKind.DEPLOY_ENV: _Kind(instance="DeployEnv", system=System.MINIMAL),
    RebootKind.RECORDED_ENV: _Kind(instance="RecordedEnv"),
}


def build_reboot(request: RebootRequest, site: Site, cluster: str) -> Plan:
    """Raises MissingOption for a reboot into a profile without one."""
    described = site.clusters[cluster]
    kind = KINDS[request.kind]
    if request.kind is RebootKind.SET_PXE and request.profile is None:
        raise MissingOption("pxe: a profile is required for a reboot of kind set_pxe")
    timeout = request.reboot_timeout or described.reboot_timeout
    steps: list[Step] = [
        _switch(request, described),
        Reboot(level=request.level),
    ]
    if request.vlan:
        steps.append(SetVlan(vlan=DEFAULT_VLAN if kind.system is System.MINIMAL else request.vlan))
    addresses = request.addresses if kind.system is System.INSTALLED else {}
    steps.append(AwaitBoot(system=kind.system, timeout=timeout, patience=described.patience, addresses=addresses))
    if kind.system is System.MINIMAL and request.authorized_keys:
        steps.append(SendKey(tree="/", authorized_keys=request.authorized_keys))
    attempt = Attempt(instance=kind.instance, steps=tuple(Micro(step=step) for step in steps))
    plan = Plan(stages=(Stage(macro="Reboot", attempts=(attempt,)),))
    variables = exported(described, partition=described.layout.number_of(Role.DEPLOY), defined=request.custom_variables)
    spliced = splice(plan, request.custom_operations, variables, request.files)
    return _fetched_first(spliced, request.wanted) if request.wanted else spliced


def _fetched_first(plan: Plan, wanted: tuple[WantedFile, ...]) -> Plan:
    (stage,) = plan.stages
    (attempt,) = stage.attempts
    longer = replace(attempt, steps=(Micro(step=FetchFiles(wanted=wanted)), *attempt.steps))
    return replace(plan, stages=(replace(stage, attempts=(longer,)),))


def _switch(request: RebootRequest, cluster: Cluster) -> SwitchBoot:
    match request.kind:
        case RebootKind.DEPLOY_ENV:
            return SwitchBoot(target=minimal_target(cluster))
        case RebootKind.RECORDED_ENV:
            return SwitchBoot(target=of_partition(target_partition(request.partition, cluster)))
        case RebootKind.SET_PXE:
            return SwitchBoot(target=LOCAL_DISK, profile=request.profile)
    # A node that was left in the minimal environment would come back into it: its own disk is what everybody means.
    return SwitchBoot(target=LOCAL_DISK, only_from_minimal=True)
