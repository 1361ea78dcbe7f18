"""Every tool against the real API, engine and store: rights, environments, a deployment with faults, an abort."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from kadeploy.testing.nodes import Fault
from tests.acceptance.cli.real_server import ADMINISTRATOR, real_server
from tests.acceptance.cli.tools import Run, environment, lines_until, run, running

DESCRIPTION = """\
name: debian12
version: 3
os: linux
image: {file: "server:///srv/debian12.tar.zst", kind: tar, compression: zstd}
boot: {kernel: /vmlinuz, initrd: /initrd.img}
filesystem: ext4
"""
# A key made for this test; nobody has its other half.
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDq2n0i5sZ0a6yQx3m3kz8m0c2y0K4b2kzv7cW1tq5vA alice@client\n"


class Site:
    """A user's machine, prepared: alice has rights on all nodes and has recorded an environment."""

    def __init__(self, home: Path, url: str) -> None:
        self.env = environment(home, url)
        (home / "debian12.yaml").write_text(DESCRIPTION)
        (home / "key.pub").write_text(KEY)
        admin = {**self.env, "USER": ADMINISTRATOR}
        assert run("karights", "-a", "-u", "alice", "-m", "*", env=admin) == Run(exit=0, stdout="", stderr="")
        assert run("kaenv", "-a", "debian12.yaml", env=self.env).exit == 0

    def run(self, tool: str, *arguments: str) -> Run:
        return run(tool, *arguments, env=self.env)


def test_a_deployment_in_which_one_node_fails(tmp_path: Path) -> None:
    with real_server(tmp_path, 4, {"node-4": Fault.BMC_REFUSES}) as server:
        server.go.set()
        site = Site(tmp_path, server.url)
        done = site.run(
            "kadeploy", "-m", "node-[1-4]", "-e", "debian12", "-k", "key.pub", "-o", "ok", "-n", "ko", "--json"
        )
        states = json.loads(site.run("kanodes", "--json").stdout)
        again = site.run("kanodes", "-d", "--finished")
        wid = json.loads(done.stdout)["wid"]
        one = site.run("kanodes", "-w", wid)
        attached = site.run("kadeploy", "--attach", wid)
    assert done.exit == 40, done
    told = json.loads(done.stdout)
    assert told["nodes"]["ok"] == ["node-1", "node-2", "node-3"]
    reason = "SetDeploymentEnvUntrusted-reboot: the BMC refused the user or password (tried: Untrusted twice)"
    assert told["nodes"]["ko"] == {"node-4": reason}
    assert (tmp_path / "ok").read_text() == "node-1\nnode-2\nnode-3\n"
    assert (tmp_path / "ko").read_text() == "node-4\n"
    assert "BroadcastEnvChain-send_environment took" in done.stderr
    assert [states[f"node-{index}"]["state"] for index in (1, 4)] == ["deployed", "deploy_failed"]
    assert f"{wid}  alice  done" in again.stdout
    assert "the BMC refused the user or password" in one.stdout
    assert attached.exit == 40
    assert f"KO: 1\n  node-4: {reason}\n" in attached.stdout


def test_ctrl_c_aborts_a_real_operation(tmp_path: Path) -> None:
    with real_server(tmp_path, 2) as server:
        site = Site(tmp_path, server.url)
        with running("kadeploy", "-m", "node-[1-2]", "-e", "debian12", "-n", "ko", env=site.env) as tool:
            lines_until(tool, "send_environment 50 %")
            tool.send_signal(signal.SIGINT)
            stdout, stderr = tool.communicate(timeout=20)
        states = json.loads(site.run("kanodes", "--json").stdout)
    assert (tool.returncode, stderr) == (130, "")
    assert "aborted: 0 of 2 nodes OK" in stdout
    assert states["node-1"]["state"] == "aborted"
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\n"


def test_power_and_reboot(tmp_path: Path) -> None:
    with real_server(tmp_path, 3) as server:
        site = Site(tmp_path, server.url)
        assert site.run("kapower", "-m", "node-[1-2]", "--on").exit == 0
        status = site.run("kapower", "-m", "node-[1-3]", "--status")
        rebooted = site.run("kareboot", "-m", "node-1", "-r", "deploy_env", "-k", "key.pub")
    assert status.exit == 0
    assert "\nnode    output\nnode-1  on\nnode-2  on\nnode-3  off\n" in status.stdout
    assert rebooted.exit == 0, rebooted


def test_a_dry_run_prints_the_plan_and_starts_nothing(tmp_path: Path) -> None:
    with real_server(tmp_path, 2) as server:
        site = Site(tmp_path, server.url)
        steps = ("--force-steps", "BootNewEnv|Classical:1:300+50*n")
        done = site.run("kadeploy", "-m", "node-[1-2]", "-e", "debian12", "--dry-run", *steps)
        as_json = site.run("kadeploy", "-m", "node-[1-2]", "-e", "debian12", "--dry-run", "--json", *steps)
        listed = site.run("kanodes", "-d", "--finished")
    assert done.exit == 0
    begins = "sim (2 nodes):\nSetDeploymentEnv: Untrusted (1 retry)\n    fetch_files\n    switch_pxe\n"
    assert done.stdout.startswith(begins)
    assert "\nBootNewEnv: Classical (1 retry, at most 400 s)\n" in done.stdout
    assert "\nAdapted:\n" in done.stdout
    plan = json.loads(as_json.stdout)["plans"]["sim"]
    assert plan["macro_steps"][2]["instances"][0]["timeout"] == 400.0
    assert plan["adapted"]
    assert listed.stdout == "no operation\n"


def test_refusals_are_one_sentence_and_start_nothing(tmp_path: Path) -> None:
    with real_server(tmp_path, 2) as server:
        site = Site(tmp_path, server.url)
        unknown_node = site.run("kadeploy", "-m", "node-[1-9]", "-e", "debian12")
        unknown_env = site.run("kadeploy", "-m", "node-1", "-e", "debian13")
        stranger = run("kapower", "-m", "node-1", "--on", env={**site.env, "USER": "mallory"})
        (tmp_path / "bad.yaml").write_text("name: bad\nos: plan9\nimage: {file: 'server:///x', kind: zip}\n")
        faulty = site.run("kaenv", "-a", "bad.yaml")
        with running("kadeploy", "-m", "node-[1-2]", "-e", "debian12", env=site.env) as first:
            lines_until(first, "send_environment 50 %")
            busy = site.run("kadeploy", "-m", "node-1", "-e", "debian12")
            server.go.set()
            assert first.wait(20) == 0
    assert unknown_node.exit == 2
    assert "node-[3-9]" in unknown_node.stderr
    assert (unknown_env.exit, unknown_env.stderr.count("\n")) == (1, 1)
    assert stranger.exit == 6
    assert faulty.exit == 7
    assert "image.kind" in faulty.stderr
    assert "os" in faulty.stderr
    assert busy.exit == 11
    assert "node-1" in busy.stderr
