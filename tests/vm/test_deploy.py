"""Deployments on real machines: the firmware boots over the network, the disks are blank, the faults are real."""

from __future__ import annotations

import subprocess

import pytest

from tests.vm.served_lab import ENVIRONMENT, ServedLab, installed_and_on_its_own_disk, report_of, wait_for

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]


def deploy(served: ServedLab, nodes: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return served.run(
        "kadeploy", "-m", nodes, "-e", ENVIRONMENT, "-k", f"{served.key}.pub", "-o", "ok", "-n", "ko", *argv
    )


def test_three_nodes_run_the_system_and_come_back_to_it(served: ServedLab) -> None:
    done = deploy(served, "node-[1-3]")
    assert done.returncode == 0, done.stdout + done.stderr
    assert report_of(served.directory / "ok") == ["node-1", "node-2", "node-3"]
    assert report_of(served.directory / "ko") == []
    for node in ("node-1", "node-2", "node-3"):
        installed_and_on_its_own_disk(served, node)
    before = {node: served.ssh(node, "cat /proc/sys/kernel/random/boot_id") for node in ("node-1", "node-2")}
    rebooted = served.run("kareboot", "-m", "node-[1-2]", "-l", "hard")
    assert rebooted.returncode == 0, rebooted.stdout + rebooted.stderr
    for node, boot in before.items():
        installed_and_on_its_own_disk(served, node)
        assert served.ssh(node, "cat /proc/sys/kernel/random/boot_id") != boot


def test_a_killed_daemon_goes_on_in_the_middle_of_the_broadcast(served: ServedLab) -> None:
    tool = served.begin(
        "kadeploy", "-m", "node-[1-2]", "-e", ENVIRONMENT, "-k", f"{served.key}.pub", "-o", "ok", "-n", "ko"
    )
    wait_for(lambda: in_broadcast(served, "node-1"), 300, "the broadcast has begun")
    served.kill()
    served.start()
    said, _ = tool.communicate(timeout=600)
    assert tool.returncode == 0, said
    assert report_of(served.directory / "ok") == ["node-1", "node-2"]
    for node in ("node-1", "node-2"):
        installed_and_on_its_own_disk(served, node)


def test_bad_days_of_some_nodes_are_theirs_alone(served: ServedLab) -> None:
    """node-2 loses its power in the broadcast, node-3 never boots, node-4's disk is too small, node-5's BMC refuses."""
    served.stop()
    served.change("lab.conf", lambda content: content["timeouts"].update(reboot=100))
    served.start()
    served.lab.node("node-3").unplug()
    tool = served.begin(
        "kadeploy", "-m", "node-[1-5]", "-e", ENVIRONMENT, "-k", f"{served.key}.pub", "-o", "ok", "-n", "ko"
    )
    try:
        wait_for(lambda: in_broadcast(served, "node-2"), 400, "the broadcast has begun")
        served.lab.node("node-2").destroy()
        served.lab.node("node-2").unplug()
        said, _ = tool.communicate(timeout=800)
    finally:
        served.lab.node("node-2").plug()
        served.lab.node("node-3").plug()
    assert tool.returncode != 0
    assert report_of(served.directory / "ok") == ["node-1"], said
    assert report_of(served.directory / "ko") == ["node-2", "node-3", "node-4", "node-5"]
    installed_and_on_its_own_disk(served, "node-1")
    reasons = {name: node["reason"] for name, node in served.board()["nodes"].items()}
    assert "no answer from the minimal environment within 100 s" in reasons["node-3"]
    assert "too small" in reasons["node-4"]
    assert "refused the user or password" in reasons["node-5"]
    assert reasons["node-2"]


def in_broadcast(served: ServedLab, node: str) -> bool:
    """Whether some of the image has reached the node."""
    here = served.board().get("nodes", {}).get(node, {})
    return bool(here.get("micro") == "send_environment" and here.get("done", 0) > 1_000_000)
