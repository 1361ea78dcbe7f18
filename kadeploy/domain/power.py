"""Words for power: how forcefully to act, and what a node's power is."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How forcefully: ask the running system, use the BMC, cut the supply."""

    SOFT = "soft"
    HARD = "hard"
    VERY_HARD = "very_hard"


class PowerAction(StrEnum):
    ON = "on"
    OFF = "off"
    STATUS = "status"
