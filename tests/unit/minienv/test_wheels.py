"""What of a wheel goes into the minimal environment, and that it can be done without."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from kadeploy.errors import CommandFailed
from kadeploy.minienv import packages, wheels


def test_the_package_goes_in_and_what_tells_of_it_does_not(tmp_path: Path) -> None:
    wheel = tmp_path / "some-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in ("some/__init__.py", "some/some.cpython-311-x86_64-linux-gnu.so", "some-1.0.dist-info/METADATA"):
            archive.writestr(name, "x")
    wheels.extract(wheel, folder := tmp_path / "lib")
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert found == ["some/__init__.py", "some/some.cpython-311-x86_64-linux-gnu.so"]


def test_what_is_no_wheel_is_told(tmp_path: Path) -> None:
    wheel = tmp_path / "some.whl"
    wheel.write_text("an error page of some proxy")
    with pytest.raises(CommandFailed, match=r"some\.whl cannot be unpacked"):
        wheels.extract(wheel, tmp_path)


def test_a_wheel_that_cannot_be_had_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # no network
    with pytest.raises(CommandFailed, match=r"pip exited with 1: .*some-package==1\.0"):
        wheels.unpack("some-package==1.0", tmp_path, tmp_path)


def test_versions_are_fixed() -> None:
    assert all("==" in wheel for wheel in packages.WHEELS)
    assert f"usr/lib/python{wheels.PYTHON_VERSION}" in packages.DATA
