"""How long boots took: what of one wait is worth remembering."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

KEPT: Final = 100  # boots remembered of one wait: a large deployment must not drown all others


class Way(StrEnum):
    """What a node boots and how: each has its own usual time."""

    MINIMAL = "minimal"
    MINIMAL_BY_KEXEC = "minimal by kexec"
    INSTALLED = "installed"
    INSTALLED_BY_KEXEC = "installed by kexec"


def worth_keeping(seconds: Sequence[float]) -> Sequence[float]:
    """At most KEPT of them, evenly over their order, the shortest and the longest among them."""
    ordered = sorted(seconds)
    if len(ordered) <= KEPT:
        return ordered
    return [ordered[round(index * (len(ordered) - 1) / (KEPT - 1))] for index in range(KEPT)]
