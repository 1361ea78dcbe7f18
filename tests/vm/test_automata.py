"""Automata from configuration on real machines: what they say is what the nodes go through, and scripts really run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kadeploy.domain.disk import partition_path
from kadeploy.domain.exported import NAMES
from tests.vm.own_environment import visits, with_scripts
from tests.vm.served_lab import ENVIRONMENT, ServedLab, installed_and_on_its_own_disk, report_of

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
# Makes the disk ready itself: the layout's partitions as far as they are needed, with names of its own.
BEFORE = """#!/bin/sh -e
env > "$KADEPLOY_TMP_DIR/told"
echo "$1 from $0 in $PWD" >> "$KADEPLOY_TMP_DIR/called"
if [ -d /sys/firmware/efi ]; then first=uefi; else first=21686148-6449-6E6F-744E-656564454649; fi
sfdisk --quiet --wipe always --wipe-partitions always "$KADEPLOY_BLOCK_DEVICE" << TABLE
label: gpt
size=64MiB, type=$first, name="my-boot"
size=256MiB, type=swap, name="my-swap"
size=2GiB, type=linux, name="my-root"
TABLE
swap=${KADEPLOY_DEPLOY_PART%$KADEPLOY_DEPLOY_PART_NUM}$KADEPLOY_SWAP_PART_NUM
until [ -b "$KADEPLOY_DEPLOY_PART" ] && [ -b "$swap" ]; do sleep 0.1; done
mkswap "$swap"
"mkfs.$KADEPLOY_FS_TYPE" -q -F -L mine "$KADEPLOY_DEPLOY_PART"
mkdir -p "$KADEPLOY_ENV_EXTRACTION_DIR"
mount "$KADEPLOY_DEPLOY_PART" "$KADEPLOY_ENV_EXTRACTION_DIR"
"""
AFTER = """#!/bin/sh -e
tree=$KADEPLOY_ENV_EXTRACTION_DIR
echo "$KADEPLOY_NODE $KADEPLOY_CLUSTER $KADEPLOY_DEPLOY_PART $1" > "$tree/root/postinstalled"
cp "$KADEPLOY_TMP_DIR/told" "$KADEPLOY_TMP_DIR/called" "$tree/root"
"""


@pytest.fixture(scope="module")
def deployed(whole_lab: ServedLab) -> Iterator[ServedLab]:
    """node-1 and node-2, by the automata above, in an environment with scripts; their agents speak plain TCP."""
    whole_lab.switch_off()
    with whole_lab.configured({"lab.conf": {"automata": AUTOMATA}, "server.conf": AGENTS_WITHOUT_TLS}):
        own = {"custom_variables": {"OF_THE_ENVIRONMENT": "its own words"}}
        environment = with_scripts(whole_lab, "preinstalled", before=BEFORE, after=AFTER, **own)
        key = f"{whole_lab.key}.pub"
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


def test_an_environments_own_preinstall_makes_the_disk_ready(deployed: ServedLab) -> None:
    """In the place of all that the cluster's layout says."""
    for node in ("node-1", "node-2"):
        micros = visits(deployed, node, "SetDeploymentEnv")
        assert {instance for instance, _ in micros} == {"UntrustedCustomPreInstall"}
        assert [micro for _, micro in micros][-1] == "manage_admin_pre_install"
        assert deployed.ssh(node, "cat /root/called") == "hello from /rambin/script.sh in /rambin"
        assert deployed.ssh(node, "lsblk -rno PARTLABEL | grep .").split() == ["my-boot", "my-swap", "my-root"]
        assert deployed.ssh(node, "lsblk -no LABEL $(findmnt -no SOURCE /)") == "mine"


def test_it_is_told_of_the_node_the_disk_and_the_environment(deployed: ServedLab) -> None:
    for node in ("node-1", "node-2"):
        disk = deployed.lab.node(node).spec.disk.block_device
        told = dict(line.partition("=")[::2] for line in deployed.ssh(node, "cat /root/told").splitlines())
        assert told.keys() >= NAMES.keys()
        assert told["KADEPLOY_OPERATION"].startswith("D-")
        wanted = {
            "KADEPLOY_NODE": node,
            "KADEPLOY_CLUSTER": "lab",
            "KADEPLOY_USER": "root",
            "KADEPLOY_ENV": "preinstalled",
            "KADEPLOY_ENV_KERNEL": "/vmlinuz",
            "KADEPLOY_ENV_INITRD": "/initrd.img",
            "KADEPLOY_OS_KIND": "linux",
            "KADEPLOY_FS_TYPE": "ext4",
            "KADEPLOY_BLOCK_DEVICE": disk,
            "KADEPLOY_DEPLOY_PART": partition_path(disk, 3),
            "KADEPLOY_DEPLOY_PART_NUM": "3",
            "KADEPLOY_SWAP_PART_NUM": "2",
            "KADEPLOY_PROD_PART_NUM": "4",
            "KADEPLOY_TMP_PART_NUM": "5",
            "KADEPLOY_ENV_EXTRACTION_DIR": "/mnt/dest",
            "KADEPLOY_PREPOST_EXTRACTION_DIR": "/rambin",
            "OF_THE_ENVIRONMENT": "its own words",
        }
        assert {name: told[name] for name in wanted} == wanted


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
