"""Request + cluster -> `Plan`: pure, so that what will run can be printed before it runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.boot import LOCAL_DISK
from kadeploy.domain.disk import Role
from kadeploy.domain.environment import OsKind
from kadeploy.domain.image import ImageKind
from kadeploy.domain.node import Cluster, Site
from kadeploy.domain.request import DeployRequest, PowerRequest, RebootKind, RebootRequest
from kadeploy.engine.plan import Attempt, Plan, Stage
from kadeploy.errors import ConflictingOptions, InvalidEnvironment, InvalidOption
from kadeploy.plans.deploy import MACROS, Wanted, minimal_boot
from kadeploy.ports.presence import System
from kadeploy.ports.step import Step
from kadeploy.steps.await_boot import AwaitBoot
from kadeploy.steps.reboot import Reboot
from kadeploy.steps.set_power import SetPower
from kadeploy.steps.switch_boot import SwitchBoot


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One instance in a macro-step's order of fallback, with its retries."""

    instance: str
    retries: int = 0


AUTOMATON: Final[dict[str, tuple[Chosen, ...]]] = {
    "SetDeploymentEnv": (Chosen(instance="Untrusted", retries=1),),
    "BroadcastEnv": (Chosen(instance="Chain", retries=1),),
    "BootNewEnv": (Chosen(instance="Kexec"), Chosen(instance="Classical"), Chosen(instance="HardReboot", retries=1)),
}


def build_deploy(request: DeployRequest, site: Site, cluster: str) -> Plan:
    """The plan for one cluster's nodes; raises the error that a request that cannot be carried out deserves."""
    described = site.clusters[cluster]
    wanted = Wanted(request=request, cluster=described, root=target_partition(request.partition, described))
    _refuse_what_cannot_be(wanted)
    adapted: list[str] = []
    stages = []
    for macro, chosen in AUTOMATON.items():
        kept = [choice for choice in chosen if not _is_ruled_out(choice, wanted, adapted)]
        stages.append(Stage(macro=macro, attempts=tuple(_attempt(macro, choice, wanted) for choice in kept)))
    return Plan(stages=tuple(stages), adapted=tuple(adapted))


def build_reboot(request: RebootRequest, site: Site, cluster: str) -> Plan:
    described = site.clusters[cluster]
    timeout = request.reboot_timeout or described.reboot_timeout
    switch: SwitchBoot
    match request.kind:
        case RebootKind.SIMPLE:
            instance, switch, system = "Simple", SwitchBoot(target=LOCAL_DISK), System.INSTALLED
        case RebootKind.DEPLOY_ENV:
            instance, switch, system = "DeployEnv", minimal_boot(described), System.MINIMAL
    steps: tuple[Step, ...] = (
        switch,
        Reboot(level=request.level),
        AwaitBoot(system=system, timeout=timeout, patience=described.patience),
    )
    return Plan(stages=(Stage(macro="Reboot", attempts=(Attempt(instance=instance, steps=steps),)),))


def build_power(request: PowerRequest, site: Site, cluster: str) -> Plan:
    """The same for every cluster: `site` and `cluster` are here so that all builders are called alike."""
    step = SetPower(action=request.action, level=request.level)
    instance = request.action.capitalize()
    return Plan(stages=(Stage(macro="Power", attempts=(Attempt(instance=instance, steps=(step,)),)),))


def target_partition(asked: int | None, cluster: Cluster) -> int:
    """The number of the partition that is deployed; raises InvalidOption when the layout has no such one."""
    number = asked if asked is not None else cluster.layout.number_of(Role.DEPLOY)
    numbers = [part.number for part in cluster.layout.partitions]
    if number not in numbers:
        raise InvalidOption(
            f"cluster {cluster.name} has no partition {number}", hint=f"it has {', '.join(map(str, numbers))}"
        )
    return number


def _attempt(macro: str, choice: Chosen, wanted: Wanted) -> Attempt:
    made: Iterable[Step | None] = (entry(wanted) for entry in MACROS[macro][choice.instance])
    steps = tuple(step for step in made if step is not None)
    return Attempt(instance=choice.instance, steps=steps, retries=choice.retries)


def _is_ruled_out(choice: Chosen, wanted: Wanted, adapted: list[str]) -> bool:
    if choice.instance != "Kexec":
        return False
    if wanted.request.disable_kexec:
        adapted.append("no Kexec: the request asks for none")
        return True
    if wanted.request.environment.os is not OsKind.LINUX:
        adapted.append(f"no Kexec: the environment is {wanted.request.environment.os}, not linux")
        return True
    return False


def _refuse_what_cannot_be(wanted: Wanted) -> None:
    environment = wanted.request.environment
    if environment.image.kind is not ImageKind.TAR:
        raise InvalidEnvironment(
            f"images of kind {environment.image.kind} cannot be deployed by this version", hint="use kind tar"
        )
    if environment.preinstall is not None or environment.postinstalls:
        raise InvalidEnvironment("preinstall and postinstalls cannot be carried out by this version")
    if environment.filesystem not in wanted.cluster.supported_fs:
        raise InvalidEnvironment(
            f"the minimal environment of cluster {wanted.cluster.name} cannot make {environment.filesystem!r}",
            hint=f"it makes {', '.join(wanted.cluster.supported_fs)}",
        )
    if wanted.request.disable_bootloader_install and wanted.request.disable_kexec:
        raise ConflictingOptions("without a bootloader and without kexec the nodes could not boot what is installed")
