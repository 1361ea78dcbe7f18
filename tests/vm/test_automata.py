"""Automata from configuration on real machines: what they say is what the nodes go through, and scripts really run."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kadeploy.domain.disk import partition_path
from tests.vm.served_lab import BUILD, ENVIRONMENT, ServedLab, installed_and_on_its_own_disk, report_of

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]

# The kexec of BootNewEnv is made to fail while the node is still there: an operation that fails stands in its place.
BROKEN_KEXEC = [{"name": "broken kexec", "action": "exec", "command": "echo no kexec here >&2; exit 3"}]
AUTOMATA: dict[str, Any] = {
    "macrosteps": {
        "SetDeploymentEnv": [{"type": "Untrusted", "retries": 1, "timeout": "600 + n"}],
        "BroadcastEnv": [{"type": "Kascade", "retries": 1, "microsteps": [{"name": "sync", "retries": 1}]}],
        "BootNewEnv": [
            {"type": "Kexec", "timeout": 300, "microsteps": [{"name": "kexec", "substitute": BROKEN_KEXEC}]},
            {"type": "Classical", "retries": 1, "timeout": 600},
        ],
    }
}
AGENTS_WITHOUT_TLS = {"security": {"secure_server": True, "secure_agents": False}}
SCRIPT = """#!/bin/sh -e
tree=$KADEPLOY_ENV_EXTRACTION_DIR
echo "$KADEPLOY_NODE $KADEPLOY_CLUSTER $KADEPLOY_DEPLOY_PART $1" > "$tree/root/postinstalled"
"""


def visits(served: ServedLab, node: str, macro: str) -> list[tuple[str, str]]:
    """The instance and micro-step of each visit of that macro-step, in order, of the newest deployment."""
    board = served.board()
    return [
        (step["instance"], step["micro"]) for step in board["steps"] if step["macro"] == macro and node in names(step)
    ]


def names(step: dict[str, Any]) -> list[str]:
    nodes: str = step["nodes"]
    return ["node-1", "node-2"] if nodes == "node-[1-2]" else nodes.split(",")


@pytest.fixture(scope="module")
def deployed(whole_lab: ServedLab) -> Iterator[ServedLab]:
    """node-1 and node-2, by the automata above, in an environment with a script; their agents speak plain TCP."""
    whole_lab.switch_off()
    with whole_lab.configured({"lab.conf": {"automata": AUTOMATA}, "server.conf": AGENTS_WITHOUT_TLS}):
        environment, key = with_postinstall(whole_lab), f"{whole_lab.key}.pub"
        done = whole_lab.run("kadeploy", "-m", "node-[1-2]", "-a", environment, "-k", key, "-o", "ok", "-n", "ko")
        assert done.returncode == 0, done.stdout + done.stderr
        yield whole_lab


def test_kexec_fails_and_classical_succeeds(deployed: ServedLab) -> None:
    assert report_of(deployed.directory / "ok") == ["node-1", "node-2"]
    for node in ("node-1", "node-2"):
        installed_and_on_its_own_disk(deployed, node)
        instances = [instance for instance, _ in visits(deployed, node, "BootNewEnv")]
        assert instances[0] == "Kexec"
        assert instances[-1] == "Classical"
        assert ("Kexec", "wait_reboot") not in visits(deployed, node, "BootNewEnv")
        assert visits(deployed, node, "BootNewEnv")[-1] == ("Classical", "wait_reboot")
        assert {instance for instance, _ in visits(deployed, node, "BroadcastEnv")} == {"Chain"}


@pytest.mark.parametrize("node", ["node-1", "node-2"])
def test_the_scripts_of_an_environment_run_on_the_nodes(deployed: ServedLab, node: str) -> None:
    root = partition_path(deployed.lab.node(node).spec.disk.block_device, 3)
    assert deployed.ssh(node, "cat /root/postinstalled") == f"{node} lab {root} hello"


def with_postinstall(served: ServedLab) -> Path:
    """A description like the demo's, with a postinstall that leaves a note in the tree."""
    archive = BUILD / "images/vmtest-postinstall.tgz"
    data = SCRIPT.encode()
    with tarfile.open(archive, "w:gz") as packed:
        entry = tarfile.TarInfo("note.sh")
        entry.size, entry.mode = len(data), 0o755
        packed.addfile(entry, io.BytesIO(data))
    described = yaml.safe_load((BUILD / f"images/{ENVIRONMENT}.yaml").read_text())
    described["postinstalls"] = [
        {"archive": f"server://{archive}", "compression": "gzip", "script": "note.sh hello"},
    ]
    path = served.directory / "with-postinstall.yaml"
    path.write_text(yaml.safe_dump(described))
    return path


def test_the_plan_says_so_before(whole_lab: ServedLab) -> None:
    """Also from the command line, which wins over the cluster's file."""
    said = whole_lab.run(
        *("kadeploy", "-m", "node-1", "-e", ENVIRONMENT, "--dry-run"),
        *("--force-steps", "BootNewEnv|Classical:1:400,HardReboot:0:400"),
    )
    assert said.returncode == 0, said.stderr
    assert "BootNewEnv: Classical (1 retry, at most 400 s)" in said.stdout
    assert "BootNewEnv: HardReboot (if that fails, at most 400 s)" in said.stdout
    assert "BootNewEnv: Kexec" not in said.stdout


def test_the_server_tells_its_automaton(deployed: ServedLab) -> None:
    info = deployed.get("/info")
    told = info["automata"]["lab"]
    assert [one["name"] for one in told["BootNewEnv"]] == ["BootNewEnvKexec", "BootNewEnvClassical"]
    assert "KADEPLOY_DEPLOY_PART" in info["vars"]
