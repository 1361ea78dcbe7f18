"""GET /stats, in the shapes that Kadeploy3's tool needs and in ours."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from kadeploy.domain.course import Visited
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, Outcome
from kadeploy.domain.state import OperationKind, Progress
from kadeploy.ports.record import Conclusion, Ends
from kadeploy.store.record import SqlRecord
from tests.integration.api.house import NAMES, House, in_house

WID = "D-00000000-0000-4000-8000-000000000001"
START = 1_700_000_000.0
BOOT = Visited(macro="SetDeploymentEnv", instance="Untrusted", micro="wait_reboot", seconds=95.0, limit=500.0)
SEND = Visited(macro="BroadcastEnv", instance="Kascade", micro="send_environment", seconds=40.0, limit=1000.0)
KEXEC = Visited(macro="BootNewEnv", instance="Kexec", micro="kexec", seconds=60.0, limit=300.0)
NO_ANSWER = "no answer\nwithin 500 s"


async def furnish(house: House) -> None:
    """A deployment that the second node failed in, and a reboot."""
    environment = {"name": "debian12", "version": 2, "user": "root", "recorded": True}
    failed = Visited(
        macro=BOOT.macro, instance="Untrusted", micro="wait_reboot", seconds=500.0, limit=500.0, has_failed=True
    )
    ways = {NAMES[0]: (BOOT, SEND, KEXEC), NAMES[1]: (failed, failed)}
    ko = Outcome(progress=Progress.KO, macro="SetDeploymentEnvUntrusted", micro="wait_reboot", reason=NO_ANSWER)
    await _ended(house, WID, OperationKind.DEPLOYMENT, "alice", ways, {NAMES[1]: ko}, environment)
    simple = Visited(macro="Reboot", instance="Simple", micro="wait_reboot", seconds=70.0, limit=400.0)
    await _ended(house, "R-1", OperationKind.REBOOT, "bob", {NAMES[2]: (simple,)}, {}, None)


async def _ended(
    house: House,
    wid: str,
    kind: OperationKind,
    user: str,
    ways: dict[str, tuple[Visited, ...]],
    ko: dict[str, Outcome],
    environment: dict[str, object] | None,
) -> None:
    nodes = NodeSet(ways)
    start = START + (3600 if kind is OperationKind.REBOOT else 0)
    await house.operations.create(
        Operation(id=wid, kind=kind, user=user, nodes=nodes, created=start, environment=environment)
    )
    outcomes = {node: ko.get(node, Outcome(progress=Progress.OK)) for node in ways}
    ends = Ends(at=start + 300, cluster="alpha", strength=len(ways), image_size=0, courses=ways)
    await SqlRecord(house.database).conclude(Conclusion(operation=wid, nodes=nodes, outcomes=outcomes, ends=ends))


def test_rows_come_as_kadeploy3_has_them(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        async with house.client() as client:
            answer = await client.get("/stats?kind=all", headers={"Accept": "application/json"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, 'text/csv; charset="UTF-8"')
        assert answer.text == (
            f"{WID},alice,{NAMES[0]},SetDeploymentEnvUntrusted,BroadcastEnvKascade,BootNewEnvKexec,500,1000,300,0,0,0,"
            "1700000000,95,40,60,debian12:2,,true,\n"
            f"{WID},alice,{NAMES[1]},SetDeploymentEnvUntrusted,,,500,0,0,1,0,0,1700000000,1000,0,0,debian12:2,,false,"
            "SetDeploymentEnvUntrusted-wait_reboot: no answer within 500 s\n"
            f"R-1,bob,{NAMES[2]},Simple,,,400,0,0,0,0,0,1700003600,70,0,0,,,true,\n"
        )

    in_house(tmp_path, story)


def test_no_rows_are_an_empty_csv(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.client() as client:
            for path in ("/stats?", "/stats/", "/stats/deploy?", "/stats/power/"):
                answer = await client.get(path)
                assert (answer.status_code, answer.text) == (200, ""), path
                assert answer.headers["content-type"].startswith("text/csv")
            assert (await client.get("/stats?format=json")).json() == []
            assert (await client.get("/stats?kind=failure_rates")).json() == {}
            assert (await client.get("/stats?kind=steps")).json() == []
            assert (await client.get("/stats?kind=health")).json() == []

    in_house(tmp_path, story)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("nodes=node-1&nodes=node-3", "1 3"),
        ("nodes=node-[1-2]", "1 2"),
        ("nodes=long-gone-7", ""),
        ("date_min=Tue%2C+14+Nov+2023+22%3A30%3A00+GMT", "3"),
        ("date_max=2023-11-14T22:30:00Z", "1 2"),
        ("date_min=1700000000&date_max=1700000001", "1 2"),
        (f"wid={WID}", "1 2"),
        ("min_retries=1", "2"),
        ("min_retries=1&step_retries=1", "2"),
        ("min_retries=1&step_retries=1&step_retries=2", ""),
        ("environment=debian12", "1 2"),
        ("environment=debian12@root:3", ""),
        ("user=bob", "3"),
        ("cluster=alpha&failed=true", "2"),
        ("step=wait_reboot", "2"),
        ("min_time=3m&max_time=200", "1"),
        ("sort=-hostname&limit=2", "3 2"),
        ("limit=0", ""),
    ],
)
def test_rows_are_filtered_and_sorted(tmp_path: Path, query: str, found: str) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        async with house.client() as client:
            answer = await client.get(f"/stats?fields=hostname&fields=success&{query}")
        assert answer.status_code == 200, answer.text
        assert " ".join(line[5] for line in answer.text.splitlines()) == found

    in_house(tmp_path, story)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/stats?kind=best", 400, "kind"),
        ("/stats?fields=hostname&fields=colour", 400, "there is no field colour"),
        ("/stats?sort=colour", 400, "sort: there is no field colour"),
        ("/stats?limit=-1", 400, "limit"),
        ("/stats?date_min=yesterday", 400, "date_min"),
        ("/stats?min_failure_rate=2", 400, "min_failure_rate"),
        ("/stats?min_retries=1&step_retries=4", 400, "step_retries"),
        ("/stats?step_retries=1", 400, "min_retries"),
        ("/stats?nodes=node-[1", 400, "node-["),
        ("/stats/dance", 404, "dance"),
    ],
)
def test_bad_questions_are_refused_in_a_sentence(tmp_path: Path, path: str, status: int, said: str) -> None:
    async def story(house: House) -> None:
        async with house.client() as client:
            answer = await client.get(path)
        assert answer.status_code == status
        assert said in answer.text

    in_house(tmp_path, story)


def test_failure_rates_in_both_shapes(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        async with house.client() as client:
            rates = (await client.get("/stats?kind=failure_rates")).json()
            assert rates == {NAMES[0]: 0.0, NAMES[1]: 1.0, NAMES[2]: 0.0}
            assert (await client.get("/stats?kind=failure_rates&min_failure_rate=0.25")).json() == {NAMES[1]: 1.0}
            by_step = (await client.get("/stats?kind=failure_rates&by=step&min_failure_rate=0.1&format=json")).json()
            assert by_step == [{"step": "SetDeploymentEnvUntrusted-wait_reboot", "rate": 0.5, "failures": 1, "runs": 2}]
            environments = (await client.get("/stats/deploy?kind=failure_rates&by=environment")).json()
            assert environments == {"debian12@root:2": 0.5}

    in_house(tmp_path, story)


def test_other_forms(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        async with house.client() as client:
            row = (await client.get("/stats/deploy?format=json&failed=true")).json()[0]
            assert (row["outcome"], row["failed_macro"], row["failed_micro"], row["retries"]) == (
                "ko",
                "SetDeploymentEnvUntrusted",
                "wait_reboot",
                1,
            )
            assert row["steps"][0]["tries"] == 2
            told = (await client.get("/stats?format=yaml&limit=1&fields=hostname&fields=success")).text
            assert told == f"- hostname: {NAMES[0]}\n  success: true\n"
            headed = await client.get("/stats?header=true&fields=hostname&limit=1")
            assert headed.text == f"hostname\n{NAMES[0]}\n"
            steps = (await client.get("/stats/reboot?kind=steps")).json()
            assert (steps[0]["micro"], steps[0]["nodes"], steps[0]["seconds"]["p50"]) == ("wait_reboot", 1, 70.0)

    in_house(tmp_path, story)


def test_large_answers_are_compressed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await furnish(house)
        async with house.client() as client:
            request = client.build_request("GET", "/stats", headers={"Accept-Encoding": "gzip;q=1.0,identity;q=0.3"})
            answer = await client.send(request, stream=True)
            raw = b"".join([part async for part in answer.aiter_raw()])
            await answer.aclose()
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(raw).count(b"\n") == 3

    in_house(tmp_path, story)


def test_a_dry_run_says_that_nothing_is_known_yet(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            body = {"environment": {"kind": "database", "name": "debian12"}, "nodes": ["node-1"], "dry_run": True}
            answer = (await client.post("/deployment/", json=body)).json()
        assert "Expected time: no statistics yet" in answer["text"]
        assert answer["plans"]["alpha"]["expected"] is None

    in_house(tmp_path, story)
