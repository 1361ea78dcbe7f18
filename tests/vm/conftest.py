"""A virtual cluster and an image for all tests of this tier that deploy.

Several processes can share the tests, a file at a time: each has a cluster of its own, on a network of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from kadeploy.lab.spec import mixed
from tests.vm.served_lab import ServedLab, serving

SMALL = 1024**3  # bytes: less than the layout needs
LONGEST = Path(__file__).with_name("test_deploy.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes as long as all the rest begins first, and one process does it while another does the rest."""
    items.sort(key=lambda item: item.path != LONGEST)


@pytest.fixture(scope="session")
def whole_lab(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[ServedLab]:
    """Five nodes: the default mix, then node-4, whose disk is too small, and node-5, whose BMC wants another
    password than the configuration says."""
    place = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    subnet = IPv4Network(f"10.217.{place}.0/24")
    spec = mixed(f"vmtest{place}", nodes=5, subnet=subnet, disks={"node-4": SMALL})
    with serving(spec, tmp_path_factory.mktemp("site"), port=25317 + place) as served:
        served.lab.node("node-5").change_bmc_password("another")
        yield served
