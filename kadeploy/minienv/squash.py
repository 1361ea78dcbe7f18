"""Packing: the file system as one squashfs, inside an initramfs whose only task is to mount it.

The kernel then unpacks a few small files instead of thousands, and of the file system only the
pages that are really touched are ever decompressed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from kadeploy.errors import CommandFailed
from kadeploy.minienv import libraries, modules, tree

COMPRESSION = ("-comp", "zstd", "-Xcompression-level", "19", "-b", "128K")


def squash(root: Path, target: Path) -> None:
    """Pack `root`, all of it owned by root, the same bytes for the same content."""
    argv = ["mksquashfs", str(root), str(target), "-noappend", "-no-progress", "-quiet", "-all-root", "-all-time", "0"]
    _run([*argv, "-mkfs-time", "0", "-no-xattrs", *COMPRESSION])


def first_stage(source: Path, stage: Path) -> None:
    """Lay out the small tree the kernel unpacks itself: busybox, three modules and a script."""
    for name in ("bin", "dev", "proc", "modules", "root", "lower"):
        (stage / name).mkdir(parents=True)
    for path in ("/bin/busybox", *sorted(libraries.needed(source, [source / "bin/busybox"]))):
        tree.copy_inside(source, stage, path.lstrip("/"))
    shutil.copy2(tree.OVERLAY / "init", stage / "init")
    shutil.copy2(tree.OVERLAY / "root/usr/lib/kadeploy/say", stage / "say")
    (stage / "init").chmod(0o755)
    depends, _ = tree.read_module_tables(source)
    folder = source / "lib/modules" / tree.kernel_version(source)
    names = []
    for path in modules.load_order(modules.FIRST_STAGE, depends):
        shutil.copy2(folder / path, stage / "modules")
        names.append(Path(path).name)
    (stage / "modules/order").write_text("".join(f"{name}\n" for name in names))


def initrd(stage: Path, image: Path, target: Path) -> None:
    """Write the initramfs: the small tree compressed, then the squashfs as it is, as two archives in a row."""
    small = target.with_suffix(".small")
    packed(stage, small)
    large = target.with_suffix(".large")
    _cpio(image.parent, large, only=image.name)
    with target.open("wb") as out:
        for part in (small, large):
            data = part.read_bytes()
            out.write(data + b"\0" * (-len(data) % 512))
            part.unlink()


def packed(stage: Path, target: Path) -> None:
    """An initramfs of that tree, compressed."""
    whole = target.with_suffix(".cpio")
    _cpio(stage, whole)
    _run(["zstd", "-q", "-f", "-19", "--rm", str(whole), "-o", str(target)])


def _cpio(folder: Path, target: Path, only: str | None = None) -> None:
    """A newc archive of the folder (cpio(5)), owned by root, with the times left at zero."""
    paths = [only] if only else sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))
    for path in paths:
        os.utime(folder / path, (0, 0), follow_symlinks=False)
    with target.open("wb") as out:
        subprocess.run(
            ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", "--reproducible"],
            input="\n".join(paths).encode(),
            stdout=out,
            cwd=folder,
            check=True,
        )


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(f"{argv[0]} exited with {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")
