"""What of a new configuration a running server takes over, and what it names instead."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from kadeploy.config.changes import _PATHS, changes, is_reloaded
from kadeploy.config.load import Loaded, load_site
from kadeploy.domain.node import Cluster
from tests.unit.config import files


def loaded(directory: Path, **contents: object) -> Loaded:
    return load_site(files.write(directory, **contents))


def test_the_same_is_no_change(tmp_path: Path) -> None:
    assert changes(loaded(tmp_path), loaded(tmp_path)) == ()


def test_changes_are_paths_of_the_files(tmp_path: Path) -> None:
    old = loaded(tmp_path)
    server, cluster = files.server(tmp_path), files.cluster()
    server["listen"]["port"], server["windows"] = 25301, {"reboot": {"size": 3}}
    server["rights"]["groups"] = {"ml": ["carol"]}
    cluster["timeouts"]["kexec"], cluster["patience"] = 90, {"quorum": 0.5}
    cluster["partitioning"]["layout"][1]["size"] = "512M"
    new = loaded(tmp_path, server=server, clusters=files.clusters(files.node(1), files.node(3)), lab=cluster)
    found = changes(old, new)
    assert [path for path in found if is_reloaded(path)] == [
        "clusters.lab.partitioning",
        "clusters.lab.patience",
        "clusters.lab.timeouts.kexec",
        "nodes.node-2",
        "nodes.node-3",
        "rights.groups.ml",
        "windows.reboot.size",
    ]
    assert [path for path in found if not is_reloaded(path)] == ["listen.port"]


def test_the_table_names_every_field_of_a_cluster() -> None:
    assert _PATHS.keys() == {one.name for one in fields(Cluster)} - {"name"}
