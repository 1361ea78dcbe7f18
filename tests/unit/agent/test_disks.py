from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.agent.blocks import Disk, disks, partitions, readable, size_of
from kadeploy.agent.commands.format import maker
from kadeploy.agent.facts import firmware, gather
from kadeploy.agent.gpt import (
    BIOS_BOOT,
    EFI_SYSTEM,
    LINUX_DATA,
    LINUX_SWAP,
    is_made,
    layout_from,
    parse_table,
    parse_uuids,
    sfdisk_script,
)
from kadeploy.agent.mounts import Mounted, below, of_disk, parse_mountinfo
from kadeploy.agent.signatures import Signature, parse_blkid
from kadeploy.agent.swaps import swaps_of
from kadeploy.errors import CommandFailed

GIB = 1 << 30
LAYOUT = [
    {"number": 1, "role": "swap", "size": 4 * GIB, "filesystem": ""},
    {"number": 2, "role": "boot", "size": 200_000_001, "filesystem": ""},
    {"number": 5, "role": "tmp", "size": 0},
]


def test_a_layout_as_a_script_for_bios() -> None:
    assert sfdisk_script(layout_from(LAYOUT), "/dev/nvme0n1", "bios").splitlines() == [
        "label: gpt",
        f'/dev/nvme0n1p1 : size=4096MiB, type={LINUX_SWAP}, name="kadeploy-swap"',
        f'/dev/nvme0n1p2 : size=191MiB, type={BIOS_BOOT}, name="kadeploy-boot"',
        f'/dev/nvme0n1p5 : type={LINUX_DATA}, name="kadeploy-tmp"',
    ]


def test_under_uefi_the_boot_partition_is_the_efi_system_partition() -> None:
    assert f"/dev/vda2 : size=191MiB, type={EFI_SYSTEM}" in sfdisk_script(layout_from(LAYOUT), "/dev/vda", "uefi")


MADE = """{"partitiontable": {"label": "gpt", "device": "/dev/vda", "sectorsize": 512, "lastlba": 20971486,
    "partitions": [
        {"node": "/dev/vda1", "start": 2048, "size": 8388608, "uuid": "A",
            "type": "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"},
        {"node": "/dev/vda2", "start": 8390656, "size": 391168, "type": "21686148-6449-6E6F-744E-656564454649"},
        {"node": "/dev/vda5", "start": 8781824, "size": 12187648, "type": "0FC63DAF-8483-4772-8E79-3D69D8477DE4"}]}}"""


def test_a_table_that_is_made_already() -> None:
    assert is_made(layout_from(LAYOUT), MADE, "bios")
    assert not is_made(layout_from(LAYOUT), MADE, "uefi")
    assert not is_made(layout_from(LAYOUT[:2]), MADE, "bios")
    assert parse_uuids(MADE) == {"/dev/vda1": "A"}
    assert "/dev/vda1 : size=4096MiB, " in (
        script := sfdisk_script(layout_from(LAYOUT), "/dev/vda", "bios", parse_uuids(MADE))
    )
    assert script.count("uuid=") == script.count(', name="kadeploy-swap", uuid=A\n') == 1


@pytest.mark.parametrize(
    ("found", "changed"),
    [
        ('"gpt"', '"dos"'),
        ('"start": 2048', '"start": 4096'),
        ('"size": 391168', '"size": 391160'),
        ('"start": 8781824', '"start": 8783872'),
        ('"size": 12187648', '"size": 12180000'),
        ("/dev/vda5", "/dev/vda3"),
        ("0FC63DAF", "0FC63DA0"),
    ],
)
def test_a_table_that_is_another(found: str, changed: str) -> None:
    assert not is_made(layout_from(LAYOUT), MADE.replace(found, changed), "bios")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"number": 1, "role": "throne"}, "'throne' is not the role of a partition"),
        ({"role": "tmp"}, "the argument 'number' must be a whole number, not None"),
        ({"number": 1, "role": "tmp", "size": "4G"}, "the argument 'size' must be a whole number, not '4G'"),
    ],
)
def test_a_layout_that_makes_no_sense(entry: dict[str, object], why: str) -> None:
    with pytest.raises(CommandFailed, match=why):
        layout_from([entry])


def test_a_table_as_sfdisk_shows_it() -> None:
    text = """{"partitiontable": {"label": "gpt", "sectorsize": 4096,
        "partitions": [{"node": "/dev/vda1", "start": 256, "size": 1024, "type": "X"}]}}"""
    assert parse_table(text) == {"/dev/vda1": (1 << 20, 4 << 20)}
    assert parse_table('{"partitiontable": {"label": "gpt"}}') == {}


