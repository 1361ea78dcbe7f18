"""Ways to deploy and to reboot, as options: what is sent for them, and what is told at once."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.cli.debian import DEPLOY, all_ok, with_events
from tests.acceptance.cli.stub_server import Stream
from tests.acceptance.cli.tools import environment, run

SCRIPT = "#!ipxe\nchain NODE_SINGULARITY\n"


def test_every_way_to_deploy_is_sent(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text(SCRIPT)
    (tmp_path / "pattern").write_text("node-[1-2],http://x/one\nnode-3,http://x/three\n")
    options = (
        *("-b", "/dev/sda", "-c", "0", "-r", "xfs", "--vlan", "3", "-w", "profile", "--set-pxe-pattern", "pattern"),
        *("--force-steps", "BootNewEnv|Kexec:0:90,Classical:1:400"),
    )
    with with_events(Stream(events=all_ok())).serving() as server:
        done = run("kadeploy", *DEPLOY, *options, env=environment(tmp_path, server.url))
        assert (done.exit, done.stderr) == (0, "")
        (launch,) = server.requests("POST", "/deployment/")
    assert isinstance(launch.body, dict)
    assert {key: value for key, value in launch.body.items() if key not in ("nodes", "environment")} == {
        "block_device": "/dev/sda",
        "boot_partition": 0,
        "reformat_tmp_partition": "xfs",
        "vlan": "3",
        "pxe": {
            "profile": SCRIPT,
            "singularities": {"node-1": "http://x/one", "node-2": "http://x/one", "node-3": "http://x/three"},
        },
        "automata": {
            "BootNewEnv": [
                {"name": "Kexec", "retries": 0, "timeout": 90},
                {"name": "Classical", "retries": 1, "timeout": 400},
            ]
        },
    }


def test_every_way_to_reboot_is_sent(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text(SCRIPT)
    recorded = (
        "-r",
        "recorded_env",
        "-e",
        "debian12",
        "-u",
        "bob",
        "--env-version",
        "3",
        "-p",
        "2",
        "-c",
        "--vlan",
        "7",
    )
    with with_events(Stream(events=all_ok())).serving() as server:
        env = environment(tmp_path, server.url)
        run("kareboot", "-m", "node-1", "--no-wait", *recorded, env=env)
        run("kareboot", "-m", "node-1", "--no-wait", "-r", "set_pxe", "-w", "profile", env=env)
        first, second = (seen.body for seen in server.requests("POST", "/reboot/"))
    assert first == {
        "kind": "recorded_env",
        "environment": {"name": "debian12", "user": "bob", "version": 3},
        "deploy_partition": "2",
        "check_destructive": True,
        "vlan": "7",
        "nodes": ["node-1"],
    }
    assert second == {"kind": "set_pxe", "pxe": {"profile": SCRIPT}, "nodes": ["node-1"]}


def test_what_does_not_go_together_is_told_before_anything_is_launched(tmp_path: Path) -> None:
    with with_events(Stream(events=all_ok())).serving() as server:
        env = environment(tmp_path, server.url)
        reboot = run("kareboot", "-m", "node-1", "-r", "set_pxe", "-e", "debian12", "-c", env=env)
        deploy = run("kadeploy", *DEPLOY, "--set-pxe-pattern", "p", "-c", "x", "--force-steps", "Fly|Up", env=env)
        asked = [*server.requests("POST", "/reboot/"), *server.requests("POST", "/deployment/")]
        assert all(isinstance(seen.body, dict) and seen.body["dry_run"] is True for seen in asked)
    assert "-r set_pxe needs a profile: use -w FILE" in reboot.stderr
    assert "-e goes with -r recorded_env only" in reboot.stderr
    assert "--set-pxe-pattern goes with -w" in deploy.stderr
    assert "-c x: must be a number of 0 or more" in deploy.stderr
    assert "there is no macro-step 'Fly'" in deploy.stderr
