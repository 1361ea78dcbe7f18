"""SetDeploymentEnv `Nfsroot` on real machines: their minimal environment has its root on an NFS server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kadeploy.lab.site import PARAMS
from kadeploy.minienv.build import INITRD, KERNEL
from kadeploy.minienv.nfsroot import ROOT, build_nfsroot
from tests.vm.nfs_server import exported
from tests.vm.own_environment import visits, with_scripts
from tests.vm.served_lab import BUILD, ServedLab, installed_and_on_its_own_disk, report_of

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]

WHOSE = "this is read from the exported tree"
# In the minimal environment, while the system is installed.
LOOK = """#!/bin/sh -e
notes=$KADEPLOY_ENV_EXTRACTION_DIR/root
cp /etc/whose "$notes/whose"
cp /proc/fs/nfsfs/volumes "$notes/volumes"
cp /proc/mounts "$notes/mounts"
"""


@pytest.fixture(scope="module")
def deployed(whole_lab: ServedLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedLab]:
    """node-1 and node-2, which share one root."""
    whole_lab.switch_off()
    folder = tmp_path_factory.mktemp("nfsroot")
    build_nfsroot(BUILD / "minienv", folder)
    (folder / ROOT / "etc/whose").write_text(WHOSE)
    address = str(whole_lab.lab.spec.address)
    with exported(folder / ROOT, address=address, folder=folder / "server") as named:
        nfsroot = {"vmlinuz": str(folder / KERNEL), "initrd": str(folder / INITRD)}
        kernels: dict[str, Any] = {
            "deploy": {"params": PARAMS},
            "user": {"params": PARAMS},
            "nfsroot": {**nfsroot, "params": f"nfsroot={named}"},
        }
        with whole_lab.configured({"lab.conf": {"boot": {"kernels": kernels}}}):
            environment = with_scripts(whole_lab, "look-around", after=LOOK)
            done = whole_lab.run(
                *("kadeploy", "-m", "node-[1-2]", "-a", environment, "-k", f"{whole_lab.key}.pub"),
                *("--force-steps", "SetDeploymentEnv|Nfsroot:0:600", "-o", "ok-nfs", "-n", "ko-nfs"),
            )
            assert done.returncode == 0, done.stdout + done.stderr
            yield whole_lab


def test_nodes_are_installed_from_a_minimal_environment_whose_root_is_on_nfs(deployed: ServedLab) -> None:
    assert report_of(deployed.directory / "ok-nfs") == ["node-1", "node-2"]
    for node in ("node-1", "node-2"):
        assert {instance for instance, _ in visits(deployed, node, "SetDeploymentEnv")} == {"Nfsroot"}
        installed_and_on_its_own_disk(deployed, node)


@pytest.mark.parametrize("node", ["node-1", "node-2"])
def test_that_environment_came_from_the_server_and_from_no_ramdisk(deployed: ServedLab, node: str) -> None:
    assert deployed.ssh(node, "cat /root/whose") == WHOSE
    heading, volume = deployed.ssh(node, "cat /root/volumes").splitlines()
    assert heading.split()[:2] == ["NV", "SERVER"]
    assert volume.split()[:2] == ["v4", deployed.lab.spec.address.packed.hex()]
    mounts = [line.split() for line in deployed.ssh(node, "cat /root/mounts").splitlines()]
    assert [where for _, where, kind, *_ in mounts if kind == "overlay"] == ["/"]
    assert "squashfs" not in [kind for _, _, kind, *_ in mounts]
