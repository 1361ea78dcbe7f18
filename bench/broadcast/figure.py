"""What a bench reports: one number, nearly always a ratio of two that were measured in the same run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`bar` is what it must not exceed (or, if `at_least`, not fall below); None: shown for comparison. `floor`: the
    best that could be on this machine, measured in the same run."""

    bench: str
    what: str
    value: float
    bar: float | None = None
    floor: float | None = None
    at_least: bool = False
    detail: str = ""

    @property
    def holds(self) -> bool | None:
        if self.bar is None:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    def line(self) -> str:
        bar = "" if self.bar is None else f"{'>=' if self.at_least else '<='} {self.bar:g}"
        verdict = {None: "", True: "ok", False: "MISSED"}[self.holds]
        floor = "" if self.floor is None else f"floor {self.floor:.3f}"
        return f"{self.bench:8} {self.what:56} {self.value:9.3f}  {bar:8} {verdict:7} {floor:12} {self.detail}"


def table(figures: Iterable[Figure]) -> str:
    return "\n".join(figure.line().rstrip() for figure in figures)


def kept(figures: Iterable[Figure], path: Path) -> None:
    """As JSON, one figure a line: several runs can be read together."""
    with path.open("a") as file:
        for figure in figures:
            file.write(json.dumps(asdict(figure)) + "\n")


def read(path: Path) -> list[Figure]:
    """What `kept` has written, oldest first."""
    return [Figure(**json.loads(line)) for line in path.read_text().splitlines()]
