"""What is in the minimal environment works there: looked at from inside, without booting it."""

from __future__ import annotations

import contextlib
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from kadeploy.drivers.agents.zipapp import agent_zipapp
from kadeploy.minienv import grub, modules, packages
from kadeploy.minienv.build import INITRD, KERNEL, build
from kadeploy.minienv.libraries import LOADER
from kadeploy.minienv.nfsroot import unpack
from kadeploy.minienv.stamp import is_current

pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]
MINIENV = Path(__file__).parents[2] / "build/minienv"
LIMIT = 64 * 1024**2  # bytes, kernel and initramfs together
IMPORTS = "asyncio, ssl, json, socket, http.client, urllib.request, hashlib, subprocess, threading, zipimport, zipapp"
ALSO = "tarfile, lzma, bz2, zlib, struct, fcntl, logging, dataclasses, enum, argparse, tempfile, shutil, ctypes, uuid"


@pytest.fixture(name="root", scope="module")
def fixture_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file system a node runs on, unpacked."""
    build(MINIENV)
    folder = tmp_path_factory.mktemp("minienv")
    unpack(MINIENV, folder / "root")
    for name in ("dev/null", "dev/urandom"):
        (folder / "root" / name).touch()
    with contextlib.ExitStack() as mounts:
        for source, where in (("/dev/null", "dev/null"), ("/dev/urandom", "dev/urandom"), ("/proc", "proc")):
            subprocess.run(["mount", "--bind", source, folder / "root" / where], check=True)
            mounts.callback(umount, folder / "root" / where)
        yield folder / "root"


def umount(where: Path) -> None:
    subprocess.run(["umount", where], check=True)


def inside(root: Path, *argv: str) -> str:
    """What a command says inside; it must succeed."""
    done = subprocess.run(
        ["chroot", root, *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_it_is_small_and_readable(root: Path) -> None:
    states = [(MINIENV / name).stat() for name in (KERNEL, INITRD)]
    assert sum(state.st_size for state in states) <= LIMIT
    assert all(stat.S_IMODE(state.st_mode) == 0o644 for state in states)


def test_a_second_build_has_nothing_to_do(root: Path) -> None:
    before = [(MINIENV / name).stat().st_mtime_ns for name in (KERNEL, INITRD)]
    assert not build(MINIENV, say=lambda text: pytest.fail(text))
    assert [(MINIENV / name).stat().st_mtime_ns for name in (KERNEL, INITRD)] == before
    assert not is_current(MINIENV / ".stamp", "another recipe", [MINIENV / KERNEL, MINIENV / INITRD])


def test_every_program_finds_its_libraries(root: Path) -> None:
    lost = []
    for program in packages.PROGRAMS:
        if not (root / program).read_bytes().startswith(b"\x7fELF"):
            continue
        done = subprocess.run(
            ["chroot", root, LOADER, "--list", f"/{program}"], capture_output=True, text=True, check=False
        )
        if "not found" in done.stdout + done.stderr:
            lost.append(f"{program}: {done.stdout}")
    assert not lost


def test_every_link_leads_somewhere(root: Path) -> None:
    broken = [
        str(path.relative_to(root)) for path in (root / "usr").rglob("*") if path.is_symlink() and not path.exists()
    ]
    assert not broken


def test_python_has_what_a_standard_library_agent_imports(root: Path) -> None:
    inside(root, "python3", "-S", "-E", "-c", f"import {IMPORTS}, {ALSO}")


def test_the_agent_has_the_best_digest_there_is(root: Path) -> None:
    """In the interpreter that runs the agent, which looks at nothing but its own library."""
    (root / "tmp/agent.pyz").write_bytes(agent_zipapp())
    program = "import sys; sys.path.insert(0, '/tmp/agent.pyz'); from kadeploy.broadcast import digests as them"
    assert inside(root, "python3", "-S", "-E", "-c", f"{program}; print(them.KNOWN[0])") == "blake3\n"


def test_python_can_start_a_connection_with_tls(root: Path) -> None:
    inside(root, "python3", "-S", "-E", "-c", "import ssl; ssl.create_default_context()")


@pytest.mark.parametrize(
    "words", [("mkfs.ext4", "-q", "-F"), ("mkfs.xfs", "-q"), ("mkfs.btrfs", "-q"), ("mkfs.vfat",), ("mkswap",)]
)
def test_every_file_system_can_be_made(root: Path, words: Sequence[str]) -> None:
    with (root / "tmp/disk").open("wb") as disk:
        disk.truncate(400 << 20)
    inside(root, *words, "/tmp/disk")
    assert "TYPE=" in inside(root, "blkid", "-p", "/tmp/disk")
    (root / "tmp/disk").unlink()


def test_an_archive_of_a_file_system_is_restored(root: Path, tmp_path: Path) -> None:
    """Of one that this machine saved."""
    with contextlib.ExitStack() as undone:
        source, target = (undone.enter_context(loop_device(tmp_path / name)) for name in ("source", "target"))
        subprocess.run(["mkfs.ext4", "-q", "-L", "SAVED", source], check=True)
        subprocess.run(["fsarchiver", "savefs", root / "tmp/image.fsa", source], check=True, capture_output=True)
        inside_of = root / target.relative_to("/")
        inside_of.touch()
        subprocess.run(["mount", "--bind", target, inside_of], check=True)
        undone.callback(umount, inside_of)
        inside(root, "fsarchiver", "restfs", "/tmp/image.fsa", f"id=0,dest={target}")
        assert 'LABEL="SAVED"' in inside(root, "blkid", "-p", str(target))


@contextlib.contextmanager
def loop_device(file: Path) -> Iterator[Path]:
    with file.open("wb") as sparse:
        sparse.truncate(40 << 20)
    made = subprocess.run(["losetup", "--show", "--find", file], check=True, capture_output=True, text=True)
    try:
        yield Path(made.stdout.strip())
    finally:
        subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


@pytest.mark.parametrize("program", ["gzip", "bzip2", "xz", "zstd", "lz4"])
def test_every_compression_is_unpacked(root: Path, program: str) -> None:
    there_and_back = f"tar -C /etc -cf - passwd | {program} -c | {program} -dc | tar -C /tmp --xattrs --acls -xf -"
    assert inside(root, "bash", "-o", "pipefail", "-c", f"{there_and_back} && cat /tmp/passwd").startswith("root:")


def test_a_users_script_gets_the_real_programs(root: Path) -> None:
    assert "GNU tar" in inside(root, "sh", "-c", "tar --version")
    assert "util-linux" in inside(root, "sh", "-c", "mount --version")


@pytest.mark.parametrize("platform", grub.PLATFORMS)
def test_grub_makes_an_image_for_both_firmwares(root: Path, platform: str) -> None:
    wanted = (*grub.WANTED, *grub.ONLY[platform])
    inside(root, "grub-mkimage", "-O", platform, "-p", "/boot/grub", "-o", "/tmp/image", *wanted)
    assert (root / "tmp/image").stat().st_size > 100_000


@pytest.mark.parametrize(
    ("alias", "module"),
    [
        ("pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00", "virtio_pci"),
        ("virtio:d00000001v00001AF4", "virtio_net"),
        ("virtio:d00000002v00001AF4", "virtio_blk"),
        ("pci:v00008086d000010D3sv00008086sd0000A01Fbc02sc00i00", "e1000e"),
        ("pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01", "ahci"),
        ("pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02", "nvme"),
        ("pci:v000015B3d00001017sv000015B3sd00000020bc02sc00i00", "mlx5_core"),
        ("pci:v00001000d0000005Dsv00001028sd00001F49bc01sc04i00", "megaraid_sas"),
    ],
)
def test_a_device_finds_its_driver(root: Path, alias: str, module: str) -> None:
    version = next((root / "lib/modules").iterdir()).name
    said = inside(root, "/usr/sbin/modprobe", "-S", version, "--show-depends", alias)
    assert f"/{module}.ko" in said


def test_every_wanted_module_is_there_or_in_the_kernel(root: Path) -> None:
    folder = next((root / "lib/modules").iterdir())
    there = {modules.module_name(path.name) for path in folder.rglob("*.ko")}
    there |= {modules.module_name(line) for line in (folder / "modules.builtin").read_text().splitlines()}
    wanted = {name.replace("-", "_") for name in modules.WANTED}
    assert wanted - there <= {name.replace("-", "_") for name in modules.OPTIONAL}
