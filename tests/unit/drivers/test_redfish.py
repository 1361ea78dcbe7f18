from __future__ import annotations

import pytest

from kadeploy.domain.node import Bmc, BmcKind
from kadeploy.drivers.power.redfish import address_of, system_path


@pytest.mark.parametrize(
    ("bmc", "address", "path"),
    [
        (Bmc(driver=BmcKind.REDFISH, address="10.0.0.9"), "https://10.0.0.9", None),
        (
            Bmc(driver=BmcKind.REDFISH, url="http://10.0.0.9:8000", system="437XR1138R2"),
            "http://10.0.0.9:8000",
            "/redfish/v1/Systems/437XR1138R2",
        ),
        (
            Bmc(driver=BmcKind.REDFISH, url="https://bmc", system="/redfish/v1/Systems/1/Node"),
            "https://bmc",
            "/redfish/v1/Systems/1/Node",
        ),
    ],
)
def test_where_a_system_is(bmc: Bmc, address: str, path: str | None) -> None:
    assert address_of(bmc) == address
    assert system_path(bmc) == path
