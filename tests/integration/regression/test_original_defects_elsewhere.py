"""What was wrong in the original at its last version, where no API is asked: tools, configuration, scripts on nodes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kadeploy.api.auth.certificate import Certificate
from kadeploy.api.auth.credentials import Credentials
from kadeploy.api.auth.issued import Issuers
from kadeploy.config.load import load_site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import BadConfiguration
from tests.integration.agents.world import KnownTokens, agent, script, serving, until
from tests.integration.security.certificates import TestAuthority
from tests.unit.cli.test_every_option import command_of
from tests.unit.config import files


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("gr1node-[1-2]", ["gr1node-1", "gr1node-2"]),
        ("rack3-node-[9-11]", ["rack3-node-9", "rack3-node-10", "rack3-node-11"]),
        ("a[1-2]b[1-2]", ["a1b1", "a1b2", "a2b1", "a2b2"]),
        ("c6420-[1,3].site1.example.org", ["c6420-1.site1.example.org", "c6420-3.site1.example.org"]),
    ],
)
def test_names_may_have_digits_inside(text: str, names: list[str]) -> None:
    assert list(NodeSet.parse(text)) == names


@pytest.mark.parametrize(
    "names",
    [
        ["node-1", "node-2", "node-3", "other-1", "other-2"],
        ["a1", "a2", "a10", "b1", "a1b1", "a1b2"],
        ["node-1.site1", "node-2.site1", "node-1.site2"],
        ["node-01", "node-1", "node-2", "node-02"],
    ],
)
def test_folding_keeps_groups_apart(names: list[str]) -> None:
    assert set(NodeSet.parse(str(NodeSet(names)))) == set(names)


def test_a_script_gets_its_parameters_and_a_command_line_exports_its_variables(tmp_path: Path) -> None:
    """`run` ignored the parameters, and what `exec` set was not seen by the programs that it started."""
    tokens = KnownTokens()
    tokens.expect("node-1", "secret")

    async def story() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            await until(lambda: server.meeting.session("node-1") is not None)
            line = {"command": "sh -c 'echo said $WORD'", "environment": {"WORD": "exported"}}
            ran = await server.run("node-1", "run_command", line, key="k1")
            assert "said exported" in ran.outputs["node-1"]
            program = {"content": "#!/bin/sh\necho got $1 and $2\n", "name": "x", "arguments": ["one", "two words"]}
            ran = await server.run("node-1", "run_file", program, key="k2")
            assert "got one and two words" in (ran.outputs.get("node-1") or ran.ko["node-1"])
            archive = {**script(tmp_path, "echo arguments: $1 $2"), "script": "do first second"}
            ran = await server.run("node-1", "run_script", archive, key="k3")
            assert "arguments: first second" in (ran.outputs.get("node-1") or ran.ko["node-1"])

    asyncio.run(story())


def test_administrators_scripts_before_the_installation_are_read_and_faults_in_them_told(tmp_path: Path) -> None:
    """They crashed the deployment, and so did the message that was to say what is wrong."""
    archives = [{"file": "/srv/pre.tgz", "format": "tgz", "script": "run.sh"}]
    files.write(tmp_path, lab=files.cluster() | {"preinstall": {"files": archives}})
    (cluster,) = load_site(tmp_path).site.clusters.values()
    assert [archive.script for archive in cluster.preinstalls] == ["run.sh"]
    files.write(tmp_path, lab=files.cluster() | {"preinstall": {"files": [{"format": "rar"}]}})
    with pytest.raises(BadConfiguration, match="preinstall"):
        load_site(tmp_path)


@pytest.mark.parametrize("key", ["end_of_deployment", "end_of_reboot", "end_of_power"])
def test_every_kind_of_operation_has_its_command_at_the_end_with_the_same_placeholder(tmp_path: Path, key: str) -> None:
    """The placeholder of two of the three was another than the documented one."""
    files.write(tmp_path, server=files.server(tmp_path) | {"hooks": {key: "/usr/bin/env WORKFLOW_ID"}})
    found = getattr(load_site(tmp_path).server.hooks, key)
    assert found == ("/usr/bin/env", "WORKFLOW_ID")


def test_no_force_is_no_force() -> None:
    with command_of("kadeploy").make_context("kadeploy", ["--no-force"]) as context:
        assert context.params["force"] is False


def test_a_certificate_alone_says_who_somebody_is(tmp_path: Path) -> None:
    """Without the User header it was never looked at."""
    authority = TestAuthority()
    path = authority.write(tmp_path / "ca.pem")
    scheme = Certificate(Issuers.read(path, None))
    der = authority.issue("alice").certificate.public_bytes(Encoding.DER)
    found = asyncio.run(scheme.identify(Credentials(address="192.0.2.1", certificate=der)))
    assert found is not None
    assert found.user == "alice"


def test_a_group_of_nodes_is_found_under_the_name_it_was_kept(tmp_path: Path) -> None:
    """The nodes of a line of the group file are acted on together."""
    (tmp_path / "twins").write_text("node-1,node-2\n")
    command = {"name": "very_hard", "cmd": "pdu GROUP_SHORT", "group": "twins"}
    files.write(tmp_path, lab=files.cluster() | {"remoteops": {"reboot": [command]}})
    site = load_site(tmp_path).site
    assert list(site.switched_together(NodeSet(["node-1", "node-2"]))) == [NodeSet(["node-1", "node-2"])]
