"""The server reads what the lab writes."""

from __future__ import annotations

from pathlib import Path

from kadeploy.config.load import load_site
from kadeploy.lab.cluster import Lab, State
from kadeploy.lab.credentials import new, write
from kadeploy.lab.site import SitePaths
from kadeploy.lab.spec import mixed


def test_the_server_takes_the_configuration_without_a_warning(tmp_path: Path) -> None:
    spec = mixed(nodes=5)
    paths = SitePaths(state=tmp_path / "kadeployd", minienv=tmp_path / "minienv", images=tmp_path / "images")
    uuids = {each.name: f"0000-{each.name}" for each in spec.machines}
    lab = Lab(tmp_path, State(spec=spec, uuids=uuids, site=tmp_path / "site", paths=paths))
    for name, uuid in uuids.items():
        write(tmp_path / "bmc" / f"{name}.json", new(spec, name, uuid))
    lab.write_site()
    loaded = load_site(lab.site)
    assert loaded.warnings == ()
    assert list(loaded.site.nodes) == list(uuids)
    assert {str(node.firmware) for node in loaded.site.nodes.values()} == {"bios", "uefi"}
