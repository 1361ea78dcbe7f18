"""Operations from launch to being forgotten, as Kadeploy3's tools ask about them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import NodeState, OperationKind
from kadeploy.errors import InvalidFile
from tests.integration.api.house import KEY, NAMES, House, Json, in_house, launch_body


async def launched(client: httpx2.AsyncClient, **changes: object) -> tuple[str, Json]:
    answer = await client.post("/deployment/", json=launch_body(**changes))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    return said["wid"], said["resources"]


def test_a_deployment_from_launch_to_delete(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            wid, resources = await launched(client, ssh_authorized_keys_content=KEY)
            assert resources["resource"] == f"/deployment/{wid}/"
            assert resources["logs"] == {"alpha": f"/deployment/{wid}/logs/alpha?user=alice"}
            assert "debug" not in resources

            shown = (await client.get(resources["resource"])).json()
            assert shown["environment"] == {"id": 0, "user": "alice", "name": "debian12", "version": 1}
            assert (shown["done"], shown["error"], shown["logs"]) == (False, False, True)
            assert shown["nodes"] == {"ok": [], "ko": [], "processing": list(NAMES[:2])}
            (listed,) = (await client.get("/deployment")).json()
            assert listed == {**shown, "time": listed["time"]}
            lines = (await client.get(resources["log"])).text
            assert "|Deployment of node-[1-2].site1.example.org begins\n" in lines
            assert (await client.get(resources["resource"])).json()["logs"] is False
            assert (await client.get("/deployment")).json()[0]["logs"] is False
            assert (await client.get(resources["log"])).text == "\n"
            assert "begins\n" in (await client.get(resources["logs"]["alpha"])).text
            for nowhere in ("logs/beta", "debugs/node-9"):
                refused = await client.get(f"/deployment/{wid}/{nowhere}")
                assert (refused.status_code, nowhere.split("/")[1] in refused.text) == (404, True)
            status = (await client.get(resources["status"])).json()
            assert status["alpha"]["SetDeploymentEnvUntrusted"]["fetch_files"]["nodes"]["**"] == list(NAMES[:2])
            state = (await client.get(resources["state"])).json()
            assert (state[NAMES[0]]["macro"], state[NAMES[0]]["state"]) == ("SetDeploymentEnvUntrusted", "processing")
            assert (await house.nodes.get(NodeSet(NAMES)))[NAMES[0]].state is NodeState.DEPLOYING

            await house.engine.play(wid, ko={NAMES[1]: "no answer"})
            shown = (await client.get(resources["resource"])).json()
            assert (shown["done"], shown["error"], shown["logs"]) == (True, False, True)
            assert shown["nodes"] == {"ok": [NAMES[0]], "ko": [NAMES[1]]}
            assert "|Deployment over on cluster alpha" in (await client.get(resources["log"])).text
            state = (await client.get(resources["state"])).json()
            assert state[NAMES[0]] == {"macro": None, "micro": None, "state": "ok", "error": None, "out": None}
            assert state[NAMES[1]]["error"] == "SetDeploymentEnvUntrusted-fetch_files: no answer"
            assert (await client.get(resources["error"])).text == "\n"
            assert (await client.get("/deployment?")).json()[0]["nodes"] == {"ok": [NAMES[0]], "ko": [NAMES[1]]}
            nodes = await house.nodes.get(NodeSet(NAMES))
            assert {name: record.state for name, record in nodes.items()} == {
                NAMES[0]: NodeState.DEPLOYED,
                NAMES[1]: NodeState.DEPLOY_FAILED,
            }

            for _ in range(2):  # a DELETE may be sent twice
                deleted = await client.request("DELETE", resources["resource"], json={})
                assert (deleted.status_code, deleted.json()) == (200, {"wid": wid})
            assert (await client.get("/deployment?")).json() == []
            gone = await client.get(resources["resource"])
            assert (gone.status_code, gone.headers["x-application-error-code"]) == (400, "1")

    in_house(tmp_path, scenario)


def test_the_key_and_the_partition_reach_the_plan(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            wid, _ = await launched(
                client, ssh_authorized_keys_content=KEY, deploy_partition="4", timeout_reboot_classical="100+n*2"
            )
        plans = str((await house.operations.get(wid)).plans)
        assert KEY.strip() in plans
        assert "100+n*2" in plans
        assert "'number': 4" in plans

    in_house(tmp_path, scenario)


def test_keys_from_a_file_of_the_server(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        path = house.images / "keys"
        path.write_text(KEY)
        async with house.client() as client:
            wid, _ = await launched(client, ssh_authorized_keys=f"server://{path}")
        assert KEY.strip() in str(await house.fetched(wid))
        await asyncio.to_thread(path.write_text, "no key")
        with pytest.raises(InvalidFile, match="line 1 of the SSH keys is not a public key"):
            await house.fetched(wid)

    in_house(tmp_path, scenario)


def test_a_dry_run_tells_the_plan_and_does_nothing(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            answer = await client.post("/deployment/", json=launch_body(dry_run=True))
        assert answer.status_code == 200
        said = answer.json()
        assert said["text"].startswith("alpha (2 nodes):\nSetDeploymentEnv: Untrusted (1 retry)")
        assert "BroadcastEnv: no send_key: no key was given" in said["text"]
        plan = said["plans"]["alpha"]
        assert (plan["nodes"], plan["macro_steps"][0]["name"]) == (2, "SetDeploymentEnv")
        assert "BroadcastEnv: no send_key: no key was given" in plan["adapted"]
        assert said["nodes"] == list(NAMES[:2])
        assert house.engine.started == []
        assert await house.nodes.get(NodeSet(NAMES)) == {}
        assert await house.operations.list(OperationKind.DEPLOYMENT) == []

    in_house(tmp_path, scenario)


def test_an_abort(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client, house.client("bob") as bob:
            wid, resources = await launched(client)
            assert (await bob.request("DELETE", resources["resource"], json={})).status_code == 403
            assert house.engine.aborted == []
            assert (await client.request("DELETE", resources["resource"], json={})).json() == {"wid": wid}
            assert house.engine.aborted == [wid]
            shown = (await client.get(resources["resource"])).json()
            assert (shown["done"], shown["error"]) == (True, False)
            assert shown["nodes"] == {"ok": [], "ko": list(NAMES[:2])}
            state = (await client.get(resources["state"])).json()
            assert state[NAMES[0]]["state"] == "aborted"
        nodes = await house.nodes.get(NodeSet(NAMES))
        assert {record.state for record in nodes.values()} == {NodeState.ABORTED}

    in_house(tmp_path, scenario)


def test_what_others_see(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client, house.client("bob") as bob, house.client("root") as root:
            wid, resources = await launched(client)
            shown = (await bob.get(resources["resource"])).json()
            assert set(shown) == {"wid", "user", "done", "error", "start_time", "nodes"}
            assert shown["nodes"] == list(NAMES[:2])
            assert (await bob.get("/deployment")).json() == [shown]
            for name in ("log", "state", "status", "error", "events", "board"):
                answer = await bob.get(resources[name])
                assert answer.status_code == 403, name
                assert "alice" in answer.text
            assert "processing" in (await root.get(resources["resource"])).json()["nodes"]
            assert (await root.get(resources["log"])).status_code == 200
            await house.engine.play(wid)
            assert (await bob.get(resources["resource"])).json()["done"] is True

    in_house(tmp_path, scenario)


def test_an_operation_of_another_kind_is_unknown(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        async with house.client() as client:
            wid = (await client.post("/reboot/", json={"nodes": ["node-1"], "level": "hard"})).json()["wid"]
            assert (await client.get(f"/reboot/{wid}")).status_code == 200
            for path in (f"/deployment/{wid}", "/deployment/D-nothere", "/power/../../etc"):
                answer = await client.get(path)
                assert answer.status_code in (400, 404), path

    in_house(tmp_path, scenario)


def test_verbosity_debug_and_logs_of_one_cluster(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            wid, resources = await launched(client, debug=True, verbose_level=0)
            assert resources["debug"] == f"/deployment/{wid}/debugs"
            assert set(resources["debugs"]) == set(NAMES[:2])
            assert (await client.get(resources["debug"])).text == "\n"
            assert (await client.get(resources["log"])).text.count("|") == 1
            assert (await client.get(resources["logs"]["alpha"])).text.count("|") == 1
            assert (await client.get(resources["logs"]["alpha"])).text == "\n"

    in_house(tmp_path, scenario)


def test_the_board(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            wid, resources = await launched(client)
            board = (await client.get(resources["board"])).json()
            assert board["state"] == "running"
            assert board["nodes"][NAMES[0]]["micro"] == "fetch_files"
            assert board["nodes"][NAMES[0]]["state"] == "processing"
            assert [step["micro"] for step in board["steps"]] == ["fetch_files"]
            await house.engine.play(wid, ko={NAMES[0]: "dead"})
            board = (await client.get(resources["board"])).json()
            assert (board["state"], board["nodes"][NAMES[0]]["state"]) == ("done", "ko")
            assert board["timings"][0]["micro"] == "fetch_files"
            assert board["number"] == 6

    in_house(tmp_path, scenario)


def test_power(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        async with house.client() as client:
            assert (await client.get("/power?")).json() == []
            asked = await client.get("/power?nodes=node-1&nodes=node-2&verbose_level=2")
            wid = asked.json()["wid"]
            assert wid.startswith("P-")
            await house.engine.play(wid, ko={NAMES[1]: "wrong password"}, outputs={NAMES[0]: "on"})
            assert (await house.nodes.get(NodeSet(NAMES))) == {}
            log = (await client.get(f"/power/{wid}/logs")).text
            assert f"|{NAMES[0]}: on\n" in log
            state = (await client.get(f"/power/{wid}/state")).json()
            assert state[NAMES[0]]["out"] == "on"
            assert state[NAMES[1]]["error"] == "PowerStatus-power: wrong password"
            (listed,) = (await client.get("/power")).json()
            assert listed["wid"] == wid

            off = await client.put("/power/", json={"status": "off", "nodes": ["node-1"], "level": "very_hard"})
            assert "very_hard" in str((await house.operations.get(off.json()["wid"])).plans)
            assert (await house.nodes.get(NodeSet(NAMES)))[NAMES[0]].state is NodeState.POWERING

    in_house(tmp_path, scenario)


def test_what_is_known_survives_a_restart_of_the_server(tmp_path: Path) -> None:
    wids: list[str] = []

    async def before(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            wids.append((await launched(client))[0])
            await client.get(f"/deployment/{wids[0]}/logs")

    async def after(house: House) -> None:
        async with house.client() as client:
            shown = (await client.get(f"/deployment/{wids[0]}")).json()
            assert shown["nodes"]["processing"] == list(NAMES[:2])
            assert "begins" in (await client.get(f"/deployment/{wids[0]}/logs")).text
            await house.engine.play(wids[0])
            assert (await client.get(f"/deployment/{wids[0]}")).json()["done"] is True
            assert (await house.nodes.get(NodeSet(NAMES)))[NAMES[0]].state is NodeState.DEPLOYED
            assert (await client.get("/environments")).json()[0]["name"] == "debian12"

    in_house(tmp_path, before)
    in_house(tmp_path, after)
