from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kadeploy.agent.mounts import mounted
from tests.integration.agents.on_disk import GIB, said
from tests.integration.agents.world import KnownTokens

CLONE_NEWNS = 0x00020000  # unshare(2)


@pytest.fixture(scope="session", autouse=True)
def mounts_of_our_own() -> None:
    """What is mounted here is seen by this process and its children alone.

    A namespace that another test makes copies every mount it sees, and holds the file system after the unmount here:
    nothing may then mount it otherwise.
    """
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) == 0:
        subprocess.run(["mount", "--make-rslave", "/"], check=True)


@pytest.fixture
def tokens() -> KnownTokens:
    """The server expects node-1 with `secret`."""
    known = KnownTokens()
    known.expect("node-1", "secret")
    return known


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[str]:
    """A blank disk of 2 GiB."""
    file = tmp_path / "disk"
    with file.open("wb") as sparse:
        sparse.truncate(2 * GIB)
    if os.geteuid() != 0:
        pytest.skip("loop devices need root")
    try:
        device = said("losetup", "--show", "--partscan", "--find", str(file))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no loop devices here: {error.stderr}")
    try:
        yield device
    finally:
        for entry in reversed(mounted()):
            if entry.source.startswith(device):
                subprocess.run(["umount", entry.path], check=True)
        subprocess.run(["partx", "--delete", device], check=False, capture_output=True)
        subprocess.run(["losetup", "--detach", device], check=True)