def test_what_is_mounted() -> None:
    text = (
        "22 28 0:20 / /proc rw,relatime shared:13 - proc proc rw\n"
        "30 28 254:3 / /mnt/dest rw shared:1 master:2 - ext4 /dev/vda3 rw\n"
        "31 30 0:5 / /mnt/dest/a\\040b rw - tmpfs tmpfs rw\n"
        "32 28 254:1 / /mnt/destination rw - ext4 /dev/vda10 rw\n"
    )
    mounts = parse_mountinfo(text)
    assert mounts[1:3] == (
        Mounted(source="/dev/vda3", path="/mnt/dest"),
        Mounted(source="tmpfs", path="/mnt/dest/a b"),
    )
    assert below(mounts, "/mnt/dest") == ("/mnt/dest/a b", "/mnt/dest")
    assert of_disk(mounts, "/dev/vda") == ("/mnt/destination", "/mnt/dest")
    assert of_disk(mounts, "/dev/vd") == ()


def test_swap_space_in_use() -> None:
    text = "Filename Type Size\n/dev/nvme0n1p2 partition 100\n/dev/nvme0n2p1 partition 100\n"
    assert swaps_of(text, "/dev/nvme0n1") == ("/dev/nvme0n1p2",)


def test_what_a_partition_holds() -> None:
    assert parse_blkid("DEVNAME=/dev/vda3\nUUID=ab-cd\nTYPE=ext4\n") == Signature(kind="ext4", uuid="ab-cd")
    assert parse_blkid("PART_ENTRY_TYPE=x\nPART_ENTRY_UUID=y\n") == Signature(partuuid="y")


def test_file_systems_are_made_without_asking() -> None:
    assert maker("/dev/vda3", "xfs", label="here", options=["-K"]) == (
        *("mkfs.xfs", "-q", "-f", "-L", "here"),
        *("-K", "/dev/vda3"),
    )
    with pytest.raises(CommandFailed, match="'zfs' is not a file system this agent makes: ext2, ext3"):
        maker("/dev/vda3", "zfs")


def block(sys: Path, name: str, sectors: int) -> Path:
    (sys / "block").mkdir(parents=True, exist_ok=True)
    folder = sys / "class/block" / name
    folder.mkdir(parents=True)
    (folder / "size").write_text(f"{sectors}\n")
    (sys / "block" / name).symlink_to(folder)
    return folder


def test_the_node_s_disks(tmp_path: Path) -> None:
    for name, sectors in {"vda": 16777216, "loop0": 8, "sr0": 2048, "nvme0n1": 2048, "sdb": 0, "cciss!c0d0": 2}.items():
        folder = block(tmp_path, name, sectors)
    assert [str(disk) for disk in disks(tmp_path)] == [
        "/dev/cciss/c0d0 (1.0 KiB)",
        "/dev/nvme0n1 (1.0 MiB)",
        "/dev/vda (8.0 GiB)",
    ]
    assert folder.name == "cciss!c0d0"
    assert size_of("/dev/cciss/c0d0", tmp_path) == 1024
    assert size_of("/dev/none", tmp_path) == 0
    assert disks(tmp_path)[1] == Disk(path="/dev/nvme0n1", size=1 << 20)


def test_a_disk_s_partitions(tmp_path: Path) -> None:
    part = block(tmp_path, "vda", 1000) / "vda1"
    part.mkdir()
    for name, value in {"partition": 1, "start": 2048, "size": 4096}.items():
        (part / name).write_text(f"{value}\n")
    assert partitions("/dev/vda", tmp_path) == {"/dev/vda1": (1 << 20, 2 << 20)}


def test_sizes_for_people() -> None:
    assert [readable(size) for size in (512, 2048, 3 << 29, 5 << 40, 3000 << 40)] == [
        *("512 B", "2.0 KiB", "1.5 GiB", "5.0 TiB", "3000.0 TiB"),
    ]


def test_facts(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/uptime").write_text("12.34 5.6\n")
    (tmp_path / "proc/meminfo").write_text("MemTotal:  2048 kB\nMemFree: 1 kB\n")
    for card, mac in {"eth0": "52:54:00:00:00:01", "lo": "00:00:00:00:00:00"}.items():
        (tmp_path / f"sys/class/net/{card}").mkdir(parents=True)
        (tmp_path / f"sys/class/net/{card}/address").write_text(mac + "\n")
    (tmp_path / "sys/class/net/eth0/device").mkdir()
    block(tmp_path / "sys", "vda", 2)
    facts = gather(tmp_path)
    assert facts.pop("kernel")
    assert facts == {
        "firmware": "bios",
        "disks": [{"path": "/dev/vda", "size": 1024}],
        "memory": 2 << 20,
        "macs": ["52:54:00:00:00:01"],
        "uptime": 12.34,
    }
    (tmp_path / "sys/firmware/efi").mkdir(parents=True)
    assert firmware(tmp_path) == "uefi"
