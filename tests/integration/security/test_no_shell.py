"""VLANs, devices and kernel arguments were pasted into shell commands; here each has an alphabet, or is one word."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from kadeploy.domain.nodeset import NodeSet
from kadeploy.drivers.vlan_command import CommandVlan
from tests.integration.security.attacked import Attacked

BAITS = ("; touch {0}", "$(touch {0})", "`touch {0}`", "| touch {0}", "&& touch {0}", "\ntouch {0}", "'; touch {0} #")


def places(bait: str) -> dict[str, dict[str, Any]]:
    return {
        "the VLAN": {"vlan": bait},
        "the disk": {"block_device": f"/dev/vda{bait}", "deploy_partition": "3"},
        "the partition": {"deploy_partition": f"3{bait}"},
        "the boot partition": {"boot_partition": f"1{bait}"},
        "the file system of /tmp": {"reformat_tmp_partition": f"ext4{bait}"},
        "a node": {"nodes": [f"node-1{bait}"]},
        "a breakpoint": {"breakpoint": f"BootNewEnv{bait}"},
        "a variable's name": {"custom_variables": {f"X{bait}": "1"}},
        "the file system": {"environment": {"filesystem": f"ext4{bait}"}},
        "the type of the partition": {"environment": {"partition_type": f"83{bait}"}},
        "the kernel's arguments": {"environment": {"boot": {"kernel": "/vmlinuz", "kernel_params": f"a\n{bait}"}}},
        "the kernel": {"environment": {"boot": {"kernel": f"/../../boot/{bait}"}}},
    }


@pytest.mark.parametrize("bait", BAITS)
@pytest.mark.parametrize("place", places(""))
def test_a_command_behind_a_value_is_refused(server: Attacked, place: str, bait: str) -> None:
    canary, alice = server.folder / "canary", server.user()
    changes = places(bait.format(canary))[place]
    if "environment" in changes:
        changes = {"environment": {"kind": "anonymous", **alice.description(**changes["environment"])}}
    answer = alice.deploy(**changes)
    assert answer.is_refusal, answer.text
    assert not canary.exists()


@pytest.mark.parametrize("bait", BAITS)
def test_the_administrators_command_gets_a_vlan_as_one_argument(tmp_path: Path, bait: str) -> None:
    """Should the alphabet ever be wider."""
    told, canary = tmp_path / "told", tmp_path / "canary"
    program = tmp_path / "vlan"
    program.write_text(f"#!{sys.executable}\nimport json, sys\njson.dump(sys.argv[1:], open({str(told)!r}, 'w'))\n")
    program.chmod(0o755)
    vlan = bait.format(canary)
    command = CommandVlan(command=(str(program), "NODES", "-i", "VLAN_ID", "-u", "USER"))
    result = asyncio.run(command.set(NodeSet(["node-1"]), vlan, user="alice", deadline=20.0))
    assert list(result.ok) == ["node-1"]
    assert json.loads(told.read_text()) == ["-m", "node-1", "-i", vlan, "-u", "alice"]
    assert not canary.exists()
