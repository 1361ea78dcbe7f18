"""The variables that scripts on nodes are told."""

from __future__ import annotations

import pytest

from kadeploy.domain.disk import MIB, Layout, Partition, Role
from kadeploy.domain.environment import KernelSpec, OsKind
from kadeploy.domain.exported import NAMES, exported, substitute, unknown_variables, variable_faults
from kadeploy.domain.node import Cluster, Node
from kadeploy.testing.sites import environment_of

NODE = Node(name="node-1", cluster="c1", address="10.0.0.1", block_device="/dev/nvme0n1")
CLUSTER = Cluster(
    name="c1",
    user_params="console=ttyS0",
    layout=Layout(
        partitions=(
            Partition(number=1, role=Role.BOOT, size=64 * MIB),
            Partition(number=2, role=Role.SWAP, size=256 * MIB),
            Partition(number=4, role=Role.PROD, size=256 * MIB),
            Partition(number=3, role=Role.DEPLOY, size=3072 * MIB),
            Partition(number=5, role=Role.TMP, filesystem="xfs"),
        )
    ),
)
ENVIRONMENT = environment_of(
    os=OsKind.XEN,
    boot=KernelSpec(
        kernel="/vmlinuz", initrd="/initrd", kernel_params="quiet", hypervisor="/xen", hypervisor_params="dom0_mem=1G"
    ),
    partition_type=0x83,
    custom_variables={"SITE": "nancy", "WHO": "environment"},
)


def test_every_variable_has_its_value() -> None:
    variables = exported(CLUSTER, ENVIRONMENT, partition=3, tmp_filesystem="ext4", defined={"WHO": "request"})
    assert variables.of(NODE, operation="D-1", user="alice") == {
        "KADEPLOY_CLUSTER": "c1",
        "KADEPLOY_ENV": "debian12",
        "KADEPLOY_ENV_KERNEL": "/vmlinuz",
        "KADEPLOY_ENV_INITRD": "/initrd",
        "KADEPLOY_ENV_KERNEL_PARAMS": "console=ttyS0 quiet",
        "KADEPLOY_ENV_HYPERVISOR": "/xen",
        "KADEPLOY_ENV_HYPERVISOR_PARAMS": "dom0_mem=1G",
        "KADEPLOY_OS_KIND": "xen",
        "KADEPLOY_DEPLOY_PART": "/dev/nvme0n1p3",
        "KADEPLOY_DEPLOY_PART_NUM": "3",
        "KADEPLOY_BLOCK_DEVICE": "/dev/nvme0n1",
        "KADEPLOY_SWAP_PART_NUM": "2",
        "KADEPLOY_PROD_PART_NUM": "4",
        "KADEPLOY_TMP_PART_NUM": "5",
        "KADEPLOY_PART_TYPE": "83",
        "KADEPLOY_FS_TYPE": "ext4",
        "KADEPLOY_FS_TYPE_TMP": "ext4",
        "KADEPLOY_ENV_EXTRACTION_DIR": "/mnt/dest",
        "KADEPLOY_PREPOST_EXTRACTION_DIR": "/rambin",
        "KADEPLOY_TMP_DIR": "/tmp",
        "KADEPLOY_NODE": "node-1",
        "KADEPLOY_USER": "alice",
        "KADEPLOY_OPERATION": "D-1",
        "SITE": "nancy",
        "WHO": "request",
    }


def test_a_whole_disk_has_no_partition() -> None:
    variables = exported(CLUSTER, ENVIRONMENT, partition=None, block_device="/dev/sdb").of(
        NODE, operation="D-1", user="alice"
    )
    assert variables["KADEPLOY_DEPLOY_PART"] == variables["KADEPLOY_BLOCK_DEVICE"] == "/dev/sdb"
    assert variables["KADEPLOY_DEPLOY_PART_NUM"] == ""
    assert variables["KADEPLOY_FS_TYPE_TMP"] == "xfs"


def test_without_an_environment_every_name_is_there_all_the_same() -> None:
    variables = exported(CLUSTER, partition=3)
    assert variables.of(NODE, operation="R-1", user="alice").keys() == NAMES.keys()
    assert variables.names == NAMES.keys()


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("$KADEPLOY_NODE/x", "node-1/x"),
        ("${KADEPLOY_NODE}x", "node-1x"),
        ("$$KADEPLOY_NODE", "$KADEPLOY_NODE"),
        ("$OTHER $ {}", "$OTHER $ {}"),
    ],
)
def test_variables_in_a_text(text: str, replaced: str) -> None:
    assert substitute(text, {"KADEPLOY_NODE": "node-1"}) == replaced


def test_what_would_stay_as_it_is_written() -> None:
    assert unknown_variables("$A/${B}/$C", frozenset({"B"})) == ("A", "C")


def test_all_faults_of_variables_at_once() -> None:
    defined = {"1A": "x", "KADEPLOY_NODE": "x", "OK_1": "x", "LONG": "x" * 8193, "NULL": "\0", "ä": "x"}
    assert list(variable_faults(defined, "v")) == [
        "v.1A: is no name of a variable: letters, digits and _ only, no digit first",
        "v.KADEPLOY_NODE: names that begin with KADEPLOY_ are Kadeploy's own",
        "v.LONG: must have at most 8192 characters",
        "v.NULL: must not hold a null character",
        "v.ä: is no name of a variable: letters, digits and _ only, no digit first",
    ]
    assert list(variable_faults({f"V{n}": "" for n in range(101)}, "v")) == [
        "v: at most 100 variables can be defined, not 101"
    ]
