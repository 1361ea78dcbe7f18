"""Ways to deploy and to reboot, as a request asks for them: what becomes of it in the plan."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import NodeState
from kadeploy.plans.codec import decode
from kadeploy.ports.store import NodeRecord
from kadeploy.steps.run_archives import RunArchives
from tests.integration.api.house import NAMES, House, Json, in_house, launch_body


def archive(house: House, name: str) -> str:
    """A real one, in the server's files; its URL."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        packed.addfile(tarfile.TarInfo("run.sh"))
    (house.images / name).write_bytes(content.getvalue())
    return f"server://{house.images / name}"


async def planned(house: House, path: str, **body: object) -> Json:
    """What a dry run tells of the cluster's plan."""
    async with house.client() as client:
        answer = await client.post(path, json={**body, "dry_run": True})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["plans"]["alpha"])


def instances(plan: Json, macro: str) -> list[tuple[str, int, float | None]]:
    (found,) = (stage for stage in plan["macro_steps"] if stage["name"] == macro)
    return [(one["name"], one["retries"], one["timeout"]) for one in found["instances"]]


def steps(plan: Json) -> list[str]:
    return [step["name"] for stage in plan["macro_steps"] for one in stage["instances"] for step in one["micro_steps"]]


def test_the_archives_of_an_environment_are_kept_for_the_nodes(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        script = {"archive": archive(house, "post.tgz"), "compression": "gzip", "script": "run.sh"}
        await house.record(postinstalls=[script])
        async with house.client() as client:
            answer = await client.post("/deployment", json=launch_body())
        assert answer.status_code == 200, answer.text
        plan = decode((await house.fetched(answer.json()["wid"]))["alpha"])
        (step,) = (micro.step for micro in plan.stages[1].attempts[0].steps if isinstance(micro.step, RunArchives))
        kept = house.files.in_use(step.archives[0].file.sha256)
        (house.images / "post.tgz").write_bytes(b"another")
        assert kept is not None
        with tarfile.open(kept) as packed:
            assert packed.getnames() == ["run.sh"]

    in_house(tmp_path, scenario)


def test_an_archive_that_is_missing_is_told_before_anything_starts(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        script = {"archive": archive(house, "pre.tgz"), "compression": "gzip", "script": "run.sh"}
        await house.record(preinstall=script)
        (house.images / "pre.tgz").unlink()
        async with house.client() as client:
            answer = await client.post("/deployment", json=launch_body())
        assert answer.headers["X-Application-Error-Code"] == "5"
        assert "pre.tgz" in answer.text
        assert house.engine.started == []

    in_house(tmp_path, scenario)


def test_an_automaton_takes_the_place_of_the_clusters(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        automata = {
            "BroadcastEnv": [{"name": "Kascade", "retries": 3, "timeout": 400}],
            "BootNewEnv": [{"name": "BootNewEnvClassical", "retries": 1, "timeout": "300 + 50*n"}],
        }
        plan = await planned(house, "/deployment", **launch_body(automata=automata))
        assert instances(plan, "SetDeploymentEnv") == [("Untrusted", 1, None)]
        assert instances(plan, "BroadcastEnv") == [("Chain", 3, 400.0)]
        assert instances(plan, "BootNewEnv") == [("Classical", 1, 400.0)]
        assert "BroadcastEnv: Kascade is our chain" in plan["adapted"]

    in_house(tmp_path, scenario)


def test_a_whole_disk(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        image = {"file": f"server://{house.image('disk.gz')}", "kind": "dd", "compression": "gzip"}
        await house.record(image=image, os="other", boot={}, filesystem="")
        body = launch_body(block_device="/dev/sda", deploy_partition="", boot_partition=0)
        await house.grant("alice", partition="/dev/sda3")
        async with house.client() as client:
            refused = await client.post("/deployment", json={**body, "dry_run": True})
        assert refused.headers["X-Application-Error-Code"] == "6", "a partition's right is not the disk's"
        await house.grant("alice", partition="/dev/sda")
        plan = await planned(house, "/deployment", **body)
        assert steps(plan)[:1] == ["fetch_files"]
        assert steps(plan)[4:7] == ["send_environment", "sync", "switch_pxe"]
        named = await planned(house, "/deployment", **{**body, "boot_partition": 2})
        assert steps(named)[4:7] == ["send_environment", "check_boot_partition", "sync"]

    in_house(tmp_path, scenario)


def test_another_partition_is_booted_by_who_may_have_it(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant("alice", partition="/dev/sda3")
        await house.record()
        body = launch_body(boot_partition=2)
        async with house.client() as client:
            refused = await client.post("/deployment", json={**body, "dry_run": True})
            own = await client.post("/deployment", json={**body, "boot_partition": 3, "dry_run": True})
        assert (refused.headers["X-Application-Error-Code"], own.status_code) == ("6", 200)
        await house.grant("alice", partition="/dev/sda2")
        assert "check_boot_partition" in steps(await planned(house, "/deployment", **body))

    in_house(tmp_path, scenario)


def test_back_into_what_was_installed_before(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record(destructive=True)
        body: Json = {
            "nodes": ["node-1"],
            "kind": "recorded_env",
            "environment": {"name": "debian12"},
            "deploy_partition": "3",
            "check_destructive": True,
        }
        plan = await planned(house, "/reboot", **body)
        assert instances(plan, "Reboot") == [("RecordedEnv", 0, None)]
        last = {"name": "debian12", "user": "alice", "version": 1}
        record = NodeRecord(state=NodeState.DEPLOYED, user="alice", at=1.0, environment=last)
        await house.nodes.set(NodeSet(NAMES[:1]), record)
        async with house.client() as client:
            refused = await client.post("/reboot", json=body)
        assert refused.headers["X-Application-Error-Code"] == "30"
        assert NAMES[0] in refused.text

    in_house(tmp_path, scenario)


def test_into_a_profile_of_the_users(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        pxe = {"profile": "#!ipxe\nchain NODE_SINGULARITY\n", "singularities": {NAMES[0]: "http://x/one"}}
        async with house.client() as client:
            answer = await client.post("/reboot", json={"nodes": ["node-1"], "kind": "set_pxe", "pxe": pxe})
        assert answer.status_code == 200, answer.text
        stored = str((await house.operations.get(answer.json()["wid"])).plans)
        assert "chain NODE_SINGULARITY" in stored

    in_house(tmp_path, scenario)
