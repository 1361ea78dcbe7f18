"""Tokens over the API, and the audit log of what is done with them."""

from __future__ import annotations

import json
from pathlib import Path

from kadeploy.store.audit_file import FiledAudit
from tests.integration.api.house import House, in_house


def test_a_user_makes_uses_lists_and_revokes_a_token(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.client("alice") as alice:
            made = (await alice.post("/tokens", json={"name": "ci", "scope": "read", "lifetime": 3600})).json()
            assert set(made) == {"id", "user", "name", "scope", "created", "expires", "used", "token"}
            assert (made["user"], made["expires"] - made["created"]) == ("alice", 3600)
        async with house.client("", address="192.0.2.1", Authorization=f"Bearer {made['token']}") as program:
            told = (await program.get("/whoami")).json()
            assert (told["user"], told["scope"], told["scheme"], told["token"]) == (
                "alice",
                "read",
                "token",
                made["id"],
            )
            assert (await program.get("/nodes")).status_code == 200
            refused = await program.put("/power", json={"status": "on", "nodes": ["node-1"]})
            assert (refused.status_code, refused.text) == (
                403,
                "Forbidden -- your token is for scope read only, and this is to operate\n",
            )
            assert (await program.post("/tokens", json={})).status_code == 403
        async with house.client("alice") as alice:
            listed = (await alice.get("/tokens")).json()
            assert [(one["id"], "token" in one, one["used"] is not None) for one in listed] == [
                (made["id"], False, True)
            ]
            assert (await alice.request("DELETE", f"/tokens/{made['id']}", json={})).status_code == 200
        async with house.client("", address="192.0.2.1", Authorization=f"Bearer {made['token']}") as program:
            answer = await program.get("/whoami")
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == 'Bearer realm="Kadeploy"'

    in_house(tmp_path, story)


def test_a_token_wins_over_the_header_of_a_trusted_host(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.client("alice") as alice:
            made = (await alice.post("/tokens", json={})).json()
        async with house.client("root", Authorization=f"Bearer {made['token']}") as client:
            told = (await client.get("/whoami")).json()
            assert (told["user"], told["role"]) == ("alice", "user")

    in_house(tmp_path, story)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.client("alice") as alice:
            for body in ({"scope": "admin"}, {"lifetime": -1}, {"lifetime": "long"}, {"lifetime": 1e12}):
                answer = await alice.post("/tokens", json=body)
                assert answer.status_code == 400, answer.text
                assert answer.headers["x-application-error-code"] == "4"
            endless = await alice.post("/tokens?lifetime=1e999")
            assert endless.text.endswith("lifetime: must be a finite number, not '1e999'\n")
            for path in ("/tokens?all=true", "/tokens?user=bob"):
                assert (await alice.get(path)).status_code == 403
            assert (await alice.request("DELETE", "/tokens/000000000000", json={})).status_code == 404

    in_house(tmp_path, story)


def test_who_did_what_to_which_nodes_and_with_what_result(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.grant("alice")
        async with house.client("alice", address="127.0.0.1") as alice:
            power = (await alice.put("/power/", json={"status": "on", "nodes": ["node-[1-2]"]})).json()
            await alice.get("/nodes")
            await alice.get("/power?nodes=node-1&dry_run=true")
            await alice.put("/power", json={"status": "on", "nodes": ["node-77"]})
            await alice.post("/rights", json={"username": "alice"})
        async with house.client("", address="192.0.2.9", Authorization="Bearer kdp_guess") as stranger:
            await stranger.post("/rights", json={"username": "eve"})
        async with house.client("root") as root:
            entries = (await root.get("/audit")).json()
            told = [
                (one["user"], one["action"], one["address"], one["scheme"], one["nodes"], one["result"].split(":")[0])
                for one in entries
            ]
            assert told == [
                (
                    "alice",
                    "PUT /power",
                    "127.0.0.1",
                    "acl",
                    "node-[1-2].site1.example.org",
                    "ok",
                ),
                ("alice", "GET /power", "127.0.0.1", "acl", "node-1.site1.example.org", "dry run"),
                ("alice", "PUT /power", "127.0.0.1", "acl", "node-77", "there is no node node-77 here"),
                ("alice", "POST /rights", "127.0.0.1", "acl", "", "your role is user, which may not administer"),
                ("", "POST /rights", "192.0.2.9", "", "", "this token is not valid"),
            ]
            assert entries[0]["operation"] == power["wid"]
            node = (await root.get("/audit?node=node-2.site1.example.org")).json()
            assert [one["operation"] for one in node] == [power["wid"]]
            assert (await root.get("/audit?limit=1")).json() == entries[-1:]
            assert (await root.get("/audit?user=nobody")).json() == []
            assert (await root.get("/audit?since=4000000000")).json() == []
        async with house.client("alice") as alice:
            assert (await alice.get("/audit")).status_code == 403

    in_house(tmp_path, story)


def test_it_is_written_down_who_was_given_a_token_or_a_right(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.client("root") as root:
            made = (await root.post("/tokens", json={"user": "oar", "scope": "read"})).json()
            await root.post("/rights", json={"username": "alice", "nodes": ["node-1"]})
            await root.post("/rights", json={"group": "ml", "nodes": ["node-2"], "detailed": True})
            await root.post(
                "/rights", json={"username": "alice", "nodes": ["node-2"], "dry_run": True, "overwrite": True}
            )
            await root.request("DELETE", "/rights/alice?dry_run=true", json={"nodes": ["node-1"]})
            await root.request("DELETE", "/rights/alice", json={"nodes": ["node-1"]})
        told = [entry.result for entry in await house.audit.read()]
        assert told == [f"ok: {made['id']} (read) for oar", "ok: for alice", "ok: for @ml", "dry run", "dry run", "ok"]
        assert made["token"] not in str(await house.audit.read())

    in_house(tmp_path, story)


def test_no_parameter_hides_a_deed(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.grant("alice")
        async with house.client("alice") as alice:
            power = (await alice.put("/power/", json={"status": "on", "nodes": ["node-1"]})).json()
            await alice.request("DELETE", f"/power/{power['wid']}?dry_run=true", json={"dry_run": True})
        last = (await house.audit.read())[-1]
        assert (last.action, last.operation, last.result) == (f"DELETE /power/{power['wid']}", power["wid"], "ok")

    in_house(tmp_path, story)


def test_the_log_is_a_file_too(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        file = tmp_path / "audit.jsonl"
        house.use_cases.audit._audit = FiledAudit(house.audit, file)
        async with house.client("alice") as alice:
            await alice.post("/rights", json={"username": "eve\nfaked"})
            file.rename(tmp_path / "audit.1")
            await alice.post("/rights", json={"username": "eve"})
        lines = [
            json.loads(line)
            for path in ("audit.1", "audit.jsonl")
            for line in (tmp_path / path).read_text().splitlines()
        ]
        assert [line["action"] for line in lines] == ["POST /rights", "POST /rights"]
        assert lines[0].keys() == {
            "at",
            "user",
            "action",
            "role",
            "scheme",
            "address",
            "operation",
            "nodes",
            "result",
        }
        assert file.stat().st_mode & 0o777 == 0o640

    in_house(tmp_path, story)
