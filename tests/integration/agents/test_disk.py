"""The disk commands for real, on a loop device."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from kadeploy.agent.mounts import mounted
from kadeploy.errors import CommandFailed
from tests.integration.agents.on_disk import GIB, MIB, kind_of, run, said

LAYOUT = [
    {"number": 1, "role": "swap", "size": 64 * MIB, "filesystem": ""},
    {"number": 2, "role": "boot", "size": 48 * MIB, "filesystem": ""},
    {"number": 3, "role": "deploy", "size": 1200 * MIB, "filesystem": "ext4"},
    {"number": 5, "role": "tmp", "size": 0, "filesystem": "ext4"},
]


def types_of(disk: str) -> dict[str, str]:
    table = json.loads(said("sfdisk", "--json", disk))["partitiontable"]
    assert table["label"] == "gpt"
    return {part["node"]: part["type"] for part in table["partitions"]}


@pytest.mark.parametrize(
    ("firmware", "boot"),
    [("bios", "21686148-6449-6E6F-744E-656564454649"), ("uefi", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B")],
)
def test_partition(disk: str, firmware: str, boot: str) -> None:
    run("partition", device=disk, layout=LAYOUT, firmware=firmware)
    data = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
    assert types_of(disk) == {
        f"{disk}p1": "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F",
        f"{disk}p2": boot,
        f"{disk}p3": data,
        f"{disk}p5": data,
    }
    assert int(said("blockdev", "--getsize64", f"{disk}p3")) == 1200 * MIB
    assert int(said("blockdev", "--getsize64", f"{disk}p5")) > 700 * MIB
    if firmware == "uefi":
        assert kind_of(f"{disk}p2") == "vfat"


def test_partition_again_over_what_is_mounted(disk: str, tmp_path: Path) -> None:
    run("partition", device=disk, layout=LAYOUT, firmware="bios")
    run("format", device=f"{disk}p3", filesystem="ext4")
    run("mount", device=f"{disk}p3", path=str(tmp_path / "mnt"))
    run("partition", device=disk, layout=LAYOUT[:3], firmware="bios")
    assert list(types_of(disk)) == [f"{disk}p1", f"{disk}p2", f"{disk}p3"]
    assert not Path(f"{disk}p5").exists()
    assert kind_of(f"{disk}p3") == "", "an old signature is left"


def uuid_of(device: str) -> str:
    """That of the partition itself, by which systems name their root, too."""
    return said("blkid", "-p", "-s", "PART_ENTRY_UUID", "-o", "value", device)


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_a_table_that_is_as_asked_stays_with_all_that_is_in_its_partitions(
    disk: str, tmp_path: Path, firmware: str
) -> None:
    run("partition", device=disk, layout=LAYOUT, firmware=firmware)
    run("format", device=f"{disk}p3", filesystem="ext4")
    run("mount", device=f"{disk}p3", path=str(tmp_path / "mnt"))
    (tmp_path / "mnt/kept").write_text("x")
    before = [uuid_of(f"{disk}p{number}") for number in (1, 2, 3, 5)]
    renamed = [{**part, "role": "prod" if part["role"] == "deploy" else part["role"]} for part in LAYOUT]
    run("partition", device=disk, layout=renamed, firmware=firmware)
    assert [uuid_of(f"{disk}p{number}") for number in (1, 2, 3, 5)] == before
    run("mount", device=f"{disk}p3", path=str(tmp_path / "mnt"))
    assert (tmp_path / "mnt/kept").read_text() == "x"


def test_a_production_system_stays_where_it_is_when_the_others_change(disk: str, tmp_path: Path) -> None:
    with_production = [
        {"number": 1, "role": "prod", "size": 600 * MIB},
        {"number": 2, "role": "deploy", "size": 300 * MIB},
        {"number": 3, "role": "tmp", "size": 0},
    ]
    run("partition", device=disk, layout=with_production, firmware="bios")
    for number in (1, 2):
        run("format", device=f"{disk}p{number}", filesystem="ext4")
    run("mount", device=f"{disk}p1", path=str(tmp_path / "mnt"))
    (tmp_path / "mnt/kept").write_text("x")
    before = [uuid_of(f"{disk}p{number}") for number in (1, 2)]
    run("partition", device=disk, layout=with_production[:2], firmware="bios")
    assert kind_of(f"{disk}p2") == ""
    assert not Path(f"{disk}p3").exists()
    assert [uuid_of(f"{disk}p{number}") for number in (1, 2)] == before
    run("mount", device=f"{disk}p1", path=str(tmp_path / "mnt"))
    assert (tmp_path / "mnt/kept").read_text() == "x"


def test_a_table_of_another_kind_is_written_anew(disk: str) -> None:
    table = b"label: dos\nsize=64MiB, type=82\nsize=48MiB\nsize=1200MiB\n"
    subprocess.run(["sfdisk", "-q", disk], input=table, check=True)
    run("partition", device=disk, layout=LAYOUT, firmware="bios")
    assert list(types_of(disk)) == [f"{disk}p{number}" for number in (1, 2, 3, 5)]


def test_a_disk_that_is_too_small(disk: str) -> None:
    layout = [{"number": 1, "role": "deploy", "size": 3 * GIB}]
    with pytest.raises(CommandFailed, match=r"is too small: it has 2.0 GiB, the layout needs 3.0 GiB"):
        run("partition", device=disk, layout=layout, firmware="bios")


def test_a_disk_that_is_not_there() -> None:
    with pytest.raises(CommandFailed, match="there is no disk /dev/sdzz on this node, which has "):
        run("partition", device="/dev/sdzz", layout=LAYOUT, firmware="bios", wait=0)


@pytest.mark.parametrize("filesystem", ["ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "swap"])
def test_format_and_again(disk: str, filesystem: str) -> None:
    for label in ("ONE", "TWO"):
        run("format", device=disk, filesystem=filesystem, label=label)
        assert kind_of(disk) == filesystem
        assert said("blkid", "-p", "-s", "LABEL", "-o", "value", disk) == label


def test_what_holds_a_file_system_can_be_kept(disk: str) -> None:
    subprocess.run(["mkswap", disk], check=True, capture_output=True)
    assert run("format", device=disk, filesystem="xfs", keep=True) == ""
    assert kind_of(disk) == "xfs"
    assert run("format", device=disk, filesystem="ext4", keep=True) == "xfs is left as it is"
    assert kind_of(disk) == "xfs"
    run("format", device=disk, filesystem="ext4", keep=False)
    assert kind_of(disk) == "ext4"


def test_what_was_at_the_end_of_a_partition_is_not_found_there_any_more(disk: str) -> None:
    """mkfs.ext4 alone leaves it, and then nothing says what the partition holds."""
    sectors = int(said("blockdev", "--getsz", disk))
    with Path(disk).open("r+b") as device:
        device.seek((sectors & ~0x7F) * 512 - 64 * 1024)  # the superblock of Linux's RAID, version 0.90
        device.write((0xA92B4EFC).to_bytes(4, "little") + (0).to_bytes(4, "little") + (90).to_bytes(4, "little"))
    assert kind_of(disk) == "linux_raid_member"
    run("format", device=disk, filesystem="ext4")
    assert kind_of(disk) == "ext4"


def test_format_says_what_the_tool_said(disk: str) -> None:
    with pytest.raises(CommandFailed, match=r"mkfs.ext4 exited with 1: .*\(command: mkfs.ext4 -q .*/dev/loop"):
        run("format", device=disk, filesystem="ext4", options=["-b", "77"])
    with pytest.raises(CommandFailed, match="'ntfs' is not a file system this agent makes"):
        run("format", device=disk, filesystem="ntfs")


def test_mount_and_unmount_are_idempotent(disk: str, tmp_path: Path) -> None:
    run("format", device=disk, filesystem="xfs")
    where, below = tmp_path / "a b", tmp_path / "a b/proc"
    for _ in range(2):
        run("mount", device=disk, path=str(where))
    below.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(below)], check=True)
    assert [entry.path for entry in mounted() if entry.path.startswith(str(where))] == [str(where), str(below)]
    for _ in range(2):
        run("unmount", path=str(where) + "/")
    assert not [entry.path for entry in mounted() if entry.path.startswith(str(where))]


def test_unmount_what_stays_busy(disk: str, tmp_path: Path) -> None:
    run("format", device=disk, filesystem="ext4")
    run("mount", device=disk, path=str(tmp_path / "mnt"))
    with (tmp_path / "mnt/held").open("w"):
        run("unmount", path=str(tmp_path / "mnt"))
        assert not [entry for entry in mounted() if entry.source == disk]


def test_a_tree_becomes_the_node_s_own(disk: str, tmp_path: Path) -> None:
    tree = tmp_path / "mnt"
    run("partition", device=disk, layout=LAYOUT, firmware="bios")
    run("format", device=f"{disk}p3", filesystem="ext4")
    run("format", device=f"{disk}p1", filesystem="swap")
    run("mount", device=f"{disk}p3", path=str(tree))
    for folder in ("etc", "root", "boot"):
        (tree / folder).mkdir()
    (tree / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (tree / "boot/vmlinuz-6.1").write_bytes(b"kernel")
    (tree / "vmlinuz").symlink_to("/boot/vmlinuz-6.1")

    mounts = {f"{disk}p3": "/", f"{disk}p1": "swap", f"{disk}p2": "/boot/efi", f"{disk}p5": "/tmp"}
    run("configure_system", tree=str(tree), hostname="node-1.site", mounts=mounts)
    root = said("blkid", "-p", "-s", "UUID", "-o", "value", f"{disk}p3")
    assert (tree / "etc/fstab").read_text().splitlines()[1:] == [
        f"UUID={root} / ext4 errors=remount-ro 0 1",
        f"PARTUUID={uuid_of(f'{disk}p1')} none swap sw,nofail 0 0",
    ]
    assert (tree / "etc/machine-id").read_text() == ""
    assert (tree / "etc/hostname").read_text() == "node-1.site\n"

    assert run("authorize", tree=str(tree), keys="ssh-ed25519 A me\n") == "1"
    assert (tree / "root/.ssh").stat().st_mode & 0o777 == 0o700
    assert (tree / "root/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600

    with pytest.raises(CommandFailed, match=r"the image has no file /initrd\.img"):
        run("check_files", tree=str(tree), files=["/vmlinuz", "/initrd.img"])
    (tree / "initrd.img").symlink_to("boot/initrd.img-6.1")
    with pytest.raises(
        CommandFailed, match=r"the image has no file /initrd\.img, which leads to /boot/initrd\.img-6\.1"
    ):
        run("check_files", tree=str(tree), files=["/vmlinuz", "/initrd.img"])
    run("check_files", tree=str(tree), files=["/vmlinuz"])
