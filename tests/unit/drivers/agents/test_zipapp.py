from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from kadeploy.drivers.agents.zipapp import agent_zipapp

IMPORT_ALL = """
import importlib, json, sys, zipfile
path = sys.argv[1]
sys.path.insert(0, path)
names = [name[:-3].removesuffix("/__init__").replace("/", ".") for name in zipfile.ZipFile(path).namelist()
         if name.endswith(".py") and name != "__main__.py"]
files = {name: importlib.import_module(name).__file__ for name in names}
foreign = {name.split(".")[0] for name in sys.modules} - sys.stdlib_module_names - {"kadeploy", "__main__"}
print(json.dumps({"files": files, "foreign": sorted(foreign)}))
"""


@pytest.fixture
def pyz(tmp_path: Path) -> Path:
    path = tmp_path / "agent.pyz"
    path.write_bytes(agent_zipapp())
    return path


def bare(*argv: str) -> subprocess.CompletedProcess[str]:
    """A Python that knows nothing but its standard library."""
    return subprocess.run([sys.executable, "-I", "-S", *argv], capture_output=True, text=True, check=False, timeout=30)


def test_everything_in_it_needs_the_standard_library_only(pyz: Path) -> None:
    done = bare("-c", IMPORT_ALL, str(pyz))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["foreign"] == []
    assert {"kadeploy.agent.commands.partition", "kadeploy.broadcast.relay", "kadeploy.domain.disk"} <= set(
        found["files"]
    )
    assert all(file.endswith(".pyc") for file in found["files"].values()), "compiled code is not used"


def test_it_runs_and_says_what_it_needs(pyz: Path) -> None:
    done = bare(str(pyz), "--node", "node-1")
    assert done.returncode == 2
    assert "kadeploy.meet: is missing" in done.stderr


def test_another_python_takes_the_sources(pyz: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pyz"
    with zipfile.ZipFile(pyz) as ours, zipfile.ZipFile(other, "w") as theirs:
        for entry in ours.infolist():
            data = ours.read(entry)
            if entry.filename.endswith(".pyc"):
                data = b"\0\0\r\n" + data[len(importlib.util.MAGIC_NUMBER) :]
            theirs.writestr(entry, data)
    done = bare("-c", IMPORT_ALL, str(other))
    assert done.returncode == 0, done.stderr
    assert all(file.endswith(".py") for file in json.loads(done.stdout)["files"].values())


def test_the_same_sources_give_the_same_bytes() -> None:
    first = agent_zipapp()
    agent_zipapp.cache_clear()
    assert agent_zipapp() == first
