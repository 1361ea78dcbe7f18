"""Custom operations in whole deployments: order, variables, retries, reasons, and servers killed in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from kadeploy.domain.custom import Action, CustomOperation, Insertion, Position, Scattering
from kadeploy.domain.event import NodesSaid, StepStarted
from kadeploy.domain.image import LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.request import DeployRequest
from kadeploy.domain.result import Result
from kadeploy.domain.state import Progress
from kadeploy.domain.timeout import Timeout
from kadeploy.ports.remote import Command, Remote, Terms
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.sites import request_for
from tests.scenario.world import World

SECONDS = 3.0  # that a command of a user takes
USERS = {"run_command", "run_file", "put_file"}
URL = "server:///srv/x.sh"
SHA256 = "cd" * 32
Play = Callable[[str, Command, int], tuple[str, str]]
"""(node, command, how many a node has run before) -> what it says, why it fails."""


@dataclass
class Played:
    """Implements ports.remote.Remote: what users wrote is played by the test, the rest is the simulated nodes'."""

    simulated: Remote
    play: Play
    ran: dict[str, list[Command]] = field(default_factory=dict)
    answers: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    async def run(
        self, nodes: NodeSet, make: Callable[[str], Command], terms: Terms, *, leaves: bool = False
    ) -> Result:
        if not nodes or make(min(nodes.names)).name not in USERS:
            return await self.simulated.run(nodes, make, terms, leaves=leaves)
        key, deadline = terms.key, terms.deadline
        for name in nodes:
            if (name, key) not in self.answers:
                before = self.ran.setdefault(name, [])
                self.answers[name, key] = self.play(name, make(name), len(before))
                before.append(make(name))
        await asyncio.sleep(min(SECONDS, deadline))
        if deadline < SECONDS:
            return Result.failed(nodes, f"it did not end in {deadline:.0f} s")
        ko = {name: reason for name in nodes if (reason := self.answers[name, key][1])}
        said = {name: self.answers[name, key][0] for name in nodes if name not in ko}
        return Result(ok=NodeSet(said), ko=ko, outputs=said)

    async def stop(self, nodes: NodeSet) -> None:
        await self.simulated.stop(nodes)


def says_its_name(node: str, command: Command, before: int) -> tuple[str, str]:
    return f"{command.name} on {node}", ""


def world_of(count: int, play: Play) -> tuple[World, Played]:
    world = World(count)
    played = Played(simulated=world.cluster.services.remote, play=play)
    world.cluster.services = replace(world.cluster.services, remote=played)
    world.engine = world._engine()
    return world, played


def asked(world: World, *insertions: Insertion, **changes: object) -> DeployRequest:
    files = {URL: LocalFile(path="/cache/x", size=3, sha256=SHA256)}
    return request_for(world.nodes, custom_operations=insertions, files=files, **changes)


def at(macro: str, micro: str, position: Position, *operations: CustomOperation) -> Insertion:
    return Insertion(macro=macro, micro=micro, position=position, operations=operations)


def command(name: str, **changes: object) -> CustomOperation:
    return CustomOperation(name=name, action=Action.EXEC, command=f"echo {name}", **changes)  # type: ignore[arg-type]


def deploy(count: int, play: Play, *insertions: Insertion, **changes: object) -> tuple[World, Played, Operation]:
    async def scenario() -> tuple[World, Played, Operation]:
        world, played = world_of(count, play)
        return world, played, await world.deploy(asked(world, *insertions, **changes))

    return run_jumping(scenario())


def micros_of(world: World, node: str) -> list[str]:
    return [
        event.micro
        for event in world.events.all
        if isinstance(event, StepStarted) and node in NodeSet.parse(event.nodes)
    ]


def test_all_three_actions_run_in_their_places_with_each_node_s_variables() -> None:
    send = CustomOperation(
        name="s", action=Action.SEND, file=URL, destination="$KADEPLOY_TMP_DIR/$KADEPLOY_NODE", mode=0o600
    )
    run = CustomOperation(name="r", action=Action.RUN, content="#!/bin/sh", params="'$MINE x' $KADEPLOY_DEPLOY_PART")
    world, played, operation = deploy(
        2,
        says_its_name,
        at("SetDeploymentEnv", "format_deploy_part", Position.BEFORE, command("x")),
        at("BroadcastEnv", "sync", Position.INSTEAD, send, run),
        custom_variables={"MINE": "$HOME"},
    )
    assert operation.having(Progress.OK) == world.nodes
    names = micros_of(world, "node-2")
    assert names[names.index("custom_exec:x") + 1] == "format_deploy_part"
    assert names[names.index("custom_send:s") + 1] == "custom_run:r"
    assert "sync" not in names
    first, second, third = played.ran["node-2"]
    variables = first.args["environment"]
    assert isinstance(variables, dict)
    assert variables["KADEPLOY_NODE"] == "node-2"
    assert variables["KADEPLOY_OPERATION"] == operation.id
    assert variables["KADEPLOY_USER"] == "alice"
    assert second.args == {
        "name": "x.sh",
        "url": f"/files/{SHA256}",
        "sha256": SHA256,
        "destination": "/tmp/node-2",
        "mode": 0o600,
        "tree": "/mnt/dest",
    }
    assert third.args["arguments"] == ["$HOME x", "/dev/vda3"]
    assert third.args["content"] == "#!/bin/sh"


