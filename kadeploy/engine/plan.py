"""`Plan`: what will run, decided before it runs; a value that prints.

A plan is a tuple of stages (the macro-step slots), each with the attempts that may be made at it (instance,
retries, timeout, micro-steps) in the order of fallback. A `Place` is a position in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kadeploy.domain.timeout import Timeout
from kadeploy.ports.step import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One way to do a stage. `timeout` bounds one turn of it; its zero means no limit."""

    instance: str
    steps: tuple[Step, ...]
    retries: int = 0
    timeout: Timeout = Timeout("0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A macro-step slot; the first attempt is tried first, the others when it has used up its retries."""

    macro: str
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position: which stage, which attempt at it, which turn of that attempt, which step."""

    stage: int = 0
    attempt: int = 0
    turn: int = 0
    step: int = 0

    def __str__(self) -> str:
        return f"{self.stage}.{self.attempt}.{self.turn}.{self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`adapted` says in words what the request or the configuration changed from the plain tables."""

    stages: tuple[Stage, ...]
    adapted: tuple[str, ...] = ()

    def attempt_at(self, place: Place) -> Attempt:
        return self.stages[place.stage].attempts[place.attempt]

    def next_step(self, place: Place) -> Place | None:
        """Where nodes that passed go; None when they are done."""
        if place.step + 1 < len(self.attempt_at(place).steps):
            return replace(place, step=place.step + 1)
        if place.stage + 1 < len(self.stages):
            return Place(stage=place.stage + 1)
        return None

    def next_chance(self, place: Place) -> Place | None:
        """Where nodes that failed go: the same attempt again, else the next one; None when they have failed."""
        if place.turn < self.attempt_at(place).retries:
            return replace(place, turn=place.turn + 1, step=0)
        if place.attempt + 1 < len(self.stages[place.stage].attempts):
            return Place(stage=place.stage, attempt=place.attempt + 1)
        return None

    def lines(self) -> Iterator[str]:
        """The plan for people, one line a step."""
        for adaptation in self.adapted:
            yield f"adapted: {adaptation}"
        for stage in self.stages:
            for index, attempt in enumerate(stage.attempts):
                fallback = " (fallback)" if index else ""
                limit = f", at most {attempt.timeout.formula} s" if attempt.timeout.formula != "0" else ""
                retries = f", {attempt.retries} retries" if attempt.retries else ""
                yield f"{stage.macro}: {attempt.instance}{fallback}{retries}{limit}"
                for step in attempt.steps:
                    yield f"    {step.name}"

    def __str__(self) -> str:
        return "\n".join(self.lines())
