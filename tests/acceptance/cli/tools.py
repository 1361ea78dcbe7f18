"""Running the installed tools as their users do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DEADLINE = 30  # seconds any run may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    exit: int
    stdout: str
    stderr: str


def environment(home: Path, url: str, **more: str) -> dict[str, str]:
    """Nothing of the caller's own configuration."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "USER": "alice",
        "KADEPLOY_SERVER": url,
        "PYTHONUNBUFFERED": "1",
        "LC_ALL": "C.UTF-8",
        **more,
    }


def program(tool: str) -> str:
    return str(Path(sys.executable).with_name(tool))


def run(tool: str, *arguments: str, env: Mapping[str, str], stdin: str = "", cwd: Path | None = None) -> Run:
    done = subprocess.run(
        [program(tool), *arguments],
        env=dict(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        cwd=cwd or env["HOME"],
    )
    return Run(exit=done.returncode, stdout=done.stdout, stderr=done.stderr)


@contextmanager
def running(tool: str, *arguments: str, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A tool in the background, ended whatever happens."""
    process = subprocess.Popen(
        [program(tool), *arguments],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=env["HOME"],
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_until(process: subprocess.Popen[str], part: str) -> list[str]:
    """What the tool says, up to the line that has `part`."""
    assert process.stdout is not None
    told: list[str] = []
    for line in process.stdout:
        told.append(line.rstrip("\n"))
        if part in line:
            return told
    raise AssertionError(f"{part!r} was never said, but: {told}")
