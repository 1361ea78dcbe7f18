"""Start a program that finds no usable /dev/kvm: `python -m kadeploy.lab.without_kvm DIRECTORY PROGRAM ARGUMENT...`.

A host can have the device though its processor has no virtualization, as some containers and nested machines do.
libvirt then takes it for usable and not by turns, asks QEMU what it can do again before every step (a minute for a
machine), and may start guests that hang. So libvirtd gets a mount namespace of its own in which the device is an empty
file that nobody may open, and in which it is told not to rebuild /dev for each guest, which such a file prevents.

What is mounted is written in DIRECTORY, and must stay there as long as the program runs.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

KVM = Path("/dev/kvm")
QEMU_CONF = Path("/etc/libvirt/qemu.conf")
CLONE_NEWNS = 0x00020000  # linux/sched.h
MS_BIND, MS_REC, MS_SLAVE = 0x1000, 0x4000, 0x80000  # linux/mount.h

libc = ctypes.CDLL(None, use_errno=True)


def hide(directory: Path) -> None:
    """Hide the device from this process and those it starts. Raises OSError."""
    _checked(libc.unshare(CLONE_NEWNS))
    _checked(libc.mount(None, b"/", None, MS_REC | MS_SLAVE, None))
    nothing, settings = directory / "no-kvm", directory / "qemu.conf"
    nothing.touch(mode=0)
    _bind(nothing, KVM)
    if QEMU_CONF.exists():
        settings.touch(mode=0o600)
        settings.write_text(without_namespaces(QEMU_CONF.read_text()))
        _bind(settings, QEMU_CONF)


def without_namespaces(conf: str) -> str:
    """libvirt's qemu.conf with nothing changed but that guests get no mount namespace."""
    kept = [line for line in conf.splitlines() if not line.startswith("namespaces")]
    return "\n".join([*kept, "namespaces = []", ""])


def _bind(source: Path, target: Path) -> None:
    _checked(libc.mount(bytes(source), bytes(target), None, MS_BIND, None))


def _checked(status: int) -> None:
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def main() -> None:
    if KVM.exists():
        hide(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
