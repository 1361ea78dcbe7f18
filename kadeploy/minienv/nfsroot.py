"""The minimal environment with its root on NFS: the tree to export, and the initrd by which its kernel mounts that.

Made of a minimal environment that is built already. Nodes then read only what they use, over the network and when
they use it, and the tree can be added to with nothing built again.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from kadeploy.errors import BadConfiguration, CommandFailed
from kadeploy.minienv import modules, squash, tree
from kadeploy.minienv.build import INITRD, KERNEL

ROOT = "root"
SQUASHFS = b"hsqs"  # how a squashfs begins (Documentation/filesystems/squashfs.rst)
SCRIPTS = ("say", "coldplug", "network", "lease")
MODULES = (*modules.NETWORK, *modules.NFS, "virtio_pci", "overlay")
FOLDERS = ("bin", "dev", "etc", "layers", "lower", "proc", "root", "sys", "usr/bin", "usr/sbin", "usr/lib/kadeploy")


def build_nfsroot(minienv: Path, output: Path) -> None:
    """`vmlinuz`, `initrd` and the tree `root` in `output`, of the minimal environment in `minienv`.

    Needs root. Raises BadConfiguration where there is no minimal environment, CommandFailed when a step fails.
    """
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output, prefix=".building-") as folder:
        work = Path(folder)
        unpack(minienv, work / ROOT)
        stage = work / "stage"
        first_stage(work / ROOT, stage)
        squash.packed(stage, work / INITRD)
        (work / INITRD).chmod(0o644)
        shutil.copy2(minienv / KERNEL, work / KERNEL)
        shutil.rmtree(output / ROOT, ignore_errors=True)
        for name in (ROOT, INITRD, KERNEL):
            (work / name).replace(output / name)


def unpack(minienv: Path, target: Path) -> None:
    """The file system that a node runs on. Raises BadConfiguration, CommandFailed."""
    try:
        packed = (minienv / INITRD).read_bytes()
        begins = packed.index(SQUASHFS)
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"there is no minimal environment in {minienv}", hint="build it first") from error
    image = target.with_suffix(".squashfs")
    image.write_bytes(packed[begins:])
    argv = ["unsquashfs", "-q", "-n", "-d", str(target), str(image)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(f"unsquashfs exited with {done.returncode}: {done.stderr.strip()[-500:]}")
    image.unlink()


def first_stage(root: Path, stage: Path) -> None:
    """What has an address and mounts: busybox, the scripts of the second stage, and drivers of network cards."""
    for name in FOLDERS:
        (stage / name).mkdir(parents=True, exist_ok=True)
    for path in ("bin/busybox", *(f"usr/lib/kadeploy/{name}" for name in SCRIPTS)):
        (stage / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, stage / path)
    shutil.copy2(tree.OVERLAY / "init-nfs", stage / "init")
    (stage / "init").chmod(0o755)
    folder = Path("lib/modules") / tree.kernel_version(root)
    chosen, _ = modules.select(MODULES, *modules.read_tables(root / folder))
    for path in (*chosen, "modules.builtin"):
        tree.copy_inside(root, stage, (folder / path).as_posix())
    # It warns of lists that the tree does without.
    subprocess.run(["depmod", "-b", str(stage), folder.name], check=True, capture_output=True)
