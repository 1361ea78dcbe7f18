"""Seconds from power-on to sshd's greeting, for the demonstration image on each kind of disk.

`python -m bench.image_boot [--disks virtio nvme]`, as root, after `python -m kadeploy.lab.image build/images`.
The image is unpacked onto an ext4 disk; QEMU loads its kernel and initrd as kexec would: no firmware, no boot loader.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kadeploy.lab.domain_xml import EMULATED_CPU

DRIVES: dict[str, tuple[str, ...]] = {
    "virtio": ("-drive", "if=virtio,format=raw,cache=unsafe,file={disk}"),
    "sata": ("-drive", "if=none,id=d,format=raw,cache=unsafe,file={disk}", "-device", "ide-hd,drive=d,bus=ide.0"),
    "nvme": ("-drive", "if=none,id=d,format=raw,cache=unsafe,file={disk}", "-device", "nvme,drive=d,serial=bench"),
}
PORT = 22013


def unpack(archive: Path, folder: Path) -> Path:
    """A disk with one ext4 file system on all of it, and beside it the kernel and the initrd."""
    tree, disk = folder / "tree", folder / "disk"
    tree.mkdir()
    subprocess.run(
        ["tar", "--zstd", "--xattrs", "--xattrs-include=*", "-xpf", str(archive), "-C", str(tree)], check=True
    )
    with disk.open("wb") as file:
        file.truncate(4 << 30)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "image", "-d", str(tree), str(disk)], check=True)
    for name in ("vmlinuz", "initrd.img"):
        (folder / name).write_bytes((tree / name).read_bytes())
    return disk


def boot(kind: str, folder: Path, disk: Path, options: argparse.Namespace) -> float | None:
    argv = ["qemu-system-x86_64", "-name", f"image-{kind}", "-nodefaults", "-display", "none", "-machine", "q35"]
    argv += ["-accel", "tcg,thread=multi", "-cpu", EMULATED_CPU, "-m", "1024", "-snapshot"]
    argv += ["-nic", f"user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{PORT}-:22"]
    argv += ["-kernel", str(folder / "vmlinuz"), "-initrd", str(folder / "initrd.img")]
    argv += ["-append", f"root=LABEL=image rw console=ttyS0,115200 {options.kernel}"]
    argv += [word.format(disk=disk) for word in DRIVES[kind]]
    log = Path("/tmp") / f"image-boot-{kind}.log"
    with log.open("wb") as console:
        started = time.monotonic()
        process = subprocess.Popen(
            [*argv, "-serial", "stdio"], stdin=subprocess.DEVNULL, stdout=console, stderr=console
        )
        try:
            return await_greeting(process, started, options.limit)
        finally:
            process.kill()
            process.wait()


def await_greeting(process: subprocess.Popen[bytes], started: float, limit: float) -> float | None:
    while process.poll() is None and time.monotonic() - started < limit:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", PORT), timeout=5) as connection:
            if connection.recv(64).startswith(b"SSH-"):
                return time.monotonic() - started
        time.sleep(0.2)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path, default=Path("build/images/debian12-min.tar.zst"))
    parser.add_argument("--disks", nargs="+", choices=sorted(DRIVES), default=["virtio", "nvme"])
    parser.add_argument("--limit", type=float, default=180, help="seconds")
    parser.add_argument("--kernel", default="", help="more for the kernel's command line")
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        disk = unpack(options.image, folder)
        for kind in options.disks:
            seconds = boot(kind, folder, disk, options)
            failed = failed or seconds is None
            said = f"{seconds:.1f} s" if seconds else f"no answer; its console is in /tmp/image-boot-{kind}.log"
            print(f"{kind:<8}{said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
