"""`Plan`: what will run, decided before it runs; a value that prints.

A plan is a tuple of stages (the macro-step slots), each with the attempts that may be made at it (instance,
retries, timeout, micro-steps) in the order of fallback. A `Place` is a position in it.

A timeout's zero means no limit. `raisable` is Kadeploy3's word: whether nodes that are through with it go on
while others are tried again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from kadeploy.domain.image import LocalFile
from kadeploy.domain.timeout import Timeout
from kadeploy.ports.step import Step

NO_LIMIT: Final = Timeout("0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Micro:
    """A step as this plan takes it. `timeout` bounds one try of it, `retries` come before the attempt's own.

    `breakpoint`: nodes are held before it until somebody resumes the operation.
    """

    step: Step
    retries: int = 0
    timeout: Timeout = NO_LIMIT
    raisable: bool = True
    breakpoint: bool = False

    @property
    def name(self) -> str:
        return self.step.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One way to do a stage. `timeout` bounds one turn of it."""

    instance: str
    steps: tuple[Micro, ...]
    retries: int = 0
    timeout: Timeout = NO_LIMIT
    raisable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A macro-step slot; the first attempt is tried first, the others when it has used up its retries."""

    macro: str
    attempts: tuple[Attempt, ...]

    @property
    def raisable(self) -> bool:
        """One attempt that lets nobody go on alone is enough: its nodes and those of its fallbacks are together."""
        return all(attempt.raisable for attempt in self.attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A position: which stage, which attempt at it, which turn of that attempt, which step, which try of that."""

    stage: int = 0
    attempt: int = 0
    turn: int = 0
    step: int = 0
    again: int = 0

    def __str__(self) -> str:
        tried = f"+{self.again}" if self.again else ""
        return f"{self.stage}.{self.attempt}.{self.turn}.{self.step}{tried}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`adapted` says in words what the request or the configuration changed from the plain tables."""

    stages: tuple[Stage, ...]
    adapted: tuple[str, ...] = ()

    @property
    def image_size(self) -> int:
        """Bytes of the largest image that one of its steps sends, 0 when none does."""
        return self._image.size if self._image else 0

    @property
    def image_sha256(self) -> str:
        """Of the same image, when it is here."""
        return self._image.sha256 if self._image and self._image.path else ""

    @property
    def _image(self) -> LocalFile | None:
        steps = (micro.step for stage in self.stages for attempt in stage.attempts for micro in attempt.steps)
        images = (image for step in steps if isinstance(image := getattr(step, "image", None), LocalFile))
        return max(images, key=lambda image: image.size, default=None)

    def attempt_at(self, place: Place) -> Attempt:
        return self.stages[place.stage].attempts[place.attempt]

    def micro_at(self, place: Place) -> Micro:
        return self.attempt_at(place).steps[place.step]

    def names_at(self, place: Place) -> tuple[str, str]:
        """Kadeploy3's names: the macro-step with its instance, and the micro-step."""
        attempt = self.attempt_at(place)
        return self.stages[place.stage].macro + attempt.instance, attempt.steps[place.step].name

    def next_step(self, place: Place) -> Place | None:
        """Where nodes that passed go; None when they are done."""
        if place.step + 1 < len(self.attempt_at(place).steps):
            return replace(place, step=place.step + 1, again=0)
        if place.stage + 1 < len(self.stages):
            return Place(stage=place.stage + 1)
        return None

    def next_chance(self, place: Place) -> Place | None:
        """Where nodes that failed go: the same step again, else the same attempt, else the next one; None when they
        have failed. A step that lets nobody go on alone is tried again where it is, not from here."""
        micro = self.micro_at(place)
        if micro.raisable and place.again < micro.retries:
            return replace(place, again=place.again + 1)
        if place.turn < self.attempt_at(place).retries:
            return Place(stage=place.stage, attempt=place.attempt, turn=place.turn + 1)
        if place.attempt + 1 < len(self.stages[place.stage].attempts):
            return Place(stage=place.stage, attempt=place.attempt + 1)
        return None

    def gathers(self, place: Place) -> bool:
        """Whether nodes that are through with the stage wait there for the others."""
        return not self.stages[place.stage].raisable and place.stage + 1 < len(self.stages)
