"""Five real machines in one chain, and the one in its middle loses its power: the others have every byte."""

from __future__ import annotations

import gzip
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kadeploy.config.load import load_site
from tests.vm.bmcs import switch_off
from tests.vm.served_lab import ServedLab, report_of
from tests.vm.waiting import wait_for

pytestmark = [pytest.mark.vm, pytest.mark.timeout(900)]

NODES = tuple(f"node-{number}" for number in range(1, 6))
CUT = "node-3"
SIZE = 48 << 20  # bytes of noise, which no compression makes less
RATE = 4  # MB a second that the server sends: the image takes 12 seconds
HALF = SIZE // 2
LAYOUT = (  # small enough for node-4's disk
    {"role": "boot", "size": "64M"},
    {"role": "deploy", "size": "256M"},
)
NOTHING_BOOTS = ("--force-steps", "BootNewEnv|Dummy:0:60")


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """An environment that is a file system full of noise."""
    content, image = tmp_path / "content", tmp_path / "noise.img"
    content.mkdir()
    (content / "noise").write_bytes(random.Random(5).randbytes(SIZE))
    with image.open("wb") as file:
        file.truncate(SIZE + (16 << 20))
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", content, image], check=True)
    packed = image.with_suffix(".img.gz")
    packed.write_bytes(gzip.compress(image.read_bytes(), compresslevel=1))
    words = {
        "name": "noise",
        "version": 1,
        "os": "other",
        "image": {"file": str(packed), "kind": "dd", "compression": "gzip"},
        "filesystem": "ext4",
        "partition_type": 131,
    }
    description = tmp_path / "noise.yaml"
    description.write_text(yaml.safe_dump(words))
    return description


@pytest.fixture
def all_well(whole_lab: ServedLab) -> Iterator[ServedLab]:
    """Every BMC listens, and the layout is one that every disk has room for."""
    whole_lab.switch_off()
    node, configured = whole_lab.lab.node("node-5"), load_site(whole_lab.lab.site).site.nodes["node-5"].bmc
    refused = node.bmc.credentials.password
    assert configured is not None
    changes: dict[str, dict[str, Any]] = {
        "lab.conf": {"partitioning": {"block_device": "/dev/vda", "layout": list(LAYOUT)}},
        "server.conf": {"broadcast": {"server_rate": RATE}},
    }
    node.change_bmc_password(configured.password)
    try:
        with whole_lab.configured(changes):
            yield whole_lab
    finally:
        node.change_bmc_password(refused)
        whole_lab.switch_off()


def test_one_of_five_loses_its_power_in_the_middle(all_well: ServedLab, described: Path) -> None:
    tool = all_well.begin(
        "kadeploy", "-m", "node-[1-5]", "-a", described, "-o", "ok", "-n", "ko", "--no-kexec", *NOTHING_BOOTS
    )
    wait_for(lambda: received(all_well, CUT) > HALF / 4, 400, "a part of the image has come")
    assert all(0 < received(all_well, node) < SIZE for node in NODES), "all of them are in the chain"
    switch_off(all_well.lab, CUT)
    all_well.lab.node(CUT).unplug()
    try:
        said, _ = tool.communicate(timeout=500)
        reasons = {name: node["reason"] for name, node in all_well.board()["nodes"].items()}
    finally:
        all_well.lab.node(CUT).plug()
    assert report_of(all_well.directory / "ok") == [node for node in NODES if node != CUT], said
    assert report_of(all_well.directory / "ko") == [CUT]
    assert reasons[CUT]


def received(served: ServedLab, node: str) -> int:
    """Bytes of the image that have reached the node."""
    here = served.board().get("nodes", {}).get(node, {})
    return int(here.get("done", 0)) if here.get("micro") == "send_environment" else 0
