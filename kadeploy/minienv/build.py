"""Building the minimal environment, step by step, into a folder: `vmlinuz` and `initrd`."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from kadeploy.errors import BadConfiguration, CommandFailed
from kadeploy.minienv import debian, packages, squash, stamp, tree, wheels

KERNEL = "vmlinuz"
INITRD = "initrd"
TOOLS = {"mmdebstrap": "mmdebstrap", "mksquashfs": "squashfs-tools", "cpio": "cpio", "zstd": "zstd", "depmod": "kmod"}


def build(output: Path, *, force: bool = False, say: debian.Say = print) -> bool:
    """Build into `output` unless what is there is current; returns whether anything was built.

    Needs root. Raises BadConfiguration for what is missing on this system, CommandFailed when a step fails.
    """
    outputs = (output / KERNEL, output / INITRD)
    mark = output / ".stamp"
    recipe = stamp.recipe_hash([*stamp.sources(Path(__file__).parent), *debian.sources()])
    if not force and stamp.is_current(mark, recipe, outputs) and not can_be_had(stamp.left_out(mark), say):
        return False
    _check_tools()
    output.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()

    def step(text: str) -> None:
        say(f"[{time.monotonic() - started:5.1f} s] {text}")

    with tempfile.TemporaryDirectory(dir=output, prefix=".building-") as work:
        left_out = _steps(Path(work), outputs, output / "mmdebstrap.log", step)
    stamp.write(mark, recipe, outputs, left_out)
    for path in outputs:
        step(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return True


def can_be_had(left_out: Iterable[str], say: debian.Say = print) -> bool:
    """Whether any of the wheels that an earlier build had to do without is there by now."""
    found = False
    for wheel in left_out:
        with tempfile.TemporaryDirectory(prefix="minienv-") as downloads:
            try:
                found = bool(wheels.fetch(wheel, Path(downloads))) or found
            except CommandFailed as failed:
                say(f"still {_without(wheel, failed)}")
    return found


def _without(wheel: str, failed: CommandFailed) -> str:
    return f"WITHOUT {wheel}, so nodes check images by SHA-256, which costs three times as much: {failed}"


def _steps(work: Path, outputs: tuple[Path, Path], log: Path, step: debian.Say) -> list[str]:
    """The wheels that could not be had."""
    left_out: list[str] = []
    source, root, stage = work / "packages", work / "root", work / "stage"
    step(f"unpacking {len(packages.PACKAGES)} Debian packages and what they need")
    debian.make_tree(source, packages.PACKAGES, variant="extract", options=debian.MERGED_USR, log=log, say=step)
    for wheel in packages.WHEELS:
        try:
            wheels.unpack(wheel, source / tree.PYTHON, work / "wheels")
            step(f"unpacked {wheel}")
        except CommandFailed as failed:
            left_out.append(wheel)
            step(_without(wheel, failed))
    step("choosing programs, libraries and modules")
    tree.lay_out(source, root)
    step("packing the file system")
    squash.squash(root, work / "root.squashfs")
    squash.first_stage(source, stage)
    squash.initrd(stage, work / "root.squashfs", work / INITRD)
    shutil.copyfile(source / "boot" / f"vmlinuz-{tree.kernel_version(source)}", work / KERNEL)
    for path in outputs:
        (work / path.name).chmod(0o644)
        os.replace(work / path.name, path)
    return left_out


def _check_tools() -> None:
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if os.geteuid() != 0:
        raise BadConfiguration("the minimal environment must be built as root", hint="it unpacks Debian packages")
    if missing:
        raise BadConfiguration(f"missing on this system: {', '.join(missing)}", hint=f"apt install {' '.join(missing)}")
