"""Custom operations, variables and the command at the end, from the request to the plan."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kadeploy.domain.custom import Action, CustomOperation, Insertion, Position
from kadeploy.domain.event import Event, HookEnded
from kadeploy.domain.state import OperationKind
from tests.integration.api.house import NAMES, House, in_house, launch_body

Json = dict[str, Any]


def steps_of(plan: Mapping[str, Any], macro: int) -> list[Json]:
    steps: list[Json] = plan["stages"][macro]["attempts"][0]["steps"]
    return steps


def test_operations_of_a_request_are_in_the_plan_with_their_files(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        script = house.images / "do.sh"
        await asyncio.to_thread(script.write_bytes, b"#!/bin/sh\n")
        sha256 = hashlib.sha256(b"#!/bin/sh\n").hexdigest()
        customs = {
            "BroadcastEnvChain": {
                "sync": {
                    "pre-ops": [{"name": "x", "action": "exec", "command": "echo $MINE", "retries": 1, "timeout": 5}],
                    "post-ops": [{"name": "r", "action": "run", "file": f"server://{script}", "params": "-v"}],
                }
            }
        }
        async with house.client() as client:
            body = launch_body(custom_operations=customs, custom_variables={"MINE": "yes"})
            answer = await client.post("/deployment/", json=body)
            assert answer.status_code == 200, answer.text
            wid = answer.json()["wid"]
        plan = (await house.fetched(wid))["alpha"]
        before, sync, after = steps_of(plan, 1)[-3:]
        assert (before["step"], before["retries"], before["timeout"]) == ("custom_exec:x", 1, "5")
        assert before["options"]["variables"]["shared"]["MINE"] == "yes"
        assert sync["step"] == "sync"
        assert after["options"]["file"] == {"name": "do.sh", "sha256": sha256, "content": ""}
        assert house.files.in_use(sha256) is not None
        await house.engine.play(wid)
        assert house.files.in_use(sha256) is None

    in_house(tmp_path, scenario)


def test_those_of_the_configuration_are_fetched_from_anywhere_on_the_server(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        script = tmp_path / "admin.sh"
        await asyncio.to_thread(script.write_bytes, b"admin")
        run = CustomOperation(name="site", action=Action.RUN, file=f"server://{script}")
        insertion = Insertion(macro="BroadcastEnvChain", micro="sync", position=Position.BEFORE, operations=(run,))
        house.site.clusters["alpha"] = replace(house.site.clusters["alpha"], operations=(insertion,))  # type: ignore[index]
        async with house.client() as client:
            answer = await client.post("/deployment/", json=launch_body())
            assert answer.status_code == 200, answer.text
            own = {
                "BroadcastEnv": {"sync": {"pre-ops": [{"name": "u", "action": "run", "file": f"server://{script}"}]}}
            }
            refused = await client.post("/deployment/", json=launch_body(custom_operations=own, force=True))
            assert refused.headers["x-application-error-code"] == "5"
            assert "not under a directory that this server may read" in refused.text
        plan = (await house.fetched(answer.json()["wid"]))["alpha"]
        assert steps_of(plan, 1)[-2]["options"]["file"]["sha256"] == hashlib.sha256(b"admin").hexdigest()

    in_house(tmp_path, scenario)


def test_everything_wrong_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        faulty = {"SetDeployEnv": {}, "BootNewEnv": {"kexecs": {"pre-ops": [{"action": "exec"}]}}}
        async with house.client() as client:
            answer = await client.post(
                "/deployment/",
                json=launch_body(custom_operations=faulty, custom_variables={"KADEPLOY_X": "1"}, nodes=["nowhere"]),
            )
            assert answer.status_code == 400
            for words in (
                "nowhere",
                "SetDeployEnv: there is no such macro-step",
                "BootNewEnv.kexecs: there is no such micro-step",
                "BootNewEnv.kexecs.pre-ops[0].name: is required",
                "custom_variables.KADEPLOY_X: names that begin with KADEPLOY_",
            ):
                assert words in answer.text
            late = {"BootNewEnvKexec": {"kexec": {"post-ops": [{"name": "x", "action": "exec", "command": "ls"}]}}}
            answer = await client.post("/deployment/", json=launch_body(custom_operations=late))
            assert answer.headers["x-application-error-code"] == "8"
            assert "BootNewEnvKexec.kexec.post-ops: no minimal environment runs on the nodes then" in answer.text
            local = {"BootNewEnv": {"kexec": {"pre-ops": [{"name": "x", "action": "run", "file": "/home/me/x"}]}}}
            answer = await client.post("/deployment/", json=launch_body(custom_operations=local))
            assert answer.headers["x-application-error-code"] == "3"
            assert "BootNewEnv.kexec.pre-ops[0].file: /home/me/x" in answer.text
            power = await client.request(
                "PUT", "/power/", json={"nodes": list(NAMES), "status": "on", "custom_operations": late}
            )
            assert power.headers["x-application-error-code"] == "8"
        assert not house.engine.started

    in_house(tmp_path, scenario)


def test_a_reboot_into_the_minimal_environment_has_its_own(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        customs = {"Reboot": {"wait_reboot": {"post-ops": [{"name": "x", "action": "run", "content": "#!/bin/sh"}]}}}
        async with house.client() as client:
            body = {"nodes": list(NAMES), "custom_operations": customs, "custom_variables": {"A": "1"}}
            refused = await client.post("/reboot/", json=body)
            assert refused.headers["x-application-error-code"] == "8"
            answer = await client.post("/reboot/", json={**body, "kind": "deploy_env"})
            assert answer.status_code == 200, answer.text
        plan = (await house.operations.get(answer.json()["wid"])).plans["alpha"]
        assert isinstance(plan, dict)
        assert steps_of(plan, 0)[-1]["step"] == "custom_run:x"

    in_house(tmp_path, scenario)


def test_the_site_s_command_runs_for_who_asks_for_it(tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = (
        "import os, sys; open(sys.argv[1], 'a').write(' '.join((os.environ['KADEPLOY_USER'], *sys.argv[2:])) + '\\n')"
    )

    async def scenario(house: House) -> None:
        await house.grant()
        argv = (sys.executable, "-c", program, str(told), "WORKFLOW_ID")
        house.commands[OperationKind.REBOOT] = argv
        ran = asyncio.Event()

        async def listen(events: Sequence[Event]) -> None:
            if any(isinstance(event, HookEnded) for event in events):
                ran.set()

        house.events.listen(listen)
        serving = asyncio.create_task(house.use_cases.hooks.serve())
        async with house.client() as client:
            silent = (await client.post("/reboot/", json={"nodes": [NAMES[0]]})).json()["wid"]
            asked = (await client.post("/reboot/", json={"nodes": [NAMES[1]], "hook": True})).json()["wid"]
        await house.engine.play(silent)
        await house.engine.play(asked)
        async with asyncio.timeout(10):
            await ran.wait()
        serving.cancel()
        await asyncio.wait([serving])
        assert await asyncio.to_thread(told.read_text) == f"alice {asked}\n"
        assert not any(isinstance(event, HookEnded) for _, event in await house.journal.read(silent))

    in_house(tmp_path, scenario)
