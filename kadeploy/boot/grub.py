"""GRUB packed into one program that a network card can load: Debian's modules, and what they do at once."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from kadeploy import process

logger = logging.getLogger(__name__)

DEADLINE: Final = 30.0  # seconds


class Platform(StrEnum):
    """As iPXE's `${platform}` names them."""

    BIOS = "pcbios"
    EFI = "efi"


_FORMATS: Final = {Platform.BIOS: "i386-pc-pxe", Platform.EFI: "x86_64-efi"}
_PACKAGES: Final = {Platform.BIOS: "grub-common and grub-pc-bin", Platform.EFI: "grub-common and grub-efi-amd64-bin"}


async def packed(platform: Platform, commands: str, modules: Sequence[str]) -> bytes:
    """`commands` are for GRUB before it has a shell: each line is tried, whatever became of the one before.

    Empty, after saying so in the log, where GRUB's modules are not installed.
    """
    with tempfile.TemporaryDirectory(prefix="kadeploy-") as folder:
        early, program = Path(folder, "early.cfg"), Path(folder, "program")
        early.write_text(commands)  # noqa: ASYNC240 - a page
        where = ("-O", _FORMATS[platform], "-p", "/", "-c", str(early), "-o", str(program))
        made = await process.run(("grub-mkimage", *where, *modules), deadline=DEADLINE)
        if made.ok:
            return program.read_bytes()  # noqa: ASYNC240 - from memory
    logger.warning("GRUB cannot be packed (Debian packages %s): %s", _PACKAGES[platform], made.reason)
    return b""
