"""Bad input: one clear sentence each, with Kadeploy3's number, and nothing started, kept or locked."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind
from kadeploy.ports.files import FileOrder
from kadeploy.store.database import Database
from tests.integration.api.house import KEY, NAMES, House, Json, in_house, launch_body

Prepare = Callable[[House], Awaitable[object]]


async def refused(house: House, body: Json, *, path: str = "/deployment/", method: str = "POST") -> httpx2.Response:
    """The answer to a request that must leave nothing behind."""
    before = len(house.engine.started)
    known = await house.nodes.get(NodeSet(NAMES))
    async with house.client() as client:
        answer = await client.request(method, path, json=body)
    assert answer.status_code != 200, answer.text
    assert len(house.engine.started) == before
    assert await house.nodes.get(NodeSet(NAMES)) == known
    assert "Traceback" not in answer.text
    assert answer.text.endswith("\n")
    return answer


def prepared(tmp_path: Path, body: Callable[[House], Json], prepare: Prepare | None = None) -> tuple[str, str]:
    """The code and the text of a deployment's refusal, when alice has all rights and an environment."""
    told: list[tuple[str, str]] = []

    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        if prepare:
            await prepare(house)
        answer = await refused(house, body(house))
        assert answer.status_code == 400, answer.text
        assert await house.use_cases.running.listed(OperationKind.DEPLOYMENT) == []
        told.append((answer.headers["x-application-error-code"], answer.text))

    in_house(tmp_path, scenario)
    return told[0]


def changed(**changes: object) -> Callable[[House], Json]:
    return lambda house: launch_body(**changes)


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"nodes": ["node-9"]}, "2", "there is no node node-9 here"),
        ({"nodes": []}, "2", "the node list is empty"),
        ({"nodes": None}, "2", "the node list is empty"),
        ({"nodes": ["node-[3-1]"]}, "2", "'node-[3-1]' is not a node range"),
        ({"nodes": ["ode"]}, "2", "ode could be node-1.site1.example.org, node-2.site1.example.org"),
        ({"environment": {"kind": "database", "name": "nothere"}}, "7", "there is no environment nothere"),
        ({"environment": {"name": "debian12", "version": 9}}, "7", "there is no environment debian12 version 9"),
        ({"environment": {"name": "debian12", "user": "bob"}}, "7", "there is no environment debian12 of bob"),
        ({"environment": {"name": "%"}}, "7", "there is no environment %"),
        ({"environment": {"kind": "anon"}}, "7", "environment.kind: must be database or anonymous, not 'anon'"),
        ({"environment": None}, "12", "environment: is required"),
        ({"environment": "debian12"}, "4", "environment: must be a mapping of keys to values"),
        ({"environment": {}}, "12", "environment.name: is required"),
        ({"deploy_partition": "7"}, "4", "cluster alpha has no partition 7 (it has 1, 2, 3, 4)"),
        ({"deploy_partition": "sda3"}, "4", "deploy_partition: must be a partition's number, not 'sda3'"),
        ({"block_device": "/dev/sdb", "deploy_partition": "3"}, "13", "/dev/sdb is not the disk"),
        ({"block_device": "/dev/sda"}, "13", "only a dd image can be deployed to a whole disk"),
        ({"timeout_reboot_classical": "__import__('os')"}, "4", "is not valid"),
        ({"timeout_reboot_kexec": "10**10**10"}, "4", "is not valid"),
        ({"ssh_authorized_keys_content": "hello"}, "5", "line 1 of the SSH keys is not a public key"),
        ({"ssh_authorized_keys_content": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "5", "hold a private key"),
        ({"ssh_authorized_keys": "/key.pub"}, "3", "/key.pub is on the client's machine, and the client does not"),
        ({"ssh_authorized_keys": "key.pub", "client": "http://c:1"}, "3", "must be an absolute path on the client"),
        ({"ssh_authorized_keys": "/key.pub", "client": "http://[::1]:1"}, "5", "/key.pub on ::1"),
        ({"ssh_authorized_keys": "server:///etc/shadow"}, "5", "/etc/shadow"),
        ({"ssh_authorized_keys": "server:///x", "ssh_authorized_keys_content": KEY}, "13", "cannot both be given"),
        ({"verbose_level": 6}, "4", "verbose_level: must be at most 5, not 6"),
        ({"vlan": "3"}, "9", "vlan: this server moves no nodes between VLANs"),
        ({"pxe": {"profile": "default linux"}}, "4", "pxe.profile: must be an iPXE script"),
        ({"pxe": {"profile": "#!ipxe", "files": "x"}}, "4", "pxe.files: must be a list of files"),
        ({"pxe": {"profile": "#!ipxe\nkernel FILES_PREFIX--k"}}, "4", "FILES_PREFIX--k, not in pxe.files"),
        ({"reformat_tmp_partition": "zfs"}, "4", "reformat_tmp_partition: the minimal environment"),
        ({"boot_partition": 9}, "4", "boot_partition: cluster alpha has no partition 9"),
        ({"boot_partition": "x"}, "4", "boot_partition: must be a whole number"),
        ({"automata": {"BootNewEnv": [{"name": "Fly"}]}}, "4", "automata.BootNewEnv[0].name: must be Kexec, Classical"),
        ({"automata": {"BootNewEnv": [{"name": "PivotRoot"}]}}, "4", "PivotRoot does not exist"),
        ({"custom_operations": {"x": 1}}, "8", "x: there is no such macro-step"),
    ],
)
def test_a_deployment(tmp_path: Path, changes: Json, code: str, text: str) -> None:
    assert (told := prepared(tmp_path, changed(**changes)))[0] == code, told
    assert text in told[1]


