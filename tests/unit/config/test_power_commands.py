"""An admin's commands for power: Kadeploy3's `remoteops` and command.conf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kadeploy.config.load import Loaded, load_site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import AdminCommand, Level, Verb
from kadeploy.errors import BadConfiguration
from tests.unit.config import files


def load(directory: Path, remoteops: object, **more: Any) -> Loaded:
    return load_site(files.write(directory, lab=files.cluster() | {"remoteops": remoteops}, **more))


def test_levels_are_named_or_in_their_order(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        {
            "reboot": [
                "DEFAULT_CONNECTOR root@HOSTNAME_FQDN reboot",
                {"name": "very_hard", "cmd": "cut HOSTNAME_SHORT"},
            ],
            "power_off": [{"name": "hard", "cmd": "off HOSTNAME_FQDN"}],
            "power_status": ["status HOSTNAME_FQDN"],
        },
        server=files.server(tmp_path) | {"external": {"default_connector": "ssh -q"}},
    )
    commands = loaded.site.nodes["node-1"].commands
    assert commands.acts == {
        (Verb.REBOOT, Level.SOFT): AdminCommand(line="ssh -q root@HOSTNAME_FQDN reboot"),
        (Verb.REBOOT, Level.VERY_HARD): AdminCommand(line="cut HOSTNAME_SHORT"),
        (Verb.OFF, Level.HARD): AdminCommand(line="off HOSTNAME_FQDN"),
    }
    assert commands.status == AdminCommand(line="status HOSTNAME_FQDN")
    assert commands.acts[Verb.REBOOT, Level.SOFT].for_node("n-1.site") == "ssh -q root@n-1.site reboot"
    assert commands.acts[Verb.REBOOT, Level.VERY_HARD].for_node("n-1.site") == "cut n-1"


def test_groups_come_from_a_file_and_go_together_when_they_are_whole(tmp_path: Path) -> None:
    (tmp_path / "pdu").write_text("# rack 1\nnode-1,node-2\n\nnode-4,node-5\n")
    nodes = files.clusters(*(files.node(number) for number in range(1, 6)))
    very_hard = {"name": "very_hard", "cmd": "pdu GROUP_SHORT", "group": "pdu"}
    site = load(tmp_path, {"reboot": [very_hard]}, clusters=nodes).site
    command = site.nodes["node-3"].commands.acts[Verb.REBOOT, Level.VERY_HARD]
    assert command.groups == (NodeSet.parse("node-[1-2]"), NodeSet.parse("node-[4-5]"))
    assert command.for_group(NodeSet(["node-2.site", "node-1.site"])) == "pdu node-1,node-2"
    units = list(site.switched_together(NodeSet.parse("node-[1-4]")))
    assert units == [NodeSet.parse("node-[1-2]"), NodeSet(["node-3"]), NodeSet(["node-4"])]


def test_a_node_s_own_commands_come_before_its_cluster_s(tmp_path: Path) -> None:
    (tmp_path / "command.conf").write_text("node-2: {reboot_hard: own HOSTNAME_FQDN, power_status: told}\n")
    nodes = load(tmp_path, {"reboot": ["soft", "hard"]}).site.nodes
    assert nodes["node-1"].commands.acts[Verb.REBOOT, Level.HARD].line == "hard"
    assert nodes["node-2"].commands.acts[Verb.REBOOT, Level.HARD].line == "own HOSTNAME_FQDN"
    assert nodes["node-2"].commands.acts[Verb.REBOOT, Level.SOFT].line == "soft"
    assert nodes["node-2"].commands.status == AdminCommand(line="told")


def test_every_fault_is_told(tmp_path: Path) -> None:
    (tmp_path / "pdu").write_text("node-1,node-9\n")
    (tmp_path / "command.conf").write_text("node-9: {reboot_hard: x}\nnode-1: {reboot_gently: x, power_on_soft: 3}\n")
    remoteops = {
        "reboot": [{"name": "hard", "cmd": "a", "group": "pdu"}, {"name": "soft", "cmd": "a", "group": "nowhere"}],
    }
    with pytest.raises(BadConfiguration) as caught:
        load(tmp_path, remoteops)
    said = str(caught.value)
    assert "lab.conf: remoteops.reboot[0].group: pdu: line 1: node-9 is not a node of this site" in said
    assert "lab.conf: remoteops.reboot[1].group: nowhere: there is no such file" in said
    assert "command.conf: node-9: is not a node of this site" in said
    assert "command.conf: node-1.reboot_gently: is not a command" in said
    assert "command.conf: node-1.power_on_soft: must be text" in said


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        (["a", "b", "c", "d"], "must have one command a level, 3 at most, not 4"),
        ([{"name": "hard", "cmd": "a"}, "b"], "must have one command a level, and has two for hard"),
        ([{"name": "gentle", "cmd": "a"}], "remoteops.reboot[0].name: must be soft, hard or very_hard, not 'gentle'"),
    ],
)
def test_levels_that_make_no_sense(commands: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration) as caught:
        load(tmp_path, {"reboot": commands})
    assert said in str(caught.value)


def test_windows_have_kadeploy3_s_keys(tmp_path: Path) -> None:
    assert load(tmp_path, {}).server.windows.reboot.size == 50
    windows = {"reboot": {"size": 3, "sleep_time": 2}, "check": {"size": 7}}
    loaded = load(tmp_path, {}, server=files.server(tmp_path) | {"windows": windows})
    assert loaded.server.windows.model_dump() == {"reboot": {"size": 3, "sleep_time": 2.0}, "check": {"size": 7}}


def test_consoles_are_a_cluster_s_or_a_node_s_own(tmp_path: Path) -> None:
    (tmp_path / "command.conf").write_text("node-2: {console: telnet pdu HOSTNAME_SHORT}\n")
    nodes = load(tmp_path, {"console": ["DEFAULT_CONNECTOR console HOSTNAME_FQDN"]}).site.nodes
    first, second = nodes["node-1"].console, nodes["node-2"].console
    assert first is not None
    assert second is not None
    assert first.for_node("node-1").startswith("ssh -l root ")
    assert first.for_node("node-1").endswith("console node-1")
    assert second.for_node("node-2") == "telnet pdu node-2"
    (tmp_path / "command.conf").unlink()
    assert load(tmp_path, {}).site.nodes["node-1"].console is None
    with pytest.raises(BadConfiguration, match=r"remoteops\.console: must have one command, not 2"):
        load(tmp_path, {"console": ["a", "b"]})


def test_groups_for_rights(tmp_path: Path) -> None:
    rights = {"groups": {"ml": ["carol", "dora"], "bio": "ann, bob"}}
    loaded = load(tmp_path, {}, server=files.server(tmp_path) | {"rights": rights})
    assert loaded.server.rights.groups == {"ml": ("carol", "dora"), "bio": ("ann", "bob")}
    assert not loaded.server.rights.system_groups
    with pytest.raises(BadConfiguration, match=r"rights\.groups"):
        load(tmp_path, {}, server=files.server(tmp_path) | {"rights": {"groups": {"@ml": ["carol"]}}})
