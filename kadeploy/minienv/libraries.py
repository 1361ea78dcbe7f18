"""Which shared libraries a set of programs needs, asked of the tree's own dynamic linker."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

LOADER = "/lib64/ld-linux-x86-64.so.2"
_ELF = b"\x7fELF"


def parse_list(text: str) -> frozenset[str]:
    """The paths in what `ld.so --list` prints: `libc.so.6 => /lib/.../libc.so.6 (0x...)`."""
    found = set()
    for line in text.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        path = rest if arrow else name
        path = path.split(" (")[0].strip()
        if path.startswith("/"):
            found.add(path)
    return frozenset(found)


def needed(tree: Path, files: Iterable[Path]) -> frozenset[str]:
    """Absolute paths (inside `tree`) of every library the ELF files among `files` (inside it too) are linked to."""
    found = {LOADER}
    for path in files:
        if not _is_elf(path):
            continue
        inside = "/" + path.relative_to(tree).as_posix()
        done = subprocess.run(
            ["chroot", str(tree), LOADER, "--list", inside],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:  # else it is statically linked
            found |= parse_list(done.stdout)
    return frozenset(found)


def _is_elf(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == _ELF
