"""Which kernel modules are chosen, and in which order the first stage inserts them."""

from __future__ import annotations

import pytest

from kadeploy.minienv import modules

DEP = """\
kernel/drivers/scsi/sd_mod.ko: kernel/lib/crc-t10dif.ko kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/scsi/scsi_mod.ko: kernel/drivers/scsi/scsi_common.ko
kernel/drivers/scsi/scsi_common.ko:
kernel/lib/crc-t10dif.ko:
kernel/crypto/crct10dif_generic.ko:
kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko
kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko
kernel/net/core/failover.ko:
kernel/fs/overlayfs/overlay.ko:
"""


@pytest.fixture(name="depends")
def fixture_depends() -> dict[str, tuple[str, ...]]:
    return modules.parse_dep(DEP)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("kernel/drivers/net/virtio_net.ko", "virtio_net"),
        ("kernel/lib/crc-t10dif.ko", "crc_t10dif"),
        ("kernel/net/core/failover.ko.xz", "failover"),
    ],
)
def test_a_modules_name_is_written_one_way(path: str, name: str) -> None:
    assert modules.module_name(path) == name


def test_what_a_module_depends_on_comes_along(depends: dict[str, tuple[str, ...]]) -> None:
    chosen, missing = modules.select(["sd_mod"], depends, {})
    assert chosen == (
        "kernel/drivers/scsi/scsi_common.ko",
        "kernel/drivers/scsi/scsi_mod.ko",
        "kernel/drivers/scsi/sd_mod.ko",
        "kernel/lib/crc-t10dif.ko",
    )
    assert missing == ()


def test_soft_dependencies_come_along_if_they_are_there(depends: dict[str, tuple[str, ...]]) -> None:
    soft = modules.parse_softdep("# a remark\nsoftdep crc_t10dif pre: crct10dif_generic post: not_there\n")
    chosen, missing = modules.select(["crc-t10dif"], depends, soft)
    assert chosen == ("kernel/crypto/crct10dif_generic.ko", "kernel/lib/crc-t10dif.ko")
    assert missing == ()


def test_names_that_are_not_there_are_all_told(depends: dict[str, tuple[str, ...]]) -> None:
    _, missing = modules.select(["no-such", "virtio_net", "nor_this"], depends, {})
    assert missing == ("no_such", "nor_this")


def test_modules_that_only_some_kernels_have_are_no_fault(depends: dict[str, tuple[str, ...]]) -> None:
    assert modules.select(sorted(modules.OPTIONAL), depends, {}) == ((), ())


def test_the_first_stage_inserts_dependencies_first_and_nothing_twice(depends: dict[str, tuple[str, ...]]) -> None:
    assert modules.load_order(["virtio_net", "net_failover", "overlay"], depends) == (
        "kernel/net/core/failover.ko",
        "kernel/drivers/net/net_failover.ko",
        "kernel/drivers/net/virtio_net.ko",
        "kernel/fs/overlayfs/overlay.ko",
    )


@pytest.mark.parametrize(
    "name",
    [
        *("virtio_net", "e1000", "e1000e", "igb", "igc", "ixgbe", "i40e", "ice", "bnxt_en", "bnx2x", "tg3", "mlx4_en"),
        *("mlx5_core", "r8169", "vmxnet3", "ahci", "nvme", "virtio_blk", "virtio_scsi", "megaraid_sas", "mpt3sas"),
        *("hpsa", "smartpqi", "aacraid", "ext4", "xfs", "btrfs", "vfat"),
    ],
)
def test_common_hardware_and_file_systems_are_wanted(name: str) -> None:
    assert name in modules.WANTED
