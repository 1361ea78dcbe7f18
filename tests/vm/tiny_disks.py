"""The smallest systems there are: each writes one line to the first serial port and stops."""

from __future__ import annotations

import json
import struct
import subprocess
import tempfile
from pathlib import Path

SAID = "BOOTED FROM DISK"
SAID_BY_PARTITION = "BOOTED FROM PARTITION"
SAID_BY_MENU = "BOOTED BY A MENU"
LOADED, MENU, EMPTY, EFI = 1, 2, 3, 4  # partitions of `parted_disk`
_MIB = 1 << 20
_TABLE = b"label: gpt\nsize=4MiB\nsize=16MiB\nsize=4MiB\nsize=40MiB, type=uefi\n"
_MENU = f"serial --unit=0\nterminal_output serial\nmenuentry x {{\n echo {SAID_BY_MENU}\n sleep 60\n}}\nset timeout=0\n"
# mov dx,0x3f8; cld; next: lodsb; test al,al; jz stop; out dx,al; jmp next; stop: hlt; jmp stop
_SAY_16 = bytes.fromhex("baf803 fc ac 84c0 7403 ee ebf8 f4 ebfd")
_SAY_64 = bytes.fromhex("66baf803 fc ac 84c0 7403 ee ebf8 f4 ebfd")


def bios_disk(path: Path) -> Path:
    """A disk whose boot sector is the system: xor ax,ax; mov ds,ax; mov si,text."""
    path.write_bytes(_boot_sector(SAID).ljust(_MIB, b"\0"))
    return path


def parted_disk(path: Path) -> Path:
    """For both firmwares: a boot sector of its own; a partition with a boot sector, one with an EFI program (which is
    what UEFI starts of the disk, too), one with a menu of GRUB, and an empty one."""
    with path.open("wb") as disk:
        disk.truncate(128 * _MIB)
    subprocess.run(["sfdisk", "--quiet", path], input=_TABLE, check=True)
    table = json.loads(subprocess.run(["sfdisk", "--json", path], check=True, capture_output=True).stdout)
    starts = [part["start"] * 512 for part in table["partitiontable"]["partitions"]]
    tree = path.with_suffix(".tree")
    (tree / "boot/grub").mkdir(parents=True)
    (tree / "boot/grub/grub.cfg").write_text(_MENU)
    offset = f"offset={starts[MENU - 1]}"
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", tree, "-E", offset, path, "15M"], check=True, capture_output=True)
    with path.open("r+b") as disk:
        disk.write(_boot_sector(SAID)[:440])  # the rest is the table's
        disk.seek(starts[LOADED - 1])
        disk.write(_boot_sector(SAID_BY_PARTITION))
    _efi_partition(path, starts[EFI - 1], SAID_BY_PARTITION)
    return path


def _efi_partition(disk: Path, start: int, said: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        uefi_tree(Path(folder), said)
        make = ("mkfs.vfat", "--offset", str(start // 512), disk, str(39 * 1024))
        subprocess.run(make, check=True, capture_output=True)
        subprocess.run(["mcopy", "-s", "-i", f"{disk}@@{start}", Path(folder, "EFI"), "::"], check=True)


def _boot_sector(said: str) -> bytes:
    start = bytes.fromhex("31c0 8ed8 be")
    text = 0x7C00 + len(start) + 2 + len(_SAY_16)
    return (start + struct.pack("<H", text) + _SAY_16 + _text(said)).ljust(510, b"\0") + b"\x55\xaa"


def _text(said: str) -> bytes:
    return said.encode() + b"\r\n\0"


def uefi_tree(folder: Path, said: str = SAID) -> Path:
    """The files of an EFI system partition, for QEMU to make a disk of."""
    loader = folder / "EFI/BOOT/BOOTX64.EFI"
    loader.parent.mkdir(parents=True)
    loader.write_bytes(_efi_program(said))
    return folder


def _efi_program(said: str) -> bytes:
    """A PE32+ image (Microsoft's PE format, "Optional Header") of one section: lea rsi,[rip+text], and the rest."""
    code = bytes.fromhex("488d35") + struct.pack("<i", len(_SAY_64)) + _SAY_64 + _text(said)
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 0xF0, 0x22E)
    sizes = struct.pack("<HBBIIIII", 0x20B, 0, 0, 512, 0, 0, 0x1000, 0x1000)
    layout = struct.pack("<QIIHHHHHHIIII", 0, 0x1000, 0x200, 0, 0, 0, 0, 0, 0, 0, 0x2000, 0x200, 0)
    efi_application = struct.pack("<HHQQQQII", 10, 0, 0, 0, 0, 0, 0, 16) + bytes(16 * 8)
    section = b".text\0\0\0" + struct.pack("<IIIIIIHHI", 512, 0x1000, 512, 0x200, 0, 0, 0, 0, 0x60000020)
    return (dos + coff + sizes + layout + efi_application + section).ljust(512, b"\0") + code.ljust(512, b"\0")
