"""Python packages that Debian has not, from PyPI, as wheels for the Python of the minimal environment.

They go among its standard library: the agent's Python is started without `site` (`-S`), so it looks nowhere else.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from kadeploy.errors import CommandFailed

PYTHON_VERSION = "3.11"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")  # Debian 12 has glibc 2.36
PATIENCE = 60.0  # seconds for a file of some hundred kilobytes


def unpack(wheel: str, folder: Path, downloads: Path) -> None:
    """Fetch it and put its packages into the folder. Raises CommandFailed."""
    for path in fetch(wheel, downloads):
        extract(path, folder)
        path.unlink()


def fetch(wheel: str, downloads: Path) -> list[Path]:
    """`wheel` is a requirement such as `blake3==1.0.11`, fetched as this system's own pip is told to.

    Raises CommandFailed when there is no pip here, no such wheel there, or no way to it.
    """
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    argv += ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON_VERSION}", f"--dest={downloads}"]
    argv += [f"--platform={platform}" for platform in PLATFORMS]
    try:
        done = subprocess.run(
            [*argv, wheel], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(f"pip did not end within {PATIENCE:g} s") from late
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise CommandFailed(f"pip exited with {done.returncode}: {said[-1][:300]}")
    return sorted(downloads.glob("*.whl"))


def extract(path: Path, folder: Path) -> None:
    """The packages of a wheel (a zip file, PEP 427), without what tells of them. Raises CommandFailed."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [
                name for name in archive.namelist() if not name.partition("/")[0].endswith((".dist-info", ".data"))
            ]
            archive.extractall(folder, names)
    except (OSError, zipfile.BadZipFile) as error:
        raise CommandFailed(f"{path.name} cannot be unpacked: {error}") from error
