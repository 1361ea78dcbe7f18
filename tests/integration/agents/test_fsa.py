"""Images that are archives of whole file systems: saved from partitions by fsarchiver, restored by the agent."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from kadeploy.errors import CommandFailed
from tests.integration.agents.on_disk import MIB, kind_of, run, said

SOURCES, TARGETS = (1, 2), (3, 4)
KINDS = ("ext4", "ext2")
LAYOUT = [{"number": number, "role": "deploy", "size": size * MIB} for number, size in enumerate((64, 48, 80, 60), 1)]


@pytest.fixture
def archive(disk: str, tmp_path: Path) -> Path:
    """Two file systems with a file of their name each; the disk has two blank partitions besides."""
    assert shutil.which("fsarchiver"), "fsarchiver is not here: run `make setup`"
    run("partition", device=disk, layout=LAYOUT, firmware="bios")
    for number, kind in zip(SOURCES, KINDS, strict=True):
        source, where = f"{disk}p{number}", tmp_path / kind
        run("format", device=source, filesystem=kind)
        run("mount", device=source, path=str(where))
        (where / "file").write_text(kind)
        (where / "file").chmod(0o640)
        (where / "large").write_bytes(random.Random(number).randbytes(200_000))
        run("unmount", path=str(where))
    image = tmp_path / "image.fsa"
    sources = (f"{disk}p{number}" for number in SOURCES)
    saved = subprocess.run(
        ["fsarchiver", "-Z", "1", "savefs", image, *sources], check=False, capture_output=True, text=True
    )
    assert saved.returncode == 0, saved.stderr
    return image


def found_on(device: str, where: Path) -> tuple[str, str, int]:
    """Its file system, and the file in it."""
    run("mount", device=device, path=str(where))
    try:
        file = where / "file"
        return kind_of(device), file.read_text(), file.stat().st_mode & 0o777
    finally:
        run("unmount", path=str(where))


def test_every_file_system_goes_to_its_partition(disk: str, archive: Path, tmp_path: Path) -> None:
    parts = [{"id": index, "destination": f"{disk}p{number}"} for index, number in enumerate(reversed(TARGETS))]
    run("restore", file=str(archive), kind="fsa", compression="none", destination=f"{disk}p3", parts=parts)
    assert found_on(f"{disk}p4", tmp_path / "restored") == ("ext4", "ext4", 0o640)
    assert found_on(f"{disk}p3", tmp_path / "restored") == ("ext2", "ext2", 0o640)
    assert int(said("blockdev", "--getsize64", f"{disk}p3")) == 80 * MIB
    assert not archive.exists(), "it takes the node's memory"


def test_one_of_them_goes_to_the_partition_that_is_deployed(disk: str, archive: Path, tmp_path: Path) -> None:
    target = f"{disk}p3"
    one = [{"id": 1, "destination": target}]
    run("restore", file=str(archive), kind="fsa", compression="none", destination=target, parts=one)
    assert found_on(target, tmp_path / "restored") == ("ext2", "ext2", 0o640)
    assert kind_of(f"{disk}p4") == ""


def test_what_cannot_be_restored_is_told_in_fsarchivers_words(disk: str, archive: Path) -> None:
    parts = [{"id": 7, "destination": f"{disk}p3"}]
    with pytest.raises(CommandFailed, match=r"fsarchiver exited with \d+: "):
        run("restore", file=str(archive), kind="fsa", compression="none", destination=f"{disk}p3", parts=parts)
    assert archive.exists()
    os.truncate(archive, 100_000)
    parts = [{"id": 0, "destination": f"{disk}p3"}]
    with pytest.raises(CommandFailed, match=r"fsarchiver exited with \d+: "):
        run("restore", file=str(archive), kind="fsa", compression="none", destination=f"{disk}p3", parts=parts)
