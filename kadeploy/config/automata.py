"""`automata` of a cluster's file and of a request: which instances are tried, how often and how long.

macrosteps:
  SetDeploymentEnv:
    - {type: Untrusted, timeout: 200 + n, retries: 2, microsteps: [{name: create_partition_table, retries: 1}]}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from kadeploy.config.custom import PlacedOperations
from kadeploy.config.decode import Section, decode
from kadeploy.config.duration import Duration
from kadeploy.domain.automaton import (
    BUILT_IN,
    INSTANCES,
    MICRO_STEPS,
    UNLIMITED,
    Automaton,
    Chosen,
    MicroSettings,
    plain_instance,
)
from kadeploy.domain.custom import Insertion
from kadeploy.domain.timeout import Timeout
from kadeploy.errors import Faults

MOST: Final = 100  # retries
BY_FIRMWARE: Final = frozenset({"Untrusted", "UntrustedCustomPreInstall", "Nfsroot", "Classical", "HardReboot"})
BY_KEXEC: Final = "Kexec"

Retries = Annotated[int, Field(ge=0, le=MOST)]


def _micro_step(value: str) -> str:
    if value not in MICRO_STEPS:
        raise ValueError(f"must be a micro-step such as wait_reboot, not {value!r}")
    return value


def _instance_of(macro: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        name = plain_instance(macro, value)
        if name == "PivotRoot":
            raise ValueError("PivotRoot does not exist; use Kexec, Classical or HardReboot")
        if name is None:
            raise ValueError(f"must be {', '.join(_possible(macro))}, not {value!r}")
        return name

    return check


def _possible(macro: str) -> tuple[str, ...]:
    return tuple(name for name in INSTANCES[macro] if name != "PivotRoot")


class MicroEntry(PlacedOperations):
    """`timeout` 0 is the step's own. `raisable: false`: those that passed wait while the others are tried again."""

    name: Annotated[str, AfterValidator(_micro_step)]
    timeout: Duration = UNLIMITED
    retries: Retries = 0
    raisable: bool = True
    breakpoint: bool = False

    def settings(self) -> MicroSettings:
        return MicroSettings(
            timeout=self.timeout, retries=self.retries, raisable=self.raisable, breakpoint=self.breakpoint
        )


def _each_once(value: tuple[MicroEntry, ...]) -> tuple[MicroEntry, ...]:
    names = [entry.name for entry in value]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)} is there twice")
    return value


class InstanceEntry(Section):
    """`timeout` 0 is no limit. `raisable: false`: those that passed wait until nobody is in the macro-step."""

    type: str
    retries: Retries = 0
    timeout: Duration = UNLIMITED
    raisable: bool = True
    breakpoint: bool = False
    microsteps: Annotated[tuple[MicroEntry, ...], AfterValidator(_each_once)] = ()

    def chosen(self) -> Chosen:
        return Chosen(
            instance=self.type,
            retries=self.retries,
            timeout=self.timeout,
            raisable=self.raisable,
            breakpoint=self.breakpoint,
            micro_steps={entry.name: entry.settings() for entry in self.microsteps},
        )


class SetDeploymentEnvEntry(InstanceEntry):
    type: Annotated[str, AfterValidator(_instance_of("SetDeploymentEnv"))]


class BroadcastEnvEntry(InstanceEntry):
    type: Annotated[str, AfterValidator(_instance_of("BroadcastEnv"))]


class BootNewEnvEntry(InstanceEntry):
    type: Annotated[str, AfterValidator(_instance_of("BootNewEnv"))]


class MacroSteps(Section):
    """A macro-step that is not given is the built-in one."""

    set_deployment_env: Annotated[tuple[SetDeploymentEnvEntry, ...], Field(alias="SetDeploymentEnv")] = ()
    broadcast_env: Annotated[tuple[BroadcastEnvEntry, ...], Field(alias="BroadcastEnv")] = ()
    boot_new_env: Annotated[tuple[BootNewEnvEntry, ...], Field(alias="BootNewEnv")] = ()

    def by_name(self) -> Mapping[str, tuple[InstanceEntry, ...]]:
        return {
            "SetDeploymentEnv": self.set_deployment_env,
            "BroadcastEnv": self.broadcast_env,
            "BootNewEnv": self.boot_new_env,
        }


class Automata(Section):
    macrosteps: MacroSteps = MacroSteps()

    def automaton(self) -> Automaton:
        return {
            macro: tuple(entry.chosen() for entry in entries) or BUILT_IN[macro]
            for macro, entries in self.macrosteps.by_name().items()
        }

    def insertions(self) -> tuple[Insertion, ...]:
        """The custom operations around micro-steps, each for its own instance."""
        return tuple(
            insertion
            for macro, entries in self.macrosteps.by_name().items()
            for entry in entries
            for micro in entry.microsteps
            for insertion in micro.insertions(f"{macro}{entry.type}", micro.name)
        )


def timeout_faults(automaton: Automaton, *, reboot: Timeout, kexec: Timeout, place: str) -> Iterator[str]:
    """A turn that ends before its reboot may is a fault. Compared for one node."""
    for macro, choices in automaton.items():
        for index, chosen in enumerate(choices):
            limit = chosen.timeout.seconds(1)
            name, wait = ("kexec", kexec) if chosen.instance == BY_KEXEC else ("reboot", reboot)
            waits = chosen.instance in BY_FIRMWARE or chosen.instance == BY_KEXEC
            if waits and limit and limit < wait.seconds(1):
                yield (
                    f"{place}{macro}[{index}].timeout: {chosen.timeout.formula} is less than timeouts.{name}, "
                    f"{wait.formula}"
                )


class RequestedInstance(Section):
    """What a request says of one instance; Kadeploy3's tools send whole numbers."""

    name: Annotated[str, Field(min_length=1)]
    retries: Retries = 0
    timeout: Duration = UNLIMITED


def requested_automaton(data: object) -> Automaton:
    """From a request's mapping of macro-steps to lists; raises Faults, each with its path."""
    if not isinstance(data, Mapping):
        raise Faults(["automata: must be a mapping of macro-steps to lists of instances"])
    faults: list[str] = []
    found: dict[str, tuple[Chosen, ...]] = {}
    for macro, entries in data.items():
        if macro not in INSTANCES:
            faults.append(f"automata.{macro}: there is no such macro-step, but {', '.join(INSTANCES)}")
        elif not isinstance(entries, list | tuple) or not entries:
            faults.append(f"automata.{macro}: must be a list of at least one instance")
        else:
            found[macro] = tuple(_requested(macro, index, entry, faults) for index, entry in enumerate(entries))
    if faults:
        raise Faults(faults)
    return {macro: found[macro] for macro in INSTANCES if macro in found}


def _requested(macro: str, index: int, entry: object, faults: list[str]) -> Chosen:
    place = f"automata.{macro}[{index}]"
    decoded = decode(RequestedInstance, entry)
    between = "." if isinstance(entry, Mapping) else ": "
    faults += [f"{place}{between}{fault}" for fault in (*decoded.faults, *decoded.warnings)]
    if decoded.value is None:
        return Chosen(instance="")
    try:
        name = _instance_of(macro)(decoded.value.name)
    except ValueError as error:
        faults.append(f"{place}.name: {error}")
        return Chosen(instance="")
    return Chosen(instance=name, retries=decoded.value.retries, timeout=decoded.value.timeout)
