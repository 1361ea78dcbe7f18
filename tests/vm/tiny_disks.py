"""The smallest systems there are: each writes one line to the first serial port and stops."""

from __future__ import annotations

import struct
from pathlib import Path

SAID = "BOOTED FROM DISK"
_TEXT = SAID.encode() + b"\r\n\0"
# mov dx,0x3f8; cld; next: lodsb; test al,al; jz stop; out dx,al; jmp next; stop: hlt; jmp stop
_SAY_16 = bytes.fromhex("baf803 fc ac 84c0 7403 ee ebf8 f4 ebfd")
_SAY_64 = bytes.fromhex("66baf803 fc ac 84c0 7403 ee ebf8 f4 ebfd")


def bios_disk(path: Path) -> Path:
    """A disk whose boot sector is the system: xor ax,ax; mov ds,ax; mov si,text."""
    start = bytes.fromhex("31c0 8ed8 be")
    text = 0x7C00 + len(start) + 2 + len(_SAY_16)
    sector = (start + struct.pack("<H", text) + _SAY_16 + _TEXT).ljust(510, b"\0") + b"\x55\xaa"
    path.write_bytes(sector.ljust(1 << 20, b"\0"))
    return path


def uefi_tree(folder: Path) -> Path:
    """The files of an EFI system partition, for QEMU to make a disk of."""
    loader = folder / "EFI/BOOT/BOOTX64.EFI"
    loader.parent.mkdir(parents=True)
    loader.write_bytes(_efi_program())
    return folder


def _efi_program() -> bytes:
    """A PE32+ image (Microsoft's PE format, "Optional Header") of one section: lea rsi,[rip+text], and the rest."""
    code = bytes.fromhex("488d35") + struct.pack("<i", len(_SAY_64)) + _SAY_64 + _TEXT
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 0xF0, 0x22E)
    sizes = struct.pack("<HBBIIIII", 0x20B, 0, 0, 512, 0, 0, 0x1000, 0x1000)
    layout = struct.pack("<QIIHHHHHHIIII", 0, 0x1000, 0x200, 0, 0, 0, 0, 0, 0, 0, 0x2000, 0x200, 0)
    efi_application = struct.pack("<HHQQQQII", 10, 0, 0, 0, 0, 0, 0, 16) + bytes(16 * 8)
    section = b".text\0\0\0" + struct.pack("<IIIIIIHHI", 512, 0x1000, 512, 0x200, 0, 0, 0, 0, 0x60000020)
    return (dos + coff + sizes + layout + efi_application + section).ljust(512, b"\0") + code.ljust(512, b"\0")
