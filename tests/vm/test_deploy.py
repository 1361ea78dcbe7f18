"""Deployments on real machines: the firmware boots over the network, the disks are blank, the faults are real.

What agents and server say to each other is said in TLS, from the minimal environment's first word on.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
from typing import Any

import pytest

from kadeploy.domain.disk import partition_path
from kadeploy.lab.site import MEET_PORT
from tests.vm.bmcs import switch_off
from tests.vm.served_lab import ENVIRONMENT, LAYOUT, ServedLab, installed_and_on_its_own_disk, report_of
from tests.vm.waiting import wait_for

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]

DEPLOYED = ("node-1", "node-2", "node-3")
# What is installed counts as the production system from now on.
OTHERS = {"deploy": "prod", "prod": "deploy"}
WITH_PRODUCTION = [{**part, "role": OTHERS.get(part["role"], part["role"])} for part in LAYOUT]
PRODUCTION, BESIDE_PRODUCTION = 3, 4
BY_KEXEC = ("--force-steps", "SetDeploymentEnv|Kexec:0:600")
FROM_PRODUCTION = (
    *("--force-steps", "SetDeploymentEnv|Prod:0:600&BootNewEnv|Kexec:0:600"),
    "--disable-bootloader-install",  # that system has no GRUB to install
)
PATIENCE = 120  # seconds, with other tests' machines on the same processors
ONE_TRY = {"macrosteps": {"SetDeploymentEnv": [{"type": "Untrusted"}]}}


def begin(served: ServedLab, nodes: str, *argv: str) -> subprocess.Popen[str]:
    key = f"{served.key}.pub"
    return served.begin("kadeploy", "-m", nodes, "-e", ENVIRONMENT, "-k", key, "-o", f"ok-{nodes}", "-n", "ko", *argv)


def boot_id(served: ServedLab, node: str) -> str:
    return served.ssh(node, "cat /proc/sys/kernel/random/boot_id")


@pytest.fixture(scope="module")
def deployed(whole_lab: ServedLab) -> ServedLab:
    """Three nodes that run the system and may be left so; the daemon was killed while it sent the image."""
    whole_lab.switch_off()
    tool = begin(whole_lab, "node-[1-3]")
    wait_for(lambda: in_broadcast(whole_lab, "node-1"), 300, "the broadcast has begun")
    whole_lab.kill()
    whole_lab.start()
    said, _ = tool.communicate(timeout=600)
    assert tool.returncode == 0, said
    return whole_lab


def test_a_killed_daemon_goes_on_in_the_middle_of_the_broadcast_and_three_nodes_run_the_system(
    deployed: ServedLab,
) -> None:
    assert report_of(deployed.directory / "ok-node-[1-3]") == list(DEPLOYED)
    assert report_of(deployed.directory / "ko") == []
    for node in DEPLOYED:
        installed_and_on_its_own_disk(deployed, node)


def test_agents_meet_a_server_that_speaks_tls_only_and_is_of_the_pinned_authority(deployed: ServedLab) -> None:
    """They were told its fingerprint by their kernel's command line."""
    address = str(deployed.lab.spec.address)
    tls = ssl.create_default_context(cafile=deployed.authority)
    with (
        socket.create_connection((address, MEET_PORT)) as plain,
        tls.wrap_socket(plain, server_hostname=address) as met,
    ):
        assert met.version() == "TLSv1.3"
    at = (address, MEET_PORT)
    with socket.create_connection(at, timeout=20) as plain, tls.wrap_socket(plain, server_hostname=address) as met:
        assert met.version() == "TLSv1.3"
    with socket.create_connection(at, timeout=20) as plain:
        plain.sendall(b'{"kind": "hello"}\n')
        with contextlib.suppress(ConnectionResetError):
            assert not plain.recv(1024).startswith(b"{")


def test_they_come_back_from_their_own_disk(deployed: ServedLab) -> None:
    before = {node: boot_id(deployed, node) for node in ("node-1", "node-2")}
    rebooted = deployed.run("kareboot", "-m", "node-[1-2]", "-l", "hard")
    assert rebooted.returncode == 0, rebooted.stdout + rebooted.stderr
    for node, boot in before.items():
        installed_and_on_its_own_disk(deployed, node)
        assert boot_id(deployed, node) != boot


def test_the_server_tells_its_automaton(deployed: ServedLab) -> None:
    told = deployed.get("/info")["automata"]["lab"]
    assert [one["name"] for one in told["BootNewEnv"]] == [
        "BootNewEnvKexec",
        "BootNewEnvClassical",
        "BootNewEnvHardReboot",
    ]


