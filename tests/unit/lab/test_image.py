"""What the demonstration image says of itself, and what it is told before and after its packages are configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.config.environment import Description
from kadeploy.lab import image


def test_its_description_names_the_archive_where_it_is() -> None:
    description = image.describe(Path("/images/debian12-min.tar.zst"))
    assert description["image"] == {
        "file": "server:///images/debian12-min.tar.zst",
        "kind": "tar",
        "compression": "zstd",
    }
    read = Description.model_validate(description)
    assert (read.name, read.filesystem, read.partition_type) == (image.NAME, "ext4", 0x83)


def test_it_brings_a_hook_that_takes_every_disk_driver_into_the_initramfs(tmp_path: Path) -> None:
    (option,) = image.hooks(tmp_path)
    assert option == f"--setup-hook=copy-in {tmp_path}/etc /"
    hook = tmp_path / "etc/initramfs-tools/hooks/disks"
    assert hook.stat().st_mode & 0o111
    words = hook.read_text().split()
    assert {"virtio_blk", "nvme", "ahci", "megaraid_sas", "ext4"} <= set(words)


@pytest.mark.parametrize("unit", image.ENABLED)
def test_what_is_enabled_is_not_masked(unit: str) -> None:
    assert unit not in image.MASKED


def test_no_secret_is_in_the_image() -> None:
    assert image.FILES["etc/machine-id"] == ""
    assert not [path for path in image.FILES if "host_" in path or path.endswith("shadow")]
