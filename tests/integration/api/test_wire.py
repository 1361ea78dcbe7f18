"""What the original clients were recorded to say is said to this server, and it must answer in the recorded shapes.

`wire/*.json` are those recordings: what the server holds (`given`), and each request with its answer.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import bcrypt
import httpx2
import pytest
import yaml

from kadeploy.config.authentication import Authentication, HttpBasic
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.rights import Right
from kadeploy.domain.state import NodeState, OperationKind
from kadeploy.ports.store import NodeRecord
from tests.integration.api.house import TRUSTED, House, open_house
from tests.integration.api.shape import differences

CASES = sorted(Path(__file__).parent.glob("wire/*.json"))
RECORDED_ID = re.compile(r"[DRP]-00000000-0000-4000-8000-000000000001")
LINE = re.compile(r"\d+\.\d{5}\|[^|\n]*\n")
# Where this server cannot say the same: its steps, instances and variables are its own.
KNOWN = {
    "kadeploy-debug-verbose": (".debugs: True was recorded",),
    "kadeploy-status-on-enter": (".alpha.SetDeploymentEnvUntrusted.wait_reboot: is missing",),
    "server-info": (".automata.alpha.", ".supported_fs.alpha: a list", ".vars: a list"),
}
UNREAD = frozenset({"kadeploy-dry-run"})  # cases whose last answer the tools never look at
# In the recordings a user with a right on every node stands beside others: only administrators may.
ADMINISTRATORS = frozenset({"root", "admin", "carol"})


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_a_recorded_conversation(tmp_path: Path, path: Path) -> None:
    images = tmp_path / "images"
    case = json.loads(path.read_text().replace("/srv/images", str(images)))
    asyncio.run(_replay(case, tmp_path, path.stem))


async def _replay(case: dict[str, Any], directory: Path, name: str) -> None:
    authentication = TRUSTED
    if password := case["given"].get("basic_auth"):
        user, _, secret = password.partition(":")
        entry = bcrypt.hashpw(secret.encode(), bcrypt.gensalt(4)).decode()
        (directory / "htpasswd").write_text(f"{user}:{entry}\n")
        authentication = Authentication(acl=TRUSTED.acl, http_basic=HttpBasic(dbfile=directory / "htpasswd"))
    async with asyncio.timeout(50), open_house(directory, authentication, ADMINISTRATORS) as house:
        await _furnish(house, case, name)
        address = "192.0.2.1" if case["given"].get("basic_auth") else "127.0.0.1"
        async with house.client("", address) as client:
            await _Conversation(house, client, name).hold(case["exchanges"])


async def _furnish(house: House, case: dict[str, Any], name: str) -> None:
    for image in ("debian12.tgz", "ubuntu2404.tgz", "myenv.tgz"):
        house.image(image)
    for environment in case["given"].get("environments", ()):
        owner = environment["user"]
        async with house.client(owner) as client:
            answer = await client.post("/environments/", json={"environment": environment})
            assert answer.status_code == 200, answer.text
    if "rights" in case["given"]:
        for user, nodes in case["given"]["rights"].items():
            rights = [Right(user=user, node=node, partition=part) for node, parts in nodes.items() for part in parts]
            await house.rights.grant(rights, overwrite=False, administrators=ADMINISTRATORS | {"bob"})
    elif name != "kadeploy-rights-refused":
        await house.grant(case["user"])
    for running in case["given"].get("running", ()):
        environment = running.get("p", {}).get("environment")
        await house.operations.create(
            Operation(
                id=running["wid"],
                kind=OperationKind(running["kind"]),
                user=running["user"],
                nodes=NodeSet(running["nodes"]),
                created=house.clock.now(),
                environment={**environment, "recorded": True} if environment else None,
            )
        )


class _Conversation:
    """Sends each recorded request, with this server's id in place of the recorded one."""

    def __init__(self, house: House, client: httpx2.AsyncClient, name: str) -> None:
        self._house = house
        self._client = client
        self._name = name
        self._id = ""
        self._is_played = False

    async def hold(self, exchanges: list[dict[str, Any]]) -> None:
        for exchange in exchanges:
            await self._set_the_scene(exchange["response"]["body"])
            answer = await self._send(exchange)
            where = f"{exchange['method']} {exchange['target']}"
            self._compare(exchange["response"], answer, where)
            if answer.headers["content-type"].startswith("application/json") and "resources" in answer.text:
                self._id = answer.json()["wid"]

    async def _send(self, exchange: dict[str, Any]) -> httpx2.Response:
        headers = {**exchange["headers"], "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"}
        target = RECORDED_ID.sub(self._id, exchange["target"])
        body = None if exchange["body"] is None else json.dumps(exchange["body"]).encode()
        return await self._client.request(exchange["method"], target, headers=headers, content=body)

    async def _set_the_scene(self, body: object) -> None:
        """What had happened before the recorded answer happens now."""
        if isinstance(body, dict) and body.get("done") is True and not self._is_played:
            self._is_played = True
            await self._house.engine.play(self._id, ko=dict.fromkeys(body["nodes"]["ko"], "exit status 1"))
        if isinstance(body, str) and body.startswith("---\nnode-"):
            for node, state in yaml.safe_load(body).items():
                if state is not None:
                    await self._record(node, state)

    async def _record(self, node: str, state: dict[str, Any]) -> None:
        word = state["state"].replace("prod_env", "recorded_env")
        environment = state["environment"] if state["environment"]["name"] else None
        record = NodeRecord(state=NodeState(word), user=state["user"] or "", at=1.0, environment=environment)
        await self._house.nodes.set(NodeSet([node]), record)

    def _compare(self, expected: dict[str, Any], answer: httpx2.Response, where: str) -> None:
        assert answer.status_code == expected["status"], f"{where}: {answer.text}"
        assert answer.headers.get("x-application-error-code") == expected["code"], where
        kind = answer.headers["content-type"]
        assert kind.endswith('; charset="UTF-8"'), where
        if self._name in UNREAD and where.startswith("POST"):
            return
        assert kind.partition(";")[0] == expected["type"], where
        if expected["status"] != 200:
            return
        if expected["type"] == "text/plain":
            self._compare_text(expected["body"], answer.text, where)
        else:
            data = answer.json() if expected["type"] == "application/json" else yaml.safe_load(answer.text)
            recorded = expected["body"] if expected["type"] == "application/json" else yaml.safe_load(expected["body"])
            known = KNOWN.get(self._name, ())
            found = [each for each in differences(recorded, data) if not each.startswith(known)]
            assert not found, f"{where}: {found}"

    @staticmethod
    def _compare_text(expected: str, actual: str, where: str) -> None:
        assert actual.endswith("\n"), where
        if "|" in expected:
            lines = actual.removesuffix("\n").splitlines(keepends=True)
            assert all(LINE.fullmatch(line) for line in lines), where
