"""Custom operations in their places in a plan, as a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kadeploy.domain.custom import Action, CustomOperation, Insertion, Position, merged
from kadeploy.domain.image import LocalFile
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.request import RebootKind, RebootRequest
from kadeploy.domain.timeout import Timeout
from kadeploy.engine.plan import Plan
from kadeploy.errors import InvalidCustomOperations
from kadeploy.plans.build import build_deploy
from kadeploy.plans.codec import decode, encode
from kadeploy.plans.reboot import build_reboot
from kadeploy.steps.custom_run import CustomRun
from kadeploy.steps.custom_send import CustomSend
from kadeploy.testing.sites import request_for, site_of

NODES = NodeSet(["node-1"])
PINNED = {"http://web/a%20b.sh": LocalFile(path="/cache/x", size=3, sha256="ab" * 32)}


def execs(*names: str) -> tuple[CustomOperation, ...]:
    return tuple(CustomOperation(name=name, action=Action.EXEC, command=f"echo {name}") for name in names)


def at(macro: str, micro: str, position: Position, *names: str, overrides: bool = False) -> Insertion:
    return Insertion(macro=macro, micro=micro, position=position, operations=execs(*names), overrides=overrides)


def plan_with(*insertions: Insertion, site: Site | None = None, **changes: object) -> Plan:
    request = request_for(NODES, custom_operations=insertions, files=PINNED, **changes)
    return build_deploy(request, site or site_of(1), "sim")


def around(plan: Plan, micro: str) -> list[str]:
    """The first attempt's steps from the one before `micro`'s place to the one after."""
    names = [one.name for one in plan.stages[0].attempts[0].steps]
    places = [index for index, name in enumerate(names) if name == micro or name.startswith("custom_")]
    return names[max(0, places[0] - 1) : places[-1] + 2]


BEFORE, INSTEAD, AFTER = Position.BEFORE, Position.INSTEAD, Position.AFTER
TABLE: list[tuple[str, list[Insertion], list[str]]] = [
    (
        "before",
        [at("SetDeploymentEnv", "mount_deploy_part", BEFORE, "a", "b")],
        ["format_deploy_part", "custom_exec:a", "custom_exec:b", "mount_deploy_part", "format_tmp_part"],
    ),
    (
        "after, for one instance",
        [at("SetDeploymentEnvUntrusted", "mount_deploy_part", AFTER, "a")],
        ["format_deploy_part", "mount_deploy_part", "custom_exec:a", "format_tmp_part"],
    ),
    (
        "for another instance",
        [at("SetDeploymentEnvProd", "mount_deploy_part", AFTER, "a")],
        ["format_deploy_part", "mount_deploy_part", "format_tmp_part"],
    ),
    (
        "instead",
        [at("SetDeploymentEnv", "mount_deploy_part", INSTEAD, "a", "b")],
        ["format_deploy_part", "custom_exec:a", "custom_exec:b", "format_tmp_part"],
    ),
    (
        "all three, whatever their order",
        [
            at("SetDeploymentEnv", "mount_deploy_part", AFTER, "c"),
            at("SetDeploymentEnv", "mount_deploy_part", INSTEAD, "b"),
            at("SetDeploymentEnv", "mount_deploy_part", BEFORE, "a"),
        ],
        ["format_deploy_part", "custom_exec:a", "custom_exec:b", "custom_exec:c", "format_tmp_part"],
    ),
    (
        "in the order in which they are given",
        [
            at("SetDeploymentEnvUntrusted", "mount_deploy_part", BEFORE, "a"),
            at("SetDeploymentEnv", "mount_deploy_part", BEFORE, "b"),
        ],
        ["format_deploy_part", "custom_exec:a", "custom_exec:b", "mount_deploy_part", "format_tmp_part"],
    ),
    (
        "as soon as the minimal environment is there",
        [at("SetDeploymentEnv", "wait_reboot", AFTER, "a")],
        ["reboot", "wait_reboot", "custom_exec:a", "send_key_in_deploy_env"],
    ),
]


@pytest.mark.parametrize(("insertions", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_operations_stand_in_their_places(insertions: list[Insertion], expected: list[str]) -> None:
    assert around(plan_with(*insertions), insertions[0].micro) == expected


def with_configured(*insertions: Insertion) -> Site:
    site = site_of(1)
    return replace(site, clusters={"sim": replace(site.clusters["sim"], operations=insertions)})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (at("BroadcastEnv", "sync", BEFORE, "user"), ["custom_exec:admin", "custom_exec:user", "sync"]),
        (at("BroadcastEnv", "sync", BEFORE, "user", overrides=True), ["custom_exec:user", "sync"]),
        (at("BroadcastEnv", "sync", BEFORE, overrides=True), ["sync"]),
        (at("BroadcastEnv", "sync", AFTER, "user", overrides=True), ["custom_exec:admin", "sync", "custom_exec:user"]),
    ],
)
def test_the_configuration_comes_first_unless_it_is_overridden(asked: Insertion, expected: list[str]) -> None:
    site = with_configured(at("BroadcastEnvChain", "sync", BEFORE, "admin"))
    names = [micro.name for micro in plan_with(asked, site=site).stages[1].attempts[0].steps]
    assert names[-len(expected) :] == expected
    assert len(names) == len(plan_with().stages[1].attempts[0].steps) + len(expected) - 1


def test_an_instance_whose_name_begins_like_another_is_not_overridden() -> None:
    configured = (at("SetDeploymentEnvUntrustedCustomPreInstall", "wait_reboot", AFTER, "admin"),)
    asked = at("SetDeploymentEnvUntrusted", "wait_reboot", AFTER, "user", overrides=True)
    assert merged(configured, (asked,)) == (*configured, asked)


def test_a_known_step_that_the_plan_does_without_is_noted() -> None:
    plan = plan_with(at("SetDeploymentEnv", "create_partition_table", AFTER, "a"), disable_disk_partitioning=True)
    assert "no SetDeploymentEnv.create_partition_table.post-ops: the plan has no such micro-step" in plan.adapted


def test_operations_where_no_agent_is_and_unknown_variables_are_refused_together() -> None:
    run = CustomOperation(name="r", action=Action.RUN, content="x", params="$KADEPLOY_NODE $NO")
    with pytest.raises(InvalidCustomOperations) as caught:
        plan_with(
            at("SetDeploymentEnv", "reboot", BEFORE, "a"),
            at("SetDeploymentEnv", "wait_reboot", INSTEAD, "a"),
            at("BootNewEnvKexec", "kexec", AFTER, "a"),
            at("BootNewEnvKexec", "kexec", BEFORE, "a"),
            Insertion(macro="BroadcastEnv", micro="sync", position=AFTER, operations=(run,)),
        )
    assert caught.value.message.splitlines()[1:] == [
        "  BroadcastEnv.sync.post-ops[0].params: there is no variable NO",
        "  SetDeploymentEnv.reboot.pre-ops: no minimal environment runs on the nodes then (Untrusted)",
        "  SetDeploymentEnv.wait_reboot.substitute: no minimal environment runs on the nodes then (Untrusted)",
        "  BootNewEnvKexec.kexec.post-ops: no minimal environment runs on the nodes then (Kexec)",
    ]


def test_every_action_becomes_a_step_that_survives_being_stored() -> None:
    operations = (
        CustomOperation(name="x", action=Action.EXEC, command="ls", timeout=Timeout("5*n"), retries=3),
        CustomOperation(
            name="s", action=Action.SEND, file="http://web/a%20b.sh", destination="$KADEPLOY_TMP_DIR", mode=0o600
        ),
        CustomOperation(name="r", action=Action.RUN, content="#!/bin/sh", filename="go", params="-v $KADEPLOY_NODE"),
    )
    plan = plan_with(
        Insertion(macro="BroadcastEnv", micro="sync", position=AFTER, operations=operations),
        custom_variables={"MINE": "1"},
    )
    assert decode(encode(plan)) == plan
    first, send, run = plan.stages[1].attempts[0].steps[-3:]
    assert (first.name, first.retries, first.timeout) == ("custom_exec:x", 3, Timeout("5*n"))
    assert isinstance(send.step, CustomSend)
    assert (send.step.file.name, send.step.file.sha256, send.step.mode) == ("a b.sh", "ab" * 32, 0o600)
    assert isinstance(run.step, CustomRun)
    assert (run.step.file.name, run.step.file.content) == ("go", "#!/bin/sh")
    assert run.step.variables.shared["MINE"] == "1"


def test_a_reboot_has_them_only_in_the_minimal_environment() -> None:
    insertion = at("Reboot", "wait_reboot", AFTER, "a")
    site = site_of(1)
    request = RebootRequest(nodes=NODES, kind=RebootKind.DEPLOY_ENV, custom_operations=(insertion,))
    names = [micro.name for micro in build_reboot(request, site, "sim").stages[0].attempts[0].steps]
    assert names[-2:] == ["wait_reboot", "custom_exec:a"]
    with pytest.raises(InvalidCustomOperations, match="no minimal environment runs on the nodes then"):
        build_reboot(replace(request, kind=RebootKind.SIMPLE), site, "sim")
