"""`Entry`: one line of a plan's table: a micro-step, how it is made, and when it is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kadeploy.plans.wanted import Wanted
from kadeploy.ports.step import Step


def always(_: Wanted) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`left_out` says why the step does not apply, and nothing where it does; `make` is only asked then."""

    name: str
    make: Callable[[Wanted], Step]
    left_out: Callable[[Wanted], str] = always


def first_of(*reasons: Callable[[Wanted], str]) -> Callable[[Wanted], str]:
    """The first reason that holds."""
    return lambda wanted: next((why for reason in reasons if (why := reason(wanted))), "")
