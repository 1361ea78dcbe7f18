"""Choosing from the unpacked packages what the minimal environment is made of, and laying it out."""

from __future__ import annotations

import os
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path

from kadeploy.errors import CommandFailed
from kadeploy.minienv import grub, libraries, modules, packages

OVERLAY = Path(__file__).parent / "overlay"
MERGED = ("bin", "sbin", "lib", "lib64")  # these are links into usr/, as in Debian
FOLDERS = ("dev", "proc", "sys", "run", "tmp", "root", "mnt/dest", "etc", "var/tmp", "var/log", "boot")
PYTHON = "usr/lib/python3.11"
SCRIPTS = ("usr/sbin/init", *(f"usr/lib/kadeploy/{name}" for name in ("coldplug", "network", "lease")))


def lay_out(source: Path, root: Path) -> None:
    """Make `root`, the file system a node runs on, from the unpacked packages in `source`."""
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    _copy_programs(source, root)
    grub.copy(source, root)
    _copy_modules(source, root)
    for path, target in packages.LINKS.items():
        _link(root / path, target)
    _applets(root)
    shutil.copytree(OVERLAY / "root", root, dirs_exist_ok=True)
    for script in SCRIPTS:
        (root / script).chmod(0o755)
    _link(root / "var/run", "../run")
    _link(root / "etc/mtab", "../proc/self/mounts")


def is_left_out(path: str, patterns: tuple[str, ...] = packages.LEFT_OUT) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


def kernel_version(source: Path) -> str:
    """The version of the one kernel in the unpacked packages."""
    found = sorted(path.name for path in (source / "lib/modules").iterdir())
    if len(found) != 1:
        raise CommandFailed(f"the packages hold {len(found)} kernels, not one: {', '.join(found)}")
    return found[0]


def _copy_programs(source: Path, root: Path) -> None:
    """The programs, the data, and the libraries of both. Raises CommandFailed naming all that is missing."""
    wanted = [source / path for path in (*packages.PROGRAMS, *packages.DATA)]
    missing = [str(path.relative_to(source)) for path in wanted if not os.path.lexists(path)]
    if missing:
        raise CommandFailed(f"not in the packages: {', '.join(missing)}", hint="mend minienv/packages.py")
    files = [file for path in wanted for file in _files(path)]
    files = [file for file in files if not is_left_out(file.relative_to(source).as_posix())]
    for file in files:
        copy_inside(source, root, file.relative_to(source).as_posix())
    for library in sorted(libraries.needed(source, files)):
        copy_inside(source, root, library.lstrip("/"))
    _compile_python(source, root)


def _compile_python(source: Path, root: Path) -> None:
    """Leave the standard library as compiled code only: smaller, and nothing to compile or compare at start."""
    argv = ["chroot", str(source), "/usr/bin/python3.11", "-m", "compileall", "-q", "-b", "-j2"]
    argv += ["--invalidation-mode", "unchecked-hash", f"/{PYTHON}"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(f"the standard library did not compile: {done.stdout.strip()[-500:]}")
    for script in sorted((root / PYTHON).rglob("*.py")):
        compiled = source / script.relative_to(root).with_suffix(".pyc")
        shutil.copy2(compiled, script.with_suffix(".pyc"))
        script.unlink()


def _copy_modules(source: Path, root: Path) -> None:
    """The chosen modules, and depmod's tables over just them."""
    version = kernel_version(source)
    folder = Path("lib/modules") / version
    depends, soft = read_module_tables(source)
    chosen, missing = modules.select(modules.WANTED, depends, soft)
    builtin = {modules.module_name(line) for line in (source / folder / "modules.builtin").read_text().splitlines()}
    missing = tuple(name for name in missing if name not in builtin)
    if missing:
        raise CommandFailed(f"not in kernel {version}: {', '.join(missing)}", hint="mend minienv/modules.py")
    for path in (*chosen, "modules.order", "modules.builtin", "modules.builtin.modinfo"):
        copy_inside(source, root, (folder / path).as_posix())
    subprocess.run(["depmod", "-b", str(root), version], check=True)
    for text in ("modules.order", "modules.builtin.modinfo", "modules.symbols", "modules.symbols.bin"):
        (root / folder / text).unlink(missing_ok=True)


def read_module_tables(source: Path) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """modules.dep and modules.softdep of the kernel in `source`; depmod makes them, no package ships them."""
    version = kernel_version(source)
    folder = source / "lib/modules" / version
    if not (folder / "modules.dep").exists():
        subprocess.run(["depmod", "-b", str(source), version], check=True)
    return modules.read_tables(folder)


def _applets(root: Path) -> None:
    """Every busybox applet whose name nothing else has taken."""
    listed = subprocess.run([root / "bin/busybox", "--list-full"], capture_output=True, text=True, check=True)
    for line in listed.stdout.split():
        taken = [
            folder
            for folder in ("bin", "sbin", "usr/bin", "usr/sbin")
            if os.path.lexists(root / folder / Path(line).name)
        ]
        if not taken:
            _link(root / "usr/bin" / Path(line).name, "busybox")


def _files(path: Path) -> list[Path]:
    if path.is_dir() and not path.is_symlink():
        return sorted(file for file in path.rglob("*") if file.is_symlink() or file.is_file())
    return [path]


def copy_inside(source: Path, root: Path, path: str) -> None:
    """Copy `path` from the tree `source` to the tree `root`; of a link, what it leads to goes along."""
    there, here = source / path, root / path
    if os.path.lexists(here):
        return
    here.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(there, here, follow_symlinks=False)
    if there.is_symlink():
        leads = os.path.normpath(Path("/", path).parent / os.readlink(there))
        copy_inside(source, root, leads.lstrip("/"))


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(path):
        path.symlink_to(target)