def test_several_faults_are_told_together(tmp_path: Path) -> None:
    body = changed(nodes=["node-9"], environment={"name": "nothere"}, timeout_reboot_kexec="x")
    code, text = prepared(tmp_path, body)
    assert code == "2"
    assert text.splitlines()[0].endswith("the request has 3 faults:")
    assert "there is no node node-9" in text
    assert "there is no environment nothere" in text
    assert "the timeout 'x' is not valid" in text


def test_an_image_that_is_missing(tmp_path: Path) -> None:
    async def remove(house: House) -> None:
        (house.images / "debian12.tgz").unlink()

    code, text = prepared(tmp_path, changed(), remove)
    assert code == "5"
    assert "debian12.tgz" in text


def test_an_image_that_differs_from_its_checksum(tmp_path: Path) -> None:
    async def change(house: House) -> None:
        (house.images / "debian12.tgz").write_bytes(gzip.compress(b"something else"))

    code, text = prepared(tmp_path, changed(), change)
    assert code == "5"
    assert "debian12.tgz" in text


def test_an_image_that_is_truncated(tmp_path: Path) -> None:
    def anonymous(house: House) -> Json:
        whole = house.image("cut.tgz")
        whole.write_bytes(whole.read_bytes()[:-10])
        image = {"file": f"server://{whole}", "kind": "tar", "compression": "gzip"}
        return launch_body(environment={"kind": "anonymous", **house.description(image=image)})

    code, text = prepared(tmp_path, anonymous)
    assert code == "5"
    assert "cut.tgz" in text


def test_an_image_outside_of_the_permitted_directories(tmp_path: Path) -> None:
    def anonymous(house: House) -> Json:
        image = {"file": "server:///etc/passwd", "kind": "tar", "compression": "none"}
        return launch_body(environment={"kind": "anonymous", **house.description(image=image)})

    code, text = prepared(tmp_path, anonymous)
    assert code == "5"
    assert "/etc/passwd" in text
    assert "root:" not in text


def test_a_description_with_several_faults(tmp_path: Path) -> None:
    wrong = {"kind": "anonymous", "name": "x", "os": "bsd", "image": {"file": "x", "kind": "tra", "compression": "z"}}
    code, text = prepared(tmp_path, changed(environment=wrong))
    assert code == "7"
    for fault in ("os: must be linux", "image.kind: must be tar", "image.compression: must be none"):
        assert f"\n  {fault}" in text


def test_an_image_on_the_client(tmp_path: Path) -> None:
    def anonymous(house: House) -> Json:
        image = {"file": "/home/alice/x.tgz", "kind": "tar", "compression": "gzip"}
        return launch_body(environment={"kind": "anonymous", **house.description(image=image)})

    code, text = prepared(tmp_path, anonymous)
    assert code == "3"
    assert "image.file: /home/alice/x.tgz is on the client's machine, and the client does not serve it" in text


