"""Custom steps, variables and the hook, from the command line to the request."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.cli.debian import DEPLOY, all_ok, with_events
from tests.acceptance.cli.stub_server import Stream
from tests.acceptance.cli.tools import environment, run

STEPS = """
SetDeploymentEnv:
  sync:
    pre-ops: [{name: a, action: run, file: do.sh}]
"""


def test_they_travel_with_the_files_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "do.sh").write_text("#!/bin/sh\n")
    (tmp_path / "steps.yaml").write_text(STEPS)
    options = ("--custom-steps", "steps.yaml", "--variable", "A=1", "--variable", "B=x y", "--hook")
    with with_events(Stream(events=all_ok())).serving() as server:
        done = run("kadeploy", *DEPLOY, *options, env=environment(tmp_path, server.url))
        assert (done.exit, done.stderr) == (0, "")
        (launch,) = server.requests("POST", "/deployment/")
    assert isinstance(launch.body, dict)
    assert launch.body["custom_operations"] == {
        "SetDeploymentEnv": {
            "sync": {
                "pre-ops": [{"name": "a", "action": "run", "content": "#!/bin/sh\n", "filename": "do.sh"}],
            }
        }
    }
    assert launch.body["custom_variables"] == {"A": "1", "B": "x y"}
    assert launch.body["hook"] is True


def test_what_cannot_travel_is_told_with_all_else_and_nothing_is_launched(tmp_path: Path) -> None:
    (tmp_path / "steps.yaml").write_text(STEPS)
    options = ("--custom-steps", "steps.yaml", "--variable", "A", "-p", "x")
    with with_events(Stream(events=all_ok())).serving() as server:
        done = run("kadeploy", *DEPLOY, *options, env=environment(tmp_path, server.url))
        (asked,) = server.requests("POST", "/deployment/")
        assert isinstance(asked.body, dict)
        assert asked.body["dry_run"] is True
    assert done.exit == 1
    assert "SetDeploymentEnv.sync.pre-ops[0].file: do.sh cannot be read: No such file or directory" in done.stderr
    assert "--variable A: must be NAME=VALUE" in done.stderr
    assert "-p x: must be a partition's number" in done.stderr
