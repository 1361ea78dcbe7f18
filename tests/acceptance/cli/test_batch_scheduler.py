"""The scripts of the how-to for batch schedulers, as they stand there, against `kadeployd --simulate`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.cli.test_simulation import simulation

HOWTO = Path(__file__).parents[3] / "docs" / "howto" / "batch-scheduler.md"
RIGHTS = {"kind": "db", "almighty_users": ["root"]}


def scripts(directory: Path) -> tuple[Path, Path]:
    """The prologue and the epilogue."""
    found = [text for text in re.findall(r"```sh\n(.*?)```", HOWTO.read_text(), re.DOTALL) if text.startswith("#!")]
    paths = (directory / "prologue", directory / "epilogue")
    for path, text in zip(paths, found, strict=True):
        path.write_text(text)
        path.chmod(0o755)
    return paths


def run(script: Path, env: dict[str, str]) -> None:
    done = subprocess.run([script], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(120)
def test_a_jobs_nodes_are_its_users_and_then_nobodys_and_both_scripts_may_run_twice(tmp_path: Path) -> None:
    prologue, epilogue = scripts(tmp_path)
    with simulation(tmp_path, "--simulate-speed", "300", rights=RIGHTS) as environ:
        env = {
            **environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "USER": "root",
            "JOB": "1",
            "JOB_USER": "alice",
            "JOB_NODES": "node-[1-3]",
            "JOB_END": str(int(time.time()) + 3600),
            "PRODUCTION": "simulated",
            "ITS_PARTITION": "3",
        }
        with httpx2.Client(base_url=env["KADEPLOY_SERVER"], headers={"X-Kadeploy-User": "root"}) as root:
            for _ in range(2):
                run(prologue, env)
                held = root.get("/rights/alice?detailed=true").json()
                assert [one["node"] for one in held] == ["node-1", "node-2", "node-3"]
                assert all(one["until"] for one in held)
            for _ in range(2):
                run(epilogue, env)
                assert root.get("/rights?detailed=true").json() == []
                states = root.get("/nodes?nodes=node-[1-3]").json()
                assert {one["environment"]["name"] for one in states.values()} == {"simulated"}, states
