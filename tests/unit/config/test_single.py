"""Ours in one file: kadeploy.yaml, with its faults told by their places in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kadeploy.config.load import load_server, load_site
from kadeploy.errors import BadConfiguration
from tests.unit.config import files


def single(directory: Path, **changes: object) -> Path:
    entry: dict[str, Any] = {**files.clusters()["clusters"][0], **files.cluster()}
    del entry["conf_file"]
    whole = {**files.server(directory), "clusters": [entry], "commands": {"node-2": {"console": "conman x"}}, **changes}
    (directory / "kadeploy.yaml").write_text(yaml.safe_dump(whole))
    return directory


def test_it_says_the_same_as_the_files(tmp_path: Path) -> None:
    one = load_site(single(tmp_path))
    assert one.warnings == ()
    (tmp_path / "kadeploy.yaml").unlink()
    files.write(tmp_path, command={"node-2": {"console": "conman x"}})
    assert load_site(tmp_path) == one


def test_the_other_files_are_not_read_beside_it(tmp_path: Path) -> None:
    files.write(single(tmp_path), server="listen: [", clusters="{")
    loaded = load_site(tmp_path)
    assert loaded.warnings == (
        "server.conf: is not read, since there is kadeploy.yaml",
        "clusters.conf: is not read, since there is kadeploy.yaml",
    )
    assert load_server(tmp_path) == loaded.server


def test_a_cluster_may_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    files.write(single(tmp_path, clusters=files.clusters()["clusters"]))
    assert list(load_site(tmp_path).site.clusters) == ["lab"]


def test_faults_have_their_place(tmp_path: Path) -> None:
    entry = {**files.clusters()["clusters"][0], **files.cluster(), "timeouts": {"reboot": "x y"}, "kexce": {}}
    del entry["conf_file"], entry["partitioning"]["block_device"]
    commands = {"node-22": {}, "node-1": {"reboot_sof": "x", "console": 7}}
    single(tmp_path, listen={"port": 0}, clusters=[entry], commands=commands)
    with pytest.raises(BadConfiguration) as caught:
        load_site(tmp_path)
    told = [line.strip() for line in str(caught.value).splitlines()[1:]]
    assert told[0] == "kadeploy.yaml: listen.port: must be at least 1, not 0"
    assert "kadeploy.yaml: clusters[0].partitioning.block_device: is required" in told
    assert any(line.startswith("kadeploy.yaml: clusters[0].timeouts.reboot: the timeout") for line in told)
    assert told[-3:] == [
        "kadeploy.yaml: commands.node-1.reboot_sof: is not a command; did you mean reboot_soft?",
        "kadeploy.yaml: commands.node-1.console: must be text",
        "kadeploy.yaml: commands.node-22: is not a node of this site; did you mean node-2?",
    ]


@pytest.mark.parametrize("text", ["", "[]", "7", "clusters: 7", "clusters: [7]", "{clusters: {a: b}}", "a: [", "\x00"])
def test_what_is_no_configuration_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "kadeploy.yaml").write_text(text)
    with pytest.raises(BadConfiguration, match=r"kadeploy\.yaml: "):
        load_site(tmp_path)