def test_no_rights_on_one_node(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant("alice", NAMES[0])
        await house.record()
        answer = await refused(house, launch_body())
        assert answer.headers["x-application-error-code"] == "6"
        assert f"alice has no right on {NAMES[1]}, partition /dev/sda3" in answer.text
        await house.grant("alice", NAMES[1], partition="/dev/sda2")
        assert (await refused(house, launch_body())).headers["x-application-error-code"] == "6"
        for method, path in (("POST", "/reboot"), ("PUT", "/power")):
            body = {"nodes": ["node-[1-3]"], "status": "on"}
            told = await refused(house, body, path=path, method=method)
            assert (told.headers["x-application-error-code"], NAMES[2] in told.text) == ("6", True)

    in_house(tmp_path, scenario)


def test_a_node_in_another_operation(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        async with house.client() as client:
            first = (await client.post("/reboot/", json={"nodes": ["node-2"]})).json()["wid"]
            answer = await refused(house, launch_body())
            assert answer.headers["x-application-error-code"] == "11"
            assert NAMES[1] in answer.text
            assert NAMES[0] not in answer.text
            taken = await client.post("/deployment/", json=launch_body(force=True))
            assert taken.status_code == 200, taken.text
            await house.engine.play(first)

    in_house(tmp_path, scenario)


def test_an_engine_that_does_not_begin(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        house.engine.fails = RuntimeError("no engine")
        async with house.client() as client:
            answer = await client.post("/reboot/", json={"nodes": ["node-1"]})
        assert answer.status_code == 503
        assert "no engine" in answer.text
        house.engine.fails = None
        async with house.client() as client:  # its nodes are free again
            assert (await client.post("/reboot/", json={"nodes": ["node-1"]})).status_code == 200

    in_house(tmp_path, scenario)


def test_nothing_is_left_pinned(tmp_path: Path) -> None:
    pins: list[tuple[str, str]] = []

    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        judge, release = house.files.judge, house.files.release

        class Watched:
            async def judge(self, order: FileOrder, *, owner: str) -> int:
                pins.append(("judge", owner))
                return await judge(order, owner=owner)

            async def release(self, owner: str) -> None:
                pins.append(("release", owner))
                await release(owner)

        house.use_cases.deploy._files = Watched()  # type: ignore[assignment]
        house.use_cases.deploy._launcher._files = Watched()  # type: ignore[assignment]
        (house.images / "debian12.tgz").unlink()
        await refused(house, launch_body())
        house.image()
        async with house.client() as client:
            await client.post("/reboot/", json={"nodes": ["node-1"]})
            assert (await refused(house, launch_body())).headers["x-application-error-code"] == "11"
            assert (
                await client.post("/deployment", json=launch_body(nodes=["node-3"], dry_run=True))
            ).status_code == 200

    in_house(tmp_path, scenario)
    for owner in {owner for _, owner in pins}:
        assert ("release", owner) == [entry for entry in pins if entry[1] == owner][-1]
    assert len({owner for verb, owner in pins if verb == "judge"}) == 3


@pytest.mark.parametrize(
    ("path", "method", "body", "code", "text"),
    [
        ("/reboot", "POST", {"nodes": ["node-9"]}, "2", "there is no node node-9"),
        (
            "/reboot",
            "POST",
            {"nodes": ["node-1"], "kind": "recorded_env"},
            "12",
            "environment: is required for a reboot of kind recorded_env",
        ),
        ("/reboot", "POST", {"nodes": ["node-1"], "level": "brutal"}, "4", "level: must be soft, hard or very_hard"),
        ("/reboot", "POST", {"nodes": ["node-1"], "ssh_authorized_keys_content": KEY}, "13", "kind deploy_env"),
        ("/power", "PUT", {"nodes": ["node-1"]}, "12", "status: is required"),
        ("/power", "PUT", {"nodes": ["node-1"], "status": "maybe"}, "4", "status: must be on or off, not 'maybe'"),
        ("/power", "PUT", {"status": "on"}, "2", "the node list is empty"),
    ],
)
def test_reboots_and_power(tmp_path: Path, path: str, method: str, body: Json, code: str, text: str) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        answer = await refused(house, body, path=path, method=method)
        assert answer.headers["x-application-error-code"] == code, answer.text
        assert text in answer.text

    in_house(tmp_path, scenario)


def test_a_database_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(house: House) -> None:
        async def broken(self: Database, work: object) -> object:
            raise ConnectionError("the disk is gone")

        monkeypatch.setattr(Database, "read", broken)
        async with house.client() as client:
            answer = await client.get("/nodes")
        assert answer.status_code == 500
        assert "the disk is gone" not in answer.text

    in_house(tmp_path, scenario)
