"""libvirt's daemons: started where no init system cares for them, and ended again by whoever started them.

What was started is noted under /run for all labs of this machine together: the last lab to go ends it.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libvirt

from kadeploy.errors import CommandFailed, Unavailable
from kadeploy.lab.background import Background
from kadeploy.lab.command import run

URI = "qemu:///system"
NOTES = Path("/run/kadeploy-lab")
DAEMONS = ("virtlogd", "libvirtd")  # in the order they start
PATIENCE = 30.0  # seconds until libvirtd answers: it asks QEMU what it can do first
TURN = 300.0  # seconds to wait for another lab that is coming up or going down

# Every error is raised as well: libvirt need not also write it to the terminal.
libvirt.registerErrorHandler(lambda *_: None, None)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One lab of this machine comes up or goes down at a time.

    The lock is a name in the abstract socket namespace: it leaves no file and is given back however we end.
    """
    with socket.socket(socket.AF_UNIX) as lock:
        until = time.monotonic() + TURN
        while True:
            try:
                lock.bind("\0kadeploy-lab")
                break
            except OSError:
                if time.monotonic() > until:
                    raise Unavailable("Another lab is still coming up or going down") from None
                time.sleep(0.1)
        yield


@contextlib.contextmanager
def connection(*, read_only: bool = False) -> Iterator[Any]:
    """libvirt's connection to this machine's QEMU. Raises Unavailable, and CommandFailed for what libvirt refuses."""
    try:
        opened = libvirt.openReadOnly(URI) if read_only else libvirt.open(URI)
    except libvirt.libvirtError as error:
        raise Unavailable(f"libvirt does not answer: {error}", hint="`kalab up` starts it") from error
    try:
        yield opened
    except libvirt.libvirtError as error:
        raise CommandFailed(f"libvirt: {error}") from error
    finally:
        opened.close()


def ensure() -> bool:
    """Have libvirtd run; true if it had to be started."""
    if answers():
        return False
    if Path("/run/systemd/system").is_dir():
        run(("systemctl", "start", "virtlogd.socket", "libvirtd.service"), package="libvirt-daemon-system")
    else:
        NOTES.mkdir(mode=0o755, exist_ok=True)
        for name in DAEMONS:
            if _theirs(name).pid is None:
                run((*_without_kvm(), name, "-d"), package="libvirt-daemon-system")
                (NOTES / f"{name}.pid").write_text(_theirs(name).pidfile.read_text())
    until = time.monotonic() + PATIENCE
    while not answers():
        if time.monotonic() > until:
            raise CommandFailed(f"libvirtd was started but does not answer in {PATIENCE:g} s")
        time.sleep(0.05)
    return True


def has_kvm() -> bool:
    """Whether machines may use KVM: the device alone does not say so, the processor must have it too."""
    return Path("/dev/kvm").exists() and can_virtualize(Path("/proc/cpuinfo").read_text())


def can_virtualize(cpuinfo: str) -> bool:
    """Whether the processor described as in /proc/cpuinfo has virtualization."""
    flags = next((line.split() for line in cpuinfo.splitlines() if line.startswith("flags")), [])
    return not {"vmx", "svm"}.isdisjoint(flags)


def answers() -> bool:
    """Whether libvirtd answers."""
    try:
        libvirt.openReadOnly(URI).close()
    except libvirt.libvirtError:
        return False
    return True


def end_if_unused() -> bool:
    """End the daemons if a lab started them and no machine is left; true if they were ended."""
    ours = [_ours(name) for name in reversed(DAEMONS)]
    if all(each.pid is None for each in ours) or (answers() and _domains()):
        return False
    for each in ours:
        each.end()
    shutil.rmtree(NOTES)
    return True


def _without_kvm() -> tuple[str, ...]:
    return () if has_kvm() else (sys.executable, "-m", "kadeploy.lab.without_kvm", str(NOTES))


def _domains() -> int:
    with connection(read_only=True) as conn:
        return len(conn.listAllDomains())


def _ours(name: str) -> Background:
    return Background(pidfile=NOTES / f"{name}.pid", mark=name)


def _theirs(name: str) -> Background:
    return Background(pidfile=Path(f"/run/{name}.pid"), mark=name)
