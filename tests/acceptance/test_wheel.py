"""The package as others install it: built from the sources, put into an environment of its own, and used from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

from tests.simulated import simulated

ROOT = Path(__file__).parents[2]
SOURCES = ("kadeploy", "share", "pyproject.toml", "README.md", "LICENSE")
ORIGINALS = ("kadeploy", "kareboot", "kapower", "kaconsole", "kaenv", "kanodes", "karights", "kastat")


def ran(*argv: str | Path, **environ: str) -> str:
    # Nothing of the sources' folder, where this runs, is to be found instead of what is installed.
    done = subprocess.run(
        [str(part) for part in argv],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd="/",
        env={**os.environ, **environ},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its libraries are those of these tests; its own package is the wheel's."""
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    sources.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, sources / name)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
    ran(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, sources)
    (wheel,) = folder.glob("kadeploy-*.whl")
    place = folder / "installed"
    venv.create(place, with_pip=False)
    ran(*pip, "--python", place / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    (packages / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    shutil.rmtree(sources)
    return place


def test_everything_is_in_it(installed: Path) -> None:
    package = next((installed / "lib").glob("python*/site-packages/kadeploy"))
    listed = [path.relative_to(ROOT / "kadeploy") for path in (ROOT / "kadeploy").rglob("*") if path.is_file()]
    wanted = {path for path in listed if "__pycache__" not in path.parts}
    assert wanted == {path for path in wanted if (package / path).is_file()}
    data = {path.relative_to(ROOT) for path in (ROOT / "share").rglob("*") if path.is_file()}
    assert data
    assert data == {path for path in data if (installed / path).is_file()}


def test_every_tool_starts(installed: Path) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert {*ORIGINALS, *(f"{name}3" for name in ORIGINALS), "kadeployd", "kadmin"} <= scripts.keys()
    for tool in scripts:
        assert "Usage" in ran(installed / "bin" / tool, "--help").replace("usage", "Usage"), tool


def test_a_server_from_it_is_used_by_the_tools_from_it(installed: Path, tmp_path: Path) -> None:
    believed = {"security": {"secure_server": False}, "authentication": {"acl": {"whitelist": ["127.0.0.1"]}}}
    rights = {"rights": {"kind": "dummy"}}
    with simulated(
        tmp_path, "--simulate-speed", "300", nodes=3, programs=installed / "bin", settings={**believed, **rights}
    ) as server:
        url = f"http://127.0.0.1:{server.port}"
        said = ran(
            installed / "bin" / "kadeploy3",
            "-m",
            "node-[1-3]",
            "-e",
            "simulated",
            KADEPLOY_SERVER=url,
            HOME=str(tmp_path),
        )
        assert "node-[1-3]" in said
        shown = ran(installed / "bin" / "kanodes", KADEPLOY_SERVER=url, HOME=str(tmp_path))
        assert shown.count("deployed") == 3
        told = ran(installed / "bin" / "python", "-c", "import kadeploy.cli.deploy as d; print(d.__file__)")
        assert told.startswith(str(installed))
