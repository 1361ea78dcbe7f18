"""What of a wheel goes into the minimal environment, and that it can be done without."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from kadeploy.errors import CommandFailed
from kadeploy.minienv import packages, wheels
from kadeploy.minienv.build import can_be_had


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


def test_what_was_left_out_is_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was built then, all else being the same: it is built again once the wheel is there."""
    shop = tmp_path / "shop"
    shop.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # no network
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    said: list[str] = []
    assert not can_be_had(["some-package==1.0"], said.append)
    assert [line.partition(",")[0] for line in said] == ["still WITHOUT some-package==1.0"]
    with zipfile.ZipFile(shop / "some_package-1.0-cp311-cp311-manylinux_2_17_x86_64.whl", "w") as archive:
        about = "some_package-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: some-package\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\n")
    assert can_be_had(["some-package==1.0"], said.append)
    assert not can_be_had([], said.append), "nothing was left out: pip is not asked"
    assert len(said) == 1


def test_versions_are_fixed() -> None:
    assert all("==" in wheel for wheel in packages.WHEELS)
    assert f"usr/lib/python{wheels.PYTHON_VERSION}" in packages.DATA
