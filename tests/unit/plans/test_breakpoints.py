"""Where nodes are held: by the request, and by the configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kadeploy.domain.automaton import BUILT_IN, Chosen, MicroSettings
from kadeploy.domain.nodeset import NodeSet
from kadeploy.engine.plan import Plan
from kadeploy.errors import InvalidOption
from kadeploy.plans.breakpoints import hold_before
from kadeploy.plans.build import build_deploy
from kadeploy.plans.codec import decode, encode
from kadeploy.plans.show import text
from kadeploy.testing.sites import request_for, site_of

SITE = site_of(2)
PLAN = build_deploy(request_for(NodeSet(SITE.nodes)), SITE, "sim")


def held(plan: Plan) -> list[str]:
    return [
        f"{stage.macro}{attempt.instance}-{micro.name}"
        for stage in plan.stages
        for attempt in stage.attempts
        for micro in attempt.steps
        if micro.breakpoint
    ]


@pytest.mark.parametrize(
    ("place", "steps"),
    [
        ("BroadcastEnv", ["BroadcastEnvChain-renew_deploy_part"]),
        ("BootNewEnvKexec:kexec", ["BootNewEnvKexec-kexec"]),
        (
            "BootNewEnv:switch_pxe",
            ["BootNewEnvKexec-switch_pxe", "BootNewEnvClassical-switch_pxe", "BootNewEnvHardReboot-switch_pxe"],
        ),
    ],
)
def test_a_place_of_the_request(place: str, steps: list[str]) -> None:
    (plan,) = hold_before({"sim": PLAN}, place).values()
    assert held(plan) == steps
    assert decode(encode(plan)) == plan
    assert "    nodes are held here until they are resumed\n" in text(plan, 2)


@pytest.mark.parametrize("place", ["", "Boot", "BootNewEnv:reboots", ":kexec"])
def test_a_place_that_is_nowhere_is_refused(place: str) -> None:
    with pytest.raises(InvalidOption, match="breakpoint: nothing here is"):
        hold_before({"sim": PLAN}, place)


def test_what_there_is_instead_is_told() -> None:
    with pytest.raises(InvalidOption, match=r"nothing here is Nope:x \(there is .*BootNewEnv"):
        hold_before({"sim": PLAN}, "Nope:x")
    with pytest.raises(InvalidOption, match=r"nothing here is BootNewEnv:x \(there is .*BootNewEnv:kexec"):
        hold_before({"sim": PLAN}, "BootNewEnv:x")


def test_the_configuration_has_breakpoints_too() -> None:
    boot = (
        Chosen(instance="Kexec", micro_steps={"kexec": MicroSettings(breakpoint=True)}),
        Chosen(instance="Classical", breakpoint=True),
    )
    cluster = replace(SITE.clusters["sim"], automaton={**BUILT_IN, "BootNewEnv": boot})
    site = replace(SITE, clusters={"sim": cluster})
    plan = build_deploy(request_for(NodeSet(SITE.nodes)), site, "sim")
    assert held(plan) == ["BootNewEnvKexec-kexec", "BootNewEnvClassical-switch_pxe"]
