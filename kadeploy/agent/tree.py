"""Paths inside an unpacked system, as they will be once it runs: every link is followed within the tree."""

from __future__ import annotations

import os
from pathlib import Path

from kadeploy.errors import CommandFailed

_MOST_LINKS = 40  # as in the kernel, path_resolution(7)


def resolve(tree: str | Path, path: str) -> str:
    """Where `path` leads, as an absolute path inside the tree; parts that do not exist are kept.

    Raises CommandFailed when links lead in a circle.
    """
    done: list[str] = []
    left = _parts(path)
    links = 0
    while left:
        part = left.pop(0)
        if part == "..":
            done = done[:-1]
            continue
        real = Path(tree, *done, part)
        if not real.is_symlink():
            done.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            raise CommandFailed(f"{path} leads through too many links in the image")
        target = os.readlink(real)
        done = [] if target.startswith("/") else done
        left = _parts(target) + left
    return "/" + "/".join(done)


def inside(tree: str | Path, path: str) -> Path:
    """The real place of a path of the tree, for reading and writing: no link leads out of it."""
    return Path(tree, resolve(tree, path).lstrip("/"))


def write(tree: str | Path, path: str, text: str) -> None:
    """Write a file of the tree, with the directories it needs."""
    real = inside(tree, path)
    real.parent.mkdir(parents=True, exist_ok=True)
    real.write_text(text)


def read(tree: str | Path, path: str) -> str:
    """A file of the tree; empty when there is none."""
    real = inside(tree, path)
    return real.read_text(errors="replace") if real.is_file() else ""


def faults_of(tree: str | Path, paths: tuple[str, ...]) -> list[str]:
    """A sentence for each path that is no readable file in the tree."""
    return [fault for path in paths if (fault := _fault(tree, path))]


def existing(tree: str | Path, path: str) -> str:
    """`resolve`, of a file that must be there. Raises CommandFailed."""
    if faults := faults_of(tree, (path,)):
        raise CommandFailed("; ".join(faults))
    return resolve(tree, path)


def _fault(tree: str | Path, path: str) -> str:
    found = resolve(tree, path)
    if Path(tree, found.lstrip("/")).is_file():
        return ""
    through = f", which leads to {found}" if found != "/" + path.strip("/") else ""
    return f"the image has no file {path}{through}"


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
