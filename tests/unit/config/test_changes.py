"""What of a new configuration a running server takes over, and what it names instead."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

from kadeploy.config.changes import OF_CLUSTERS, changes, is_reloaded, taken_over
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
        "clusters.lab.patience",
        "clusters.lab.timeouts.kexec",
        "rights.groups.ml",
        "windows.reboot.size",
    ]
    assert [path for path in found if not is_reloaded(path)] == [
        "clusters.lab.partitioning",
        "listen.port",
        "nodes.node-2",
        "nodes.node-3",
    ]


def test_a_running_cluster_keeps_what_only_a_start_can_change(tmp_path: Path) -> None:
    old = loaded(tmp_path)
    cluster = files.cluster()
    cluster["timeouts"]["reboot"] = 777
    cluster["partitioning"]["layout"][1]["size"] = "512M"
    new = loaded(tmp_path, lab=cluster)
    after = taken_over(old.site, new.site)["lab"]
    assert after.reboot_timeout.formula == "777"
    assert after.layout == old.site.clusters["lab"].layout
    gone = replace(new.site, clusters={})
    assert taken_over(old.site, gone) == old.site.clusters


def test_the_table_names_fields() -> None:
    assert OF_CLUSTERS.keys() <= {one.name for one in fields(Cluster)}
