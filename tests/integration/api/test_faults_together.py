"""Everything wrong with a launch in one refusal: forms of values, and what they mean here, but not what follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.api.house import House, Json, in_house
from tests.integration.api.test_refusals import changed, prepared, refused

MUCH: Json = {
    "nodes": ["node-9", "node-1"],
    "environment": {"name": "nothere"},
    "verbose_level": 9,
    "boot_partition": "x",
    "deploy_partition": "9",
    "timeout_reboot_classical": "(",
    "timeout_reboot_kexec": "m",
    "vlan": "3",
    "pxe": {"profile": "x"},
    "automata": {"BootNewEnv": [{"name": "Fly"}]},
    "custom_operations": {"x": 1},
    "ssh_authorized_keys_content": "hello",
    "force": True,
    "wait_nodes": True,
}
TOLD = (
    "verbose_level: must be at most 5, not 9",
    "boot_partition: must be a whole number",
    "there is no node node-9 here",
    "there is no environment nothere",
    "line 1 of the SSH keys is not a public key",
    "timeout_reboot_classical: ",
    "timeout_reboot_kexec: ",
    "automata.BootNewEnv[0].name: ",
    "pxe.profile: must be an iPXE script",
    "vlan: this server moves no nodes",
    "x: there is no such macro-step",
    "force takes nodes at once",
    "no cluster here has a partition 9",
)


def test_forms_of_values_and_what_they_mean_here_are_told_together(tmp_path: Path) -> None:
    code, text = prepared(tmp_path, changed(**MUCH))
    assert code == "4"
    assert text.splitlines()[0].endswith(f"the request has {len(TOLD)} faults:")
    for told in TOLD:
        assert text.count(told) == 1, text


@pytest.mark.parametrize(
    ("changes", "code", "faults"),
    [
        # what could not be read has no consequences that are told, too
        ({"nodes": {"a": 1}, "deploy_partition": "9"}, "4", ["nodes", "no cluster here has a partition 9"]),
        ({"environment": "x", "nodes": ["node-9"]}, "4", ["environment: must be a mapping", "no node node-9"]),
        ({"environment": {}, "nodes": ["node-9"]}, "12", ["environment.name: is required", "no node node-9"]),
        ({"nodes": ["node-1"], "environment": {"name": "nothere"}, "deploy_partition": "7"}, "7", ["nothere", "7 (it"]),
        ({"boot_partition": "x", "verbose_level": "y"}, "4", ["boot_partition: ", "verbose_level: "]),
        ({"breakpoint": "Nowhere", "reformat_tmp_partition": "zfs"}, "4", ["reformat_tmp_partition"]),
        (
            {"breakpoint": "Nowhere", "force": True, "wait_nodes": True},
            "13",
            ["force takes", "nothing here is Nowhere"],
        ),
    ],
)
def test_faults_of_both_sorts(tmp_path: Path, changes: Json, code: str, faults: list[str]) -> None:
    told = prepared(tmp_path, changed(**changes))
    assert told[0] == code, told
    lines = told[1].strip().splitlines()
    assert len(lines) == (len(faults) + 1 if len(faults) > 1 else 1), told
    assert all(any(fault in line for line in lines) for fault in faults), told


@pytest.mark.parametrize(
    ("path", "method", "body", "code", "faults"),
    [
        ("/reboot/", "POST", {"level": "x", "nodes": ["node-9"], "vlan": "3"}, "4", ["level: ", "node-9", "vlan: "]),
        (
            "/reboot/",
            "POST",
            {"kind": "x", "nodes": ["node-9"], "environment": {"name": "d"}, "timeout_reboot_classical": "("},
            "4",
            ["kind: ", "node-9", "timeout_reboot_classical: "],
        ),
        (
            "/reboot/",
            "POST",
            {"kind": "recorded_env", "environment": {"version": 1}, "deploy_partition": "x", "nodes": ["node-9"]},
            "12",
            ["environment.name: is required", "deploy_partition: ", "node-9"],
        ),
        (
            "/reboot/",
            "POST",
            {"nodes": ["node-1"], "breakpoint": "x", "vlan": "3"},
            "9",
            ["vlan: ", "nothing here is x"],
        ),
        ("/power/", "PUT", {"status": "on", "level": "x", "nodes": ["node-9"]}, "4", ["level: ", "node-9"]),
        (
            "/power/",
            "PUT",
            {"status": "on", "nodes": ["node-9"], "force": True, "wait_nodes": True, "custom_operations": {"x": {}}},
            "8",
            ["custom_operations: ", "node-9", "force takes"],
        ),
        ("/power/", "PUT", {"level": "x"}, "4", ["status: is required", "level: "]),
    ],
)
def test_those_of_reboots_and_power_operations(
    tmp_path: Path, path: str, method: str, body: Json, code: str, faults: list[str]
) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        answer = await refused(house, body, path=path, method=method)
        assert (answer.status_code, answer.headers["x-application-error-code"]) == (400, code), answer.text
        lines = answer.text.strip().splitlines()
        assert len(lines) == len(faults) + 1, answer.text
        assert all(any(fault in line for line in lines) for fault in faults), answer.text

    in_house(tmp_path, scenario)
