"""What the request and the cluster make of an automaton: a pure function, each of its changes told in a sentence.

First which instances are tried (`adapt_instances`), then which of their micro-steps apply (`adapt_steps`).
To adapt what was adapted changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from kadeploy.domain.automaton import Automaton, Chosen
from kadeploy.domain.environment import OsKind
from kadeploy.domain.timeout import Timeout
from kadeploy.plans.deploy import MACROS
from kadeploy.plans.entry import Entry
from kadeploy.plans.left_out import if_unreadable, without_kernel
from kadeploy.plans.wanted import Wanted

MORE_FOR_FIRMWARE: Final = 200  # seconds that a turn with a reboot gets beyond the reboot's own timeout
PREINSTALL: Final = "UntrustedCustomPreInstall"
OUR_CHAIN: Final[Mapping[str, str]] = {
    "Kascade": "is our chain",
    "Kastafior": "is an older chain: ours is used",
    "Bittorrent": "brings nothing beside a chain: ours is used",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One instance, and the entries of its table that are left."""

    chosen: Chosen
    entries: tuple[Entry, ...]


Outline = Mapping[str, tuple[Line, ...]]
"""By macro-step, what is tried first coming first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    outline: Outline
    sentences: tuple[str, ...]


def outline_of(automaton: Automaton) -> Outline:
    """Every instance with its whole table."""
    return {
        macro: tuple(Line(chosen=chosen, entries=_table(macro, chosen.instance)) for chosen in choices)
        for macro, choices in automaton.items()
    }


def adapt(outline: Outline, wanted: Wanted) -> Adapted:
    """Everything at once."""
    sentences: list[str] = []
    adapted: dict[str, tuple[Line, ...]] = {}
    for macro, lines in outline.items():
        chosen = _INSTANCES[macro](lines, wanted, sentences)
        adapted[macro] = tuple(_adapt_steps(macro, line, wanted, sentences) for line in chosen)
    return Adapted(outline=adapted, sentences=tuple(dict.fromkeys(sentences)))


def _adapt_steps(macro: str, line: Line, wanted: Wanted, sentences: list[str]) -> Line:
    kept = []
    for entry in line.entries:
        if why := entry.left_out(wanted):
            sentences.append(f"{macro}: no {entry.name}: {why}")
        else:
            kept.append(entry)
    settings = {name: one for name, one in line.chosen.micro_steps.items() if name in {entry.name for entry in kept}}
    instance = f"{macro}{line.chosen.instance}"
    unused = [name for name in line.chosen.micro_steps if name not in settings]
    sentences += [f"{instance}: what is set for {name} has no effect: it has no such step" for name in unused]
    return Line(chosen=replace(line.chosen, micro_steps=settings), entries=tuple(kept))


def _minimal(lines: tuple[Line, ...], wanted: Wanted, sentences: list[str]) -> tuple[Line, ...]:
    if wanted.request.environment.preinstall is not None:
        first = lines[0].chosen
        if [line.chosen.instance for line in lines] == [PREINSTALL]:
            return lines
        sentences.append(f"SetDeploymentEnv: {PREINSTALL} takes the place of all: the environment has a preinstall")
        return (_line("SetDeploymentEnv", replace(first, instance=PREINSTALL)),)
    if not wanted.request.disable_kexec:
        return lines
    why = "the request asks for no kexec"
    return tuple(_replacing("SetDeploymentEnv", lines, "Kexec", "Untrusted", why, wanted, sentences))


def _image(lines: tuple[Line, ...], wanted: Wanted, sentences: list[str]) -> tuple[Line, ...]:
    adapted = []
    for line in lines:
        why = OUR_CHAIN.get(line.chosen.instance)
        if why:
            sentences.append(f"BroadcastEnv: {line.chosen.instance} {why}")
            line = _line("BroadcastEnv", replace(line.chosen, instance="Chain"))
        adapted.append(line)
    return tuple(adapted)


def _boot(lines: tuple[Line, ...], wanted: Wanted, sentences: list[str]) -> tuple[Line, ...]:
    why = _why_no_kexec(wanted)
    return tuple(_replacing("BootNewEnv", lines, "Kexec", "Classical", why, wanted, sentences)) if why else lines


def _why_no_kexec(wanted: Wanted) -> str:
    os = wanted.request.environment.os
    if wanted.request.disable_kexec:
        return "the request asks for none"
    if os is not OsKind.LINUX:
        return f"the environment is {os}, not linux"
    if wanted.boots_another:
        return f"partition {wanted.request.boot_partition} is booted, not the one that is deployed"
    if wanted.request.profile is not None:
        return "the request has a profile for the firmware to boot"
    return if_unreadable(wanted) or without_kernel(wanted)


def _replacing(
    macro: str,
    lines: tuple[Line, ...],
    gone: str,
    instead: str,
    why: str,
    wanted: Wanted,
    sentences: list[str],
) -> Iterator[Line]:
    """An instance that is tried anyway takes no second place."""
    there = any(line.chosen.instance == instead for line in lines)
    for line in lines:
        if line.chosen.instance != gone:
            yield line
            continue
        sentences.append(f"{macro}: {gone} is left out: {why}" if there else f"{macro}: {instead}, no {gone}: {why}")
        if not there:
            there = True
            timeout = _longer(wanted.reboot_timeout) if line.chosen.timeout.formula != "0" else line.chosen.timeout
            yield _line(macro, replace(line.chosen, instance=instead, retries=0, timeout=timeout))


def _longer(timeout: Timeout) -> Timeout:
    return Timeout(f"({timeout.formula}) + {MORE_FOR_FIRMWARE}")


def _line(macro: str, chosen: Chosen) -> Line:
    return Line(chosen=chosen, entries=_table(macro, chosen.instance))


def _table(macro: str, instance: str) -> tuple[Entry, ...]:
    """That of our chain for those names that mean it."""
    return MACROS[macro]["Chain" if instance in OUR_CHAIN else instance]


_Adapt = Callable[[tuple[Line, ...], Wanted, list[str]], tuple[Line, ...]]
_INSTANCES: Final[Mapping[str, _Adapt]] = {"SetDeploymentEnv": _minimal, "BroadcastEnv": _image, "BootNewEnv": _boot}