@pytest.fixture(scope="module")
def reinstalled(deployed: ServedLab) -> ServedLab:
    """The server has a key to the systems that run; from these the nodes are installed again, without their firmware:
    two through the minimal environment, of which one is to come back into the system that it had, and beside these one
    by an agent in the system itself; all on a partition beside it."""
    partitioning = {"partitioning": {"block_device": "/dev/vda", "layout": WITH_PRODUCTION}}
    key: dict[str, Any] = {"ssh_private_key": str(deployed.key)}
    with deployed.configured({"lab.conf": partitioning, "server.conf": key}):
        tools = [
            begin(deployed, "node-1", *BY_KEXEC),
            begin(deployed, "node-2", *BY_KEXEC, "-c", str(PRODUCTION)),
            begin(deployed, "node-3", *FROM_PRODUCTION),
        ]
        said = [tool.communicate(timeout=600)[0] for tool in tools]
        assert [tool.returncode for tool in tools] == [0, 0, 0], "\n".join(said)
    return deployed


def name_on(served: ServedLab, node: str, partition: int) -> str:
    """That of the system on a partition that does not run."""
    device = partition_path(served.lab.node(node).spec.disk.block_device, partition)
    return served.ssh(node, f"mount {device} /mnt && cat /mnt/etc/hostname; umount /mnt")


def test_a_node_is_installed_by_kexec_from_the_system_that_runs(reinstalled: ServedLab) -> None:
    assert report_of(reinstalled.directory / "ok-node-1") == ["node-1"]
    installed_and_on_its_own_disk(reinstalled, "node-1", BESIDE_PRODUCTION)


def test_a_node_comes_back_into_the_partition_that_was_named(reinstalled: ServedLab) -> None:
    assert report_of(reinstalled.directory / "ok-node-2") == ["node-2"]
    installed_and_on_its_own_disk(reinstalled, "node-2", PRODUCTION)
    assert name_on(reinstalled, "node-2", BESIDE_PRODUCTION) == "node-2"


def test_a_node_is_installed_from_its_production_system_which_stays(reinstalled: ServedLab) -> None:
    assert report_of(reinstalled.directory / "ok-node-3") == ["node-3"]
    installed_and_on_its_own_disk(reinstalled, "node-3", BESIDE_PRODUCTION)
    assert name_on(reinstalled, "node-3", PRODUCTION) == "node-3"


def test_systems_on_one_disk_are_booted_in_turns(reinstalled: ServedLab) -> None:
    reboot = ("kareboot", "-m", "node-1", "-l", "hard")
    for partition in (PRODUCTION, BESIDE_PRODUCTION):
        recorded = ("-r", "recorded_env", "-e", ENVIRONMENT, "-p", str(partition))
        back = reinstalled.run(*reboot, *recorded)
        assert back.returncode == 0, back.stdout + back.stderr
        installed_and_on_its_own_disk(reinstalled, "node-1", partition)


def test_bad_days_of_some_nodes_are_theirs_alone(whole_lab: ServedLab) -> None:
    """node-1 is switched off by its BMC in the broadcast, which node-2 reads from it; node-3 never boots, node-4's disk
    is too small, node-5's BMC refuses."""
    whole_lab.switch_off()
    whole_lab.lab.node("node-3").unplug()
    patience: dict[str, Any] = {"timeouts": {"reboot": PATIENCE, "kexec": 240}, "automata": ONE_TRY}
    try:
        with whole_lab.configured({"lab.conf": patience}):
            tool = begin(whole_lab, "node-[1-5]")
            wait_for(lambda: in_broadcast(whole_lab, "node-2"), 400, "the broadcast has begun")
            switch_off(whole_lab.lab, "node-1")
            whole_lab.lab.node("node-1").unplug()
            said, _ = tool.communicate(timeout=800)
            reasons = {name: node["reason"] for name, node in whole_lab.board()["nodes"].items()}
    finally:
        whole_lab.lab.node("node-1").plug()
        whole_lab.lab.node("node-3").plug()
    assert tool.returncode != 0
    assert report_of(whole_lab.directory / "ok-node-[1-5]") == ["node-2"], said
    assert report_of(whole_lab.directory / "ko") == ["node-1", "node-3", "node-4", "node-5"]
    installed_and_on_its_own_disk(whole_lab, "node-2")
    assert f"no answer from the minimal environment within {PATIENCE} s" in reasons["node-3"]
    assert "too small" in reasons["node-4"]
    assert "refused the user or password" in reasons["node-5"]
    assert reasons["node-1"]


def in_broadcast(served: ServedLab, node: str) -> bool:
    """Whether some of the image has reached the node."""
    here = served.board().get("nodes", {}).get(node, {})
    return bool(here.get("micro") == "send_environment" and here.get("done", 0) > 1_000_000)
