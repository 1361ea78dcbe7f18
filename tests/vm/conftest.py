"""One virtual cluster and one image for all tests of this tier that deploy."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from kadeploy.lab.spec import mixed
from tests.vm.served_lab import ServedLab, serving

SMALL = 1024**3  # bytes: less than the layout needs


@pytest.fixture(scope="session")
def whole_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedLab]:
    """Five nodes: the default mix, then node-4, whose disk is too small, and node-5, whose BMC wants another
    password than the configuration says."""
    spec = mixed("vmtest", nodes=5, subnet=IPv4Network("10.217.0.0/24"), disks={"node-4": SMALL})
    with serving(spec, tmp_path_factory.mktemp("site"), port=25317) as served:
        served.lab.node("node-5").change_bmc_password("another")
        yield served
