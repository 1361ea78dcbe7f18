"""Rights are administrators' affair; what is known of nodes is everybody's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.rights import Right
from kadeploy.domain.state import NodeState, Progress
from kadeploy.operations.tokens import TokenOrder
from kadeploy.ports.store import NodeRecord
from tests.integration.api.house import NAMES, House, Json, in_house, launch_body


def test_granting_listing_and_revoking(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client("admin") as admin:
            body = {"username": "dave", "partitions": ["/dev/sda2", "/dev/sda3"], "nodes": ["node-3", "node-4"]}
            granted = (await admin.post("/rights/", json=body)).json()
            both = ["/dev/sda2", "/dev/sda3"]
            assert granted == {"dave": {NAMES[2]: both, NAMES[3]: both}}
            await admin.post("/rights", json={"username": "carol", "nodes": ["*"], "overwrite": True})
            assert (await admin.get("/rights?")).json() == {"carol": {"*": ["*"]}}
            await admin.post("/rights", json={"username": "carol", "nodes": "node-1"})
            assert (await admin.get("/rights/carol?")).json() == {"carol": {"*": ["*"], NAMES[0]: ["*"]}}
            assert (await admin.get("/rights/carol/node-1")).json() == {"carol": {NAMES[0]: ["*"]}}
            assert (await admin.get("/rights/nobody")).status_code == 404
            taken = await admin.request("DELETE", "/rights/carol", json={})
            assert taken.json() == {"carol": {"*": ["*"], NAMES[0]: ["*"]}}
            again = await admin.request("DELETE", "/rights/carol", json={})
            assert again.headers["x-application-error-code"] == "14"
            assert (await admin.get("/rights")).json() == {}

    in_house(tmp_path, scenario)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"username": "dave", "nodes": ["node-9"]}, "2"),
        ({"username": "dave", "nodes": ["node-1"], "partitions": ["sda3"]}, "4"),
        ({"username": "a b"}, "4"),
        ({"username": "dave", "nodes": ["node-1"]}, "11"),
        ({"username": "bob", "nodes": ["node-1"]}, "14"),
    ],
)
def test_grants_that_are_refused(tmp_path: Path, body: Json, code: str) -> None:
    async def scenario(house: House) -> None:
        await house.grant("bob", NAMES[0])
        async with house.client("admin") as admin:
            answer = await admin.post("/rights/", json=body)
            assert (answer.status_code, answer.headers.get("x-application-error-code")) == (400, code), answer.text
            assert (await admin.get("/rights")).json() == {"bob": {NAMES[0]: ["*"]}}

    in_house(tmp_path, scenario)


def test_only_administrators(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client() as client:
            for method, path in (("GET", "/rights"), ("POST", "/rights"), ("DELETE", "/rights/bob")):
                assert (await client.request(method, path)).status_code == 403
            assert (await client.put("/rights", json={})).status_code == 405

    in_house(tmp_path, scenario)


def test_who_loses_a_right_loses_what_runs_on_it(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant("alice", *NAMES)
        await house.record()
        async with house.client() as client, house.client("admin") as admin:
            lost = (await client.post("/deployment", json=launch_body())).json()["wid"]
            kept = (await client.post("/reboot", json={"nodes": ["node-4"]})).json()["wid"]
            await admin.request("DELETE", "/rights/alice/node-2")
            cut = await house.operations.get(lost)
            assert cut.having(Progress.ABORTED) == NodeSet([NAMES[1]])
            assert cut.outcomes[NAMES[1]].reason == f"aborted by admin: alice has no right on {NAMES[1]} any more"
            assert set(await house.operations.running()) == {lost, kept}
            await admin.request("DELETE", "/rights/alice/node-1")
            assert house.engine.aborted == [lost]
            assert await house.operations.running() == [kept]

    in_house(tmp_path, scenario)


def test_a_group_that_a_token_names_has_rights_until_they_are_revoked(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        member, text = await house.use_cases.tokens.make(TokenOrder(user="carol"), groups=("ml",))
        _, other = await house.use_cases.tokens.make(TokenOrder(user="dora"), groups=("bio",))
        async with house.client("admin") as admin:
            granted = await admin.post("/rights", json={"group": "ml", "nodes": ["node-[1-2]"], "for": "4h"})
            assert granted.json() == {"@ml": {NAMES[0]: ["*"], NAMES[1]: ["*"]}}
            async with house.client("", Authorization=f"Bearer {other}") as dora:
                refused = await dora.post("/reboot", json={"nodes": ["node-1"]})
                assert refused.headers["x-application-error-code"] == "6"
            async with house.client("", Authorization=f"Bearer {text}") as carol:
                wid = (await carol.post("/reboot", json={"nodes": ["node-1"]})).json()["wid"]
            assert (await house.operations.get(wid)).groups == member.groups == ("ml",)
            await admin.request("DELETE", "/rights/%40ml/node-2")
            assert house.engine.aborted == []
            await admin.request("DELETE", "/rights/%40ml")
            assert house.engine.aborted == [wid]

    in_house(tmp_path, scenario)


def test_times_of_rights(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client("admin") as admin:
            begin, end = "2037-01-31T08:00:00+01:00", "2037-01-31T17:00:00+00:00"
            asked = {"username": "alice", "nodes": ["node-1"], "from": begin, "until": end}
            assert (await admin.post("/rights", json=asked)).status_code == 200
            assert (await admin.get("/rights")).json() == {}, "Kadeploy3's tool is shown what counts now"
            (told,) = (await admin.get("/rights/alice", params={"detailed": "true"})).json()
            assert told == {
                "user": "alice",
                "group": None,
                "node": NAMES[0],
                "partition": "*",
                "from": "2037-01-31T07:00:00+00:00",
                "until": end,
            }
            for wrong in ({"until": "soon"}, {"until": 5}, {"for": "-4h"}, {"until": end, "for": "4h"}, {"for": 0}):
                answer = await admin.post("/rights", json={"username": "alice", "nodes": ["node-2"], **wrong})
                assert answer.status_code == 400, (wrong, answer.text)
            both = await admin.post("/rights", json={"username": "alice", "group": "ml"})
            assert both.headers["x-application-error-code"] == "13"

    in_house(tmp_path, scenario)


def test_administrators_have_no_rights_on_nodes_for_that(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client("root") as root:
            answer = await root.post("/reboot", json={"nodes": ["node-1"]})
            assert answer.headers["x-application-error-code"] == "6"

    in_house(tmp_path, scenario)


def test_nodes(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        environment = {"name": "debian12", "version": 2, "user": "alice", "recorded": True}
        deployed = NodeRecord(state=NodeState.DEPLOYED, user="alice", at=1.0, environment=environment)
        await house.nodes.set(NodeSet([NAMES[0]]), deployed)
        await house.nodes.set(NodeSet([NAMES[1]]), NodeRecord(state=NodeState.POWERED, user="bob", at=1.0))
        first = {
            "state": "deployed",
            "user": "alice",
            "environment": {"name": "debian12", "version": 2, "user": "alice"},
        }
        second = {"state": "powered", "user": "bob", "environment": {"name": None, "version": None, "user": None}}
        async with house.client("nobody") as client:
            every = await client.get("/nodes?")
            assert every.json() == {NAMES[0]: first, NAMES[1]: second, NAMES[2]: None, NAMES[3]: None}
            assert list(every.json()) == list(NAMES)
            as_yaml = await client.get("/nodes?", headers={"Accept": "application/x-yaml"})
            assert as_yaml.headers["content-type"] == 'application/x-yaml; charset="UTF-8"'
            assert yaml.safe_load(as_yaml.text) == every.json()
            assert (await client.get("/nodes?nodes=node-1&nodes=nothere")).json() == {NAMES[0]: first}
            assert (await client.get("/nodes?nodes=node-[1-2]")).json() == {NAMES[0]: first, NAMES[1]: second}
            assert (await client.get("/nodes/node-1")).json() == {NAMES[0]: first}
            assert (await client.get("/nodes?user=alice&list=true")).json() == list(NAMES)
            for path in ("/nodes?nodes=nothere", "/nodes/nothere", "/nodes?nodes=nothere&list=true"):
                assert (await client.get(path)).status_code == 404

    in_house(tmp_path, scenario)


def test_dummy_rights_let_everybody_do_everything(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        house.use_cases.reboot._permission._enforced = False
        async with house.client("anybody") as client:
            assert (await client.post("/reboot", json={"nodes": ["node-1"]})).status_code == 200
        assert await house.rights.of() == []
        assert Right(user="anybody") not in await house.rights.of()

    in_house(tmp_path, scenario)
