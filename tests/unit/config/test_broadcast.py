"""`broadcast` of server.conf, and what a cluster has of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.config.load import load_site
from kadeploy.errors import BadConfiguration
from tests.unit.config import files


def faults_of(directory: Path) -> list[str]:
    with pytest.raises(BadConfiguration) as caught:
        load_site(directory)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


@pytest.mark.parametrize("wrong", [1, 65, "many"])
def test_a_tree_has_a_width(tmp_path: Path, wrong: object) -> None:
    server, lab = files.server(tmp_path), files.cluster()
    assert load_site(files.write(tmp_path, server=server)).server.broadcast.tree_readers == 2
    server["broadcast"] = {"tree_readers": 8}
    lab["localops"] = {"broadcastenv": {"tree_readers": 3}}
    loaded = load_site(files.write(tmp_path, server=server, lab=lab))
    assert (loaded.server.broadcast.tree_readers, loaded.site.clusters["lab"].tree_readers) == (8, 3)
    server["broadcast"] = {"tree_readers": wrong}
    lab["localops"] = {"broadcastenv": {"tree_readers": wrong}}
    places = "lab.conf: localops.broadcastenv.tree_readers", "server.conf: broadcast.tree_readers"
    told = sorted(faults_of(files.write(tmp_path, server=server, lab=lab)))
    assert [fault.startswith(f"{place}: must be ") for fault, place in zip(told, places, strict=True)] == [True, True]
