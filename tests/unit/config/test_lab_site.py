"""What the virtual cluster writes is a configuration like any other: read without a fault or a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.config.load import load_site
from kadeploy.domain.node import Firmware
from kadeploy.lab.credentials import new
from kadeploy.lab.site import SitePaths, site_files
from kadeploy.lab.spec import mixed


@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_lab(tmp_path: Path, count: int) -> None:
    spec = mixed("try", nodes=count)
    for name in ("images", "minienv"):
        (tmp_path / name).mkdir()
    paths = SitePaths(state=tmp_path / "state", minienv=tmp_path / "minienv", images=tmp_path / "images")
    bmcs = {machine.name: new(spec, machine.name, f"uuid-{machine.name}") for machine in spec.machines}
    for name, text in site_files(spec, paths, bmcs).items():
        (tmp_path / name).write_text(text)
    loaded = load_site(tmp_path)
    assert loaded.warnings == ()
    assert len(loaded.site.nodes) == count
    for machine in spec.machines:
        node = loaded.site.nodes[machine.name]
        assert (node.address, node.mac) == (str(spec.node_address(machine.name)), spec.mac(machine.name))
        assert node.firmware is Firmware(machine.firmware)
        assert node.block_device == machine.disk.block_device
        assert node.bmc is not None
        assert node.bmc.password == bmcs[machine.name].password
