"""What a recorded case says the server holds, brought about through the API; and a case in this server's names."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.acceptance.wire.client import Client
from tests.acceptance.wire.server import DOMAIN, Kadeployd, healthy_nodes, refusing_node

CASES: Final = Path(__file__).parent / "cases"
Json = dict[str, Any]
NOBODY: Final = "node-9999"  # of whom the server has never heard
# The recorded nodes that fail; the other ones are this server's healthy nodes.
FAILING: Final = {"kadeploy-recorded": "node-3", "kapower-off": "node-2", "kastat-failure-rates": "node-2"}
TOUCHED: Final = frozenset({"kanodes-state", "kanodes-state-of-nodes", "kastat-failure-rates", "kastat-all"})
# The server's own cluster and disk. A simulated node takes a fraction of the time of a real one, and so do we to wait.
OURS: Final = (("alpha", "sim"), ("/dev/sda", "/dev/vda"), ("100+n*2", "1+n"))


def read_case(name: str) -> Json:
    case: Json = json.loads((CASES / f"{name}.json").read_text())
    return case


def cast(case: Json, server: Kadeployd, directory: Path) -> Json:
    """The case with this server's names, and files in `directory` as the client's."""
    replaced = [("/srv/images", str(server.directory / "images")), ("${TMP}", str(directory)), *OURS]
    nodes = actors(case["case"])

    def text(said: str) -> str:
        for theirs, ours in replaced:
            said = said.replace(theirs, ours)
        return re.sub(r"\bnode-(\d+)\b", lambda found: nodes.get(found.group(0), NOBODY), said)

    renamed: Json = _each_text(case, text)
    return renamed


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {change(key): _each_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each_text(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


def actors(name: str) -> Mapping[str, str]:
    """The short names of this server's nodes for the recorded ones."""
    healthy = iter(healthy_nodes())
    parts = {f"node-{number}": next(healthy).partition(".")[0] for number in range(1, 5)}
    if failing := FAILING.get(name):
        parts[failing] = refusing_node().partition(".")[0]
    return parts


def full(name: str) -> str:
    return name if "." in name or name == "*" else f"{name}.{DOMAIN}"


class Stage:
    """Sets the scene for one case after the other on the same server."""

    def __init__(self, server: Kadeployd) -> None:
        self._server = server
        self._admin = Client(server=server, user="admin")
        for name in ("debian12", "ubuntu2404", "myenv"):
            content = gzip.compress(b"not much of a system" * 1000, mtime=0)
            (server.directory / "images" / f"{name}.tgz").write_bytes(content)

    def set(self, given: Mapping[str, Any]) -> None:
        """Nothing is left of the case before."""
        self.end_operations()
        self._record(given.get("environments") or self._usual_environments())
        running = given.get("running", ())
        shares: Json = {one["user"]: {} for one in running}
        for one in running:
            shares[one["user"]] |= {node: ["*"] for node in one["nodes"]}
        self.grant(given.get("rights") or shares or {"alice": {"*": ["*"]}})
        for one in running:
            self._run(one)

    def grant(self, rights: Mapping[str, Mapping[str, list[str]]]) -> None:
        """These and no others."""
        held = self._must(self._admin.get("/rights?")).json()
        if held == {user: {full(node): partitions for node, partitions in of.items()} for user, of in rights.items()}:
            return
        for user in held:
            self._must(self._admin.send("DELETE", f"/rights/{user}", {}))
        for user, nodes in sorted(rights.items(), key=lambda item: "*" not in item[1]):
            for node, partitions in nodes.items():
                asked: Json = {"username": user}
                asked |= {} if node == "*" else {"nodes": [node]}
                asked |= {} if partitions == ["*"] else {"partitions": partitions}
                self._must(self._admin.send("POST", "/rights/", asked))

    def touch(self, case: Json) -> None:
        """Something has happened to the nodes of the first two names: one is well, and one may fail."""
        first, second, third = (actors(case["case"])[f"node-{number}"] for number in (1, 2, 3))
        client = Client(server=self._server)
        environment = {"kind": "database", "name": "debian12", "user": "alice", "version": 2}
        deployment = client.send("POST", "/deployment/", {"nodes": [first], "environment": environment})
        power = client.send("PUT", "/power/", {"nodes": [second, third], "status": "off"})
        for launched in (deployment, power):
            client.until_done(self._must(launched).json()["resources"]["resource"])

    def install(self, nodes: Collection[str]) -> None:
        """Something that boots, whatever a case before has left on their disks."""
        client = Client(server=self._server)
        environment = {"kind": "database", "name": "debian12", "user": "alice", "version": 2}
        deployment = client.send("POST", "/deployment/", {"nodes": sorted(nodes), "environment": environment})
        client.until_done(self._must(deployment).json()["resources"]["resource"])

    def end_operations(self) -> None:
        for kind in ("deployment", "reboot", "power"):
            for operation in self._must(self._admin.get(f"/{kind}?")).json():
                for body in ({"cancel": True}, {}):  # ends it, and has it forgotten
                    self._must(self._admin.send("DELETE", f"/{kind}/{operation['wid']}", body))

    def _usual_environments(self) -> list[Json]:
        text = json.dumps(read_case("kadeploy-recorded")["given"][0]["environments"])
        environments: list[Json] = json.loads(text.replace("/srv/images", str(self._server.directory / "images")))
        return environments

    def _record(self, wanted: list[Json]) -> None:
        """These as they are, and no others but the simulation's own."""
        found = [one for one in self._must(self._admin.get("/environments?")).json() if one["user"] != "root"]
        if sorted(map(json.dumps, found)) == sorted(map(json.dumps, wanted)):
            return
        for one in found:
            target = f"/environments/{one['user']}/{quote(one['name'], safe='')}/{one['version']}"
            self._must(self._admin.send("DELETE", target, {}))
        for one in wanted:
            self._must(self._admin.send("POST", "/environments/", {"environment": one}))

    def _run(self, running: Mapping[str, Any]) -> None:
        """An operation that goes on until it is ended: it waits for another one of the same user, which is held."""
        user, nodes = running["user"], running["nodes"]
        client = Client(server=self._server, user=user)
        held = {"nodes": nodes, "kind": "simple", "breakpoint": "RebootSimple"}
        self._must(client.send("POST", "/reboot/", held))
        if running["kind"] == "deployment":
            environment = {"kind": "database", "name": "simulated", "user": "root"}  # everybody's
            waiting = {"nodes": nodes, "environment": environment, "wait_nodes": True}
            self._must(client.send("POST", "/deployment/", waiting))
        else:
            self._must(client.send("POST", "/reboot/", {"nodes": nodes, "kind": "simple", "wait_nodes": True}))

    @staticmethod
    def _must(answer: Any) -> Any:
        assert answer.status == 200, str(answer)
        return answer
