"""How long a plan is expected to take, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kadeploy.domain.expected import Duration, Expected

NOTHING: Final = "Expected time: no statistics yet"


def text(expected: Expected | None) -> str:
    """A line a macro-step, and the whole."""
    return NOTHING if expected is None else "\n".join(_lines(expected))


def to_json(expected: Expected | None) -> dict[str, Any] | None:
    """In seconds; null where nothing is known. `nodes`: how many nodes of the past it is told from."""
    if expected is None:
        return None
    return {
        "whole": _duration(expected.whole),
        "macro_steps": [
            {
                "name": macro.macro,
                "instance": macro.instance,
                "expected": _duration(macro.duration),
                "micro_steps": [{"name": name, "expected": _duration(duration)} for name, duration in macro.steps],
            }
            for macro in expected.macros
        ],
    }


def _lines(expected: Expected) -> Iterator[str]:
    whole = expected.whole
    yield f"Expected time of a node: {_told(whole) if whole else 'not known of every macro-step yet'}"
    for macro in expected.macros:
        told = _told(macro.duration) if macro.duration else "no statistics yet"
        yield f"    {macro.macro} {macro.instance}: {told}"


def _told(duration: Duration) -> str:
    about = f"about {_clock(duration.median)}"
    slow = f", nine of ten within {_clock(duration.slow)}" if round(duration.slow) > round(duration.median) else ""
    nodes = "1 node" if duration.nodes == 1 else f"{duration.nodes} nodes"
    return f"{about}{slow} (from {nodes})"


def _clock(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {whole % 60:02} s"


def _duration(duration: Duration | None) -> dict[str, float] | None:
    if duration is None:
        return None
    return {"median": round(duration.median, 1), "slow": round(duration.slow, 1), "nodes": duration.nodes}
