"""Automata from configuration on real machines: what they say is what the nodes go through, and scripts really run."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

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


def configure(served: ServedLab, automata: dict[str, Any] | None) -> None:
    """None: the built-in automaton."""

    def change(content: Any) -> None:
        content.pop("automata", None)
        if automata is not None:
            content["automata"] = automata

    served.stop()
    served.change("lab.conf", change)
    served.start()


def visits(served: ServedLab, node: str, macro: str) -> list[tuple[str, str]]:
    """The instance and micro-step of each visit of that macro-step, in order, of the newest deployment."""
    board = served.board()
    return [
        (step["instance"], step["micro"]) for step in board["steps"] if step["macro"] == macro and node in names(step)
    ]


def names(step: dict[str, Any]) -> list[str]:
    nodes: str = step["nodes"]
    return ["node-1", "node-2"] if nodes == "node-[1-2]" else nodes.split(",")


def test_kexec_fails_and_classical_succeeds(served: ServedLab) -> None:
    configure(served, AUTOMATA)
    try:
        key = f"{served.key}.pub"
        done = served.run("kadeploy", "-m", "node-[1-2]", "-e", ENVIRONMENT, "-k", key, "-o", "ok", "-n", "ko")
        assert done.returncode == 0, done.stdout + done.stderr
        assert report_of(served.directory / "ok") == ["node-1", "node-2"]
        for node in ("node-1", "node-2"):
            installed_and_on_its_own_disk(served, node)
            instances = [instance for instance, _ in visits(served, node, "BootNewEnv")]
            assert instances[0] == "Kexec"
            assert instances[-1] == "Classical"
            assert ("Kexec", "wait_reboot") not in visits(served, node, "BootNewEnv")
            assert visits(served, node, "BootNewEnv")[-1] == ("Classical", "wait_reboot")
            assert {instance for instance, _ in visits(served, node, "BroadcastEnv")} == {"Chain"}
    finally:
        configure(served, None)


def test_the_plan_says_so_before(served: ServedLab) -> None:
    """Also from the command line, which wins over the cluster's file."""
    said = served.run(
        *("kadeploy", "-m", "node-1", "-e", ENVIRONMENT, "--dry-run"),
        *("--force-steps", "BootNewEnv|Classical:1:400,HardReboot:0:400"),
    )
    assert said.returncode == 0, said.stderr
    assert "BootNewEnv: Classical (1 retry, at most 400 s)" in said.stdout
    assert "BootNewEnv: HardReboot (if that fails, at most 400 s)" in said.stdout
    assert "BootNewEnv: Kexec" not in said.stdout


SCRIPT = """#!/bin/sh -e
tree=$KADEPLOY_ENV_EXTRACTION_DIR
echo "$KADEPLOY_NODE $KADEPLOY_CLUSTER $KADEPLOY_DEPLOY_PART $1" > "$tree/root/postinstalled"
"""


def test_the_scripts_of_an_environment_run_on_the_nodes(served: ServedLab) -> None:
    environment = with_postinstall(served)
    done = served.run("kadeploy", "-m", "node-1", "-a", environment, "-k", f"{served.key}.pub", "-o", "ok", "-n", "ko")
    assert done.returncode == 0, done.stdout + done.stderr
    disk = "/dev/nvme0n1p3" if served.lab.node("node-1").spec.disk.value == "nvme" else "/dev/vda3"
    assert served.ssh("node-1", "cat /root/postinstalled") == f"node-1 lab {disk} hello"


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


def test_the_server_tells_its_automaton(served: ServedLab) -> None:
    info = httpx2.get(f"{served.url}/info").json()
    told = info["automata"]["lab"]
    assert [one["name"] for one in told["BootNewEnv"]] == [
        "BootNewEnvKexec",
        "BootNewEnvClassical",
        "BootNewEnvHardReboot",
    ]
    assert "KADEPLOY_DEPLOY_PART" in info["vars"]
