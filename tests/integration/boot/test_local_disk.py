from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kadeploy.boot.local_disk import disk_program


def test_grub_packs_an_efi_program() -> None:
    program = asyncio.run(disk_program())
    assert program.startswith(b"MZ")
    assert b"search.file /EFI/BOOT/BOOTX64.EFI root" in program
    assert len(program) < 500_000  # every boot from disk loads it


def test_a_server_without_grub_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asyncio.run(disk_program()) == b""
    assert (
        "cannot be packed (Debian packages grub-common and grub-efi-amd64-bin): grub-mkimage was not found"
        in caplog.text
    )