def test_a_file_through_the_chain_is_put_in_its_place_where_it_arrived() -> None:
    send = CustomOperation(
        name="s", action=Action.SEND, file=URL, destination="/srv/", mode=0o644, scattering=Scattering.CHAIN
    )
    world, played, operation = deploy(3, says_its_name, at("BroadcastEnv", "sync", Position.BEFORE, send))
    assert operation.having(Progress.OK) == world.nodes
    (put,) = played.ran["node-3"]
    arrived = f"/tmp/kadeploy-{SHA256}"
    assert (put.args["url"], put.args["remove"]) == (f"file://{arrived}", arrived)
    assert (put.args["destination"], put.args["name"]) == ("/srv/", "x.sh")


def test_what_nodes_say_is_in_the_journal_once_for_all_who_say_the_same() -> None:
    def play(node: str, command: Command, before: int) -> tuple[str, str]:
        return ("x" * 9000 if node == "node-3" else "the same\n"), ""

    world, _, operation = deploy(4, play, at("BroadcastEnv", "sync", Position.AFTER, command("x")))
    assert operation.having(Progress.OK) == world.nodes
    said = {event.nodes: event for event in world.events.all if isinstance(event, NodesSaid)}
    assert said.keys() == {"node-[1-2,4]", "node-3"}
    assert said["node-[1-2,4]"].text == "the same"
    assert said["node-[1-2,4]"].micro == "custom_exec:x"
    assert len(said["node-3"].text.encode()) <= 4096


def test_a_failure_is_tried_again_and_ends_with_its_last_words() -> None:
    def play(node: str, command: Command, before: int) -> tuple[str, str]:
        fails = node == "node-1" or (node == "node-2" and before == 0)
        return "", f"the command exited with 3: attempt {before}" if fails else ""

    world, played, operation = deploy(
        3, play, at("BootNewEnvKexec", "switch_pxe", Position.BEFORE, command("x", retries=1))
    )
    assert operation.having(Progress.OK) == world.nodes
    assert {name: len(ran) for name, ran in played.ran.items()} == {"node-1": 2, "node-2": 2, "node-3": 1}
    assert micros_of(world, "node-2").count("kexec") == 1, "only the operation was tried again"
    assert "kexec" not in micros_of(world, "node-1"), "it fell back"


def test_a_node_on_which_it_never_works_is_ko_with_the_reason() -> None:
    def play(node: str, command: Command, before: int) -> tuple[str, str]:
        return "", "the command exited with 3: no such disk" if node == "node-1" else ""

    _, _, operation = deploy(3, play, at("SetDeploymentEnv", "mount_deploy_part", Position.BEFORE, command("x")))
    assert operation.having(Progress.KO) == NodeSet(["node-1"])
    outcome = operation.outcomes["node-1"]
    assert outcome.micro == "custom_exec:x"
    assert "the command exited with 3: no such disk" in outcome.reason


def test_its_timeout_bounds_one_try() -> None:
    world, played, operation = deploy(
        2,
        says_its_name,
        at("BroadcastEnv", "sync", Position.BEFORE, command("x", timeout=Timeout("1"), retries=1)),
    )
    assert operation.having(Progress.KO) == world.nodes
    assert "1 s" in operation.outcomes["node-1"].reason
    assert len(played.ran["node-1"]) == 2 * (1 + 1), "each of the macro-step's two turns tries it twice"


@pytest.mark.parametrize("killed_in", ["echo a", "echo b"])
@pytest.mark.parametrize("later", [0.0, SECONDS / 2, SECONDS, SECONDS + 1.0])
def test_a_killed_server_runs_no_operation_twice(killed_in: str, later: float) -> None:
    async def scenario() -> tuple[World, Played]:
        runs = asyncio.Event()

        def play(node: str, command: Command, before: int) -> tuple[str, str]:
            if command.args["command"] == killed_in:
                runs.set()
            return "", ""

        world, played = world_of(3, play)
        operation_id = await world.submit(
            asked(
                world,
                at("SetDeploymentEnv", "wait_reboot", Position.AFTER, command("a")),
                at("BroadcastEnv", "sync", Position.AFTER, command("b")),
            )
        )
        await runs.wait()
        await asyncio.sleep(later)
        await world.restart()
        await world.engine.wait(operation_id)
        assert (await world.operations.get(operation_id)).having(Progress.OK) == world.nodes
        return world, played

    _, played = run_jumping(scenario())
    assert {name: [one.args["command"] for one in ran] for name, ran in played.ran.items()} == {
        f"node-{n}": ["echo a", "echo b"] for n in (1, 2, 3)
    }
