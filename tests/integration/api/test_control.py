"""Holding, resuming, cancelling, waiting and taking over through the API, as Kadeploy3's tools and ours see it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2

from kadeploy.domain.event import OperationStarted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import NodeState, OperationKind
from tests.integration.api.house import NAMES, House, in_house, launch_body


async def launched(client: httpx2.AsyncClient, **changes: object) -> str:
    answer = await client.post("/deployment/", json=launch_body(**changes))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["wid"])


def refused(answer: httpx2.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("x-application-error-code")


def test_a_breakpoint_holds_and_a_resume_goes_on(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client, house.client("bob") as bob:
            wid = await launched(client, breakpoint="SetDeploymentEnv")
            assert refused(await client.post(f"/deployment/{wid}/resume")) == (400, "14")
            await house.engine.hold(wid)
            shown = (await client.get(f"/deployment/{wid}")).json()
            assert (shown["done"], shown["error"], shown["state"]) == (True, False, "held")
            assert shown["nodes"] == {"ok": [], "ko": [], "held": list(NAMES[:2])}
            log = (await client.get(f"/deployment/{wid}/logs")).text
            assert f"held before SetDeploymentEnvUntrusted-switch_pxe: kadeploy --resume {wid} goes on\n" in log
            state = (await client.get(f"/deployment/{wid}/state")).json()[NAMES[0]]
            assert (state["state"], state["micro"], state["error"]) == ("brk", "switch_pxe", None)
            assert (await house.nodes.get(NodeSet(NAMES)))[NAMES[0]].state is NodeState.HELD

            # Kadeploy3's tools take a breakpoint for the end, and send this when they leave.
            deleted = await client.request("DELETE", f"/deployment/{wid}/", json={})
            assert (deleted.status_code, house.engine.aborted) == (200, [])
            busy = await client.post("/deployment/", json=launch_body())
            assert refused(busy) == (400, "11")

            assert (await bob.post(f"/deployment/{wid}/resume")).status_code == 403
            resumed = await client.post(f"/deployment/{wid}/resume", json={})
            assert resumed.json() == {"wid": wid, "nodes": list(NAMES[:2])}
            shown = (await client.get(f"/deployment/{wid}")).json()
            assert (shown["done"], shown["state"]) == (False, "running")
            assert (await house.nodes.get(NodeSet(NAMES)))[NAMES[0]].state is NodeState.DEPLOYING
            await house.engine.play(wid)
            assert (await client.get(f"/deployment/{wid}")).json()["nodes"] == {"ok": list(NAMES[:2]), "ko": []}
            assert refused(await client.post(f"/deployment/{wid}/resume")) == (400, "14")

    in_house(tmp_path, scenario)


def test_a_held_operation_is_cancelled_when_that_is_said(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            wid = await launched(client, breakpoint="SetDeploymentEnv")
            await house.engine.hold(wid)
            await client.request("DELETE", f"/deployment/{wid}", json={"cancel": True})
            assert house.engine.aborted == [wid]
            shown = (await client.get(f"/deployment/{wid}")).json()
            assert (shown["done"], shown["state"]) == (True, "aborted")
            state = (await client.get(f"/deployment/{wid}/state")).json()
            assert state[NAMES[0]]["error"] == "SetDeploymentEnvUntrusted-switch_pxe: aborted by alice"

    in_house(tmp_path, scenario)


def test_a_breakpoint_that_is_nowhere_is_refused_with_those_there_are(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            for place, known in (("Reboot", "BootNewEnvKexec"), ("BootNewEnvKexec:nothing", "BootNewEnvKexec:kexec")):
                answer = await client.post("/deployment/", json=launch_body(breakpoint=place))
                assert refused(answer) == (400, "4")
                assert f"nothing here is {place}" in answer.text
                assert known in answer.text
        assert await house.operations.list(OperationKind.DEPLOYMENT) == []

    in_house(tmp_path, scenario)


def test_one_node_is_cancelled(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client, house.client("bob") as bob:
            wid = await launched(client)
            path = f"/deployment/{wid}/nodes"
            assert (await bob.request("DELETE", f"{path}/node-1", json={})).status_code == 403
            assert refused(await client.request("DELETE", f"{path}/node-3", json={})) == (400, "2")
            gone = await client.request("DELETE", f"{path}/node-2", json={})
            assert gone.json() == {"wid": wid, "nodes": [NAMES[1]]}
            assert refused(await client.request("DELETE", path, json={"nodes": ["node-2"]})) == (400, "14")
            assert f"of {NAMES[1]} aborted by alice" in (await client.get(f"/deployment/{wid}/logs")).text
            assert (await house.nodes.get(NodeSet(NAMES)))[NAMES[1]].state is NodeState.ABORTED
            other = await launched(client, nodes=["node-2"])
            await house.engine.play(wid)
            shown = (await client.get(f"/deployment/{wid}")).json()
            assert shown["nodes"] == {"ok": [NAMES[0]], "ko": [NAMES[1]]}
            assert (await house.nodes.get(NodeSet(NAMES)))[NAMES[1]].state is NodeState.DEPLOYING
            assert await house.operations.running() == [other]

    in_house(tmp_path, scenario)


def test_force_takes_over_and_the_former_operation_tells_it(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            wid = await launched(client)
            second = await launched(client, nodes=["node-2"], force=True)
            log = (await client.get(f"/deployment/{wid}/logs")).text
            assert f"Deployment of {NAMES[1]} aborted by alice: taken over by {second}\n" in log
            state = (await client.get(f"/deployment/{wid}/state")).json()
            assert state[NAMES[1]]["state"] == "aborted"
            assert (await house.nodes.get(NodeSet(NAMES)))[NAMES[1]].state is NodeState.DEPLOYING
            both = await client.post("/deployment/", json=launch_body(force=True, wait_nodes=True))
            assert refused(both) == (400, "13")

    in_house(tmp_path, scenario)


def test_whoever_waits_is_started_when_the_nodes_are_free(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        serving = asyncio.create_task(house.use_cases.waiting_room.serve())
        async with house.client() as client:
            first = await launched(client)
            second = await launched(client, wait_nodes=True)
            third = await launched(client, nodes=["node-1"], wait_nodes=True)
            assert refused(await client.post("/deployment/", json=launch_body(nodes=["node-2"]))) == (400, "11")
            shown = (await client.get(f"/deployment/{second}")).json()
            assert (shown["done"], shown["state"]) == (False, "queued")
            log = (await client.get(f"/deployment/{second}/logs")).text
            assert f"waits for node-[1-2].site1.example.org, in use by {first}\n" in log
            await client.request("DELETE", f"/deployment/{third}", json={})  # ctrl-C while it waits
            assert (await house.nodes.get(NodeSet(NAMES)))[NAMES[0]].state is NodeState.DEPLOYING
            await house.engine.play(first)
            async for _, event in house.events.follow(second):
                if isinstance(event, OperationStarted):
                    break
            assert house.engine.started == [first, second]
            await house.engine.play(second)
            assert (await client.get(f"/deployment/{third}")).json()["state"] == "aborted"
        serving.cancel()

    in_house(tmp_path, scenario)


def test_the_journal_is_kept_when_the_operation_is_forgotten_until_its_time_is_over(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            wid = await launched(client)
            await house.engine.play(wid)
            await client.request("DELETE", f"/deployment/{wid}", json={})
            assert refused(await client.get(f"/deployment/{wid}")) == (400, "1")
            assert "operation_ended" in (await client.get(f"/deployment/{wid}/events")).text
            assert (await client.get(f"/deployment/{wid}/board")).json()["state"] == "done"
            assert await house.use_cases.retention.prune() == 0
            assert await house.operations.prune(house.clock.now() + 1) == [wid]
            assert refused(await client.get(f"/deployment/{wid}/events")) == (400, "1")

    in_house(tmp_path, scenario)
