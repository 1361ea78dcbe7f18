"""What a partition holds to start, on a loop device with a table."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kadeploy.agent.mounts import mounted
from kadeploy.errors import CommandFailed
from tests.integration.agents.on_disk import MIB, run, said

LAYOUT = [
    {"number": 1, "role": "boot", "size": 48 * MIB},
    {"number": 2, "role": "deploy", "size": 600 * MIB},
    {"number": 3, "role": "prod", "size": 600 * MIB},
]


@pytest.fixture
def parted(disk: str) -> str:
    """The second partition is the only one with a file system."""
    run("partition", device=disk, layout=LAYOUT, firmware="bios")
    run("format", device=f"{disk}p2", filesystem="ext4")
    return disk


def started(disk: str, number: int, firmware: str) -> str:
    return run("check_boot", disk=disk, number=number, firmware=firmware)


def with_file(device: str, folder: Path, path: str) -> None:
    run("mount", device=device, path=str(folder))
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text("x")
    run("unmount", path=str(folder))


@pytest.mark.parametrize(("firmware", "loader"), [("bios", "a boot sector"), ("uefi", "an EFI program")])
@pytest.mark.parametrize("number", [2, 3])
def test_nothing(parted: str, firmware: str, loader: str, number: int) -> None:
    with pytest.raises(CommandFailed, match=f"p{number} holds nothing to start: neither {loader} nor a menu of GRUB"):
        started(parted, number, firmware)
    assert not [entry for entry in mounted() if entry.source.startswith(parted)]


def test_no_such_partition(parted: str) -> None:
    with pytest.raises(CommandFailed, match=rf"has no partition 7, but {parted}p1, {parted}p2, {parted}p3"):
        started(parted, 7, "bios")


def test_a_boot_sector_is_for_a_bios(parted: str) -> None:
    with Path(f"{parted}p3").open("r+b") as device:
        device.write(b"\0" * 510 + b"\x55\xaa")
    assert started(parted, 3, "bios") == "its boot sector"
    with pytest.raises(CommandFailed, match="neither an EFI program"):
        started(parted, 3, "uefi")


def test_an_efi_program_is_for_uefi(parted: str, tmp_path: Path) -> None:
    with_file(f"{parted}p2", tmp_path / "mnt", "EFI/BOOT/BOOTX64.EFI")
    assert started(parted, 2, "uefi") == "/EFI/BOOT/BOOTX64.EFI"
    with pytest.raises(CommandFailed, match="neither a boot sector"):
        started(parted, 2, "bios")


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_a_menu_of_grub_is_for_both_also_where_it_is_mounted(parted: str, tmp_path: Path, firmware: str) -> None:
    with_file(f"{parted}p2", tmp_path / "mnt", "boot/grub/grub.cfg")
    assert started(parted, 2, firmware) == "/boot/grub/grub.cfg"
    run("mount", device=f"{parted}p2", path=str(tmp_path / "mnt"))
    assert started(parted, 2, firmware) == "/boot/grub/grub.cfg"
    assert [entry.path for entry in mounted() if entry.source == f"{parted}p2"] == [str(tmp_path / "mnt")]


def test_a_table_that_came_with_an_image_is_read_again(parted: str, tmp_path: Path) -> None:
    """The kernel still shows the table that was there before."""
    image = tmp_path / "image"
    with image.open("wb") as opened:
        opened.truncate(100 * MIB)
    table = b"label: dos\nstart=1MiB, size=10MiB\nstart=20MiB, size=10MiB\n"
    subprocess.run(["sfdisk", "-q", str(image)], input=table, check=True)
    said("dd", f"if={image}", f"of={parted}", "conv=notrunc", "bs=1M", "status=none")
    with Path(f"{parted}").open("r+b") as device:
        device.seek(20 * MIB)
        device.write(b"\0" * 510 + b"\x55\xaa")
    assert started(parted, 2, "bios") == "its boot sector"
