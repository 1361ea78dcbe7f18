"""What was tried how often, in words."""

from __future__ import annotations

import pytest

from kadeploy.domain.boot import LOCAL_DISK
from kadeploy.engine.plan import Attempt, Micro, Place, Plan, Stage
from kadeploy.engine.tried import tried
from kadeploy.steps.switch_boot import SwitchBoot

STEP = SwitchBoot(target=LOCAL_DISK)
PLAN = Plan(
    stages=(
        Stage(
            macro="BootNewEnv",
            attempts=(
                Attempt(instance="Kexec", steps=(Micro(step=STEP),), retries=2),
                Attempt(instance="Classical", steps=(Micro(step=STEP, retries=3),)),
                Attempt(instance="HardReboot", steps=(Micro(step=STEP, retries=1, raisable=False),), retries=1),
            ),
        ),
    )
)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place(), "Kexec once"),
        (Place(turn=2), "Kexec 3 times"),
        (Place(attempt=1, again=3), "Kexec 3 times, Classical once, in the end switch_pxe 4 times"),
        (
            Place(attempt=2, turn=1),
            "Kexec 3 times, Classical once, HardReboot twice, in the end switch_pxe twice",
        ),
    ],
)
def test_words(place: Place, words: str) -> None:
    assert tried(PLAN, place) == words
