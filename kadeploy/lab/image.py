"""The demonstration image: a small Debian 12 that a person would deploy, packed as tar.zst with its description.

It has systemd, Debian's kernel for virtual machines, sshd and DHCP on any wired card, and boots from virtio and NVMe
disks, by BIOS and UEFI. Host keys and machine id are made on the node, never in the image. Root has no
password: whoever deploys it brings a key.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from kadeploy.errors import CommandFailed, KadeployError
from kadeploy.minienv import debian, modules, stamp

NAME = "debian12-min"
PACKAGES: tuple[str, ...] = (
    "usr-is-merged",  # else usrmerge, which brings all of perl
    "systemd-sysv",
    "systemd-resolved",  # names, from what DHCP says
    "dbus",
    "udev",
    "libpam-systemd",
    "linux-image-cloud-amd64",  # a third of the general kernel's size; linux-image-amd64 for real machines
    "initramfs-tools",
    "zstd",
    "kmod",
    "openssh-server",
    "iproute2",
    "iputils-ping",
    "netbase",
    "procps",
    "e2fsprogs",
    "kexec-tools",  # from this system back into the minimal environment, without the firmware
    "python3-minimal",  # our agent, when a system on another partition is installed from this one
    "libpython3-stdlib",
    "less",
    "nano",
    "ca-certificates",
)
# What dpkg leaves out, also when packages are upgraded on the node later.
LEFT_OUT = """\
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/lib/modules/*/kernel/sound/*
path-exclude=/lib/modules/*/kernel/drivers/media/*
path-exclude=/lib/modules/*/kernel/drivers/staging/*
path-exclude=/lib/modules/*/kernel/drivers/net/wireless/*
path-exclude=/lib/modules/*/kernel/drivers/gpu/drm/amd/*
path-exclude=/lib/modules/*/kernel/drivers/gpu/drm/i915/*
path-exclude=/lib/modules/*/kernel/drivers/gpu/drm/nouveau/*
path-exclude=/lib/modules/*/kernel/drivers/gpu/drm/radeon/*
"""
# The root disk may be behind any controller; no network card is needed to find it, and unpacking those takes time.
INITRAMFS_HOOK = f"""\
#!/bin/sh
[ "$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules {" ".join((*modules.DISK, *modules.CHECKSUMS, *modules.KEYBOARD))}
manual_add_modules virtio_pci ext4 xfs btrfs vfat
"""
# Written before the packages are configured.
FILES_BEFORE: dict[str, str] = {
    "etc/dpkg/dpkg.cfg.d/server": LEFT_OUT,
    "etc/initramfs-tools/conf.d/modules": "MODULES=list\n",
    "etc/initramfs-tools/hooks/disks": INITRAMFS_HOOK,
}
# Work on a timer that a fresh node would start with just when someone logs in.
MASKED: tuple[str, ...] = (
    *(
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "dpkg-db-backup.timer",
        "e2scrub_all.timer",
        "e2scrub_reap.service",
    ),
    *("systemd-firstboot.service", "systemd-networkd-wait-online.service"),
)
FILES: dict[str, str] = {
    "etc/systemd/network/80-wired.network": """\
[Match]
Type=ether
Kind=!*

[Network]
DHCP=yes

[DHCPv4]
ClientIdentifier=mac
""",
    "etc/systemd/system/ssh-host-key.service": """\
[Unit]
Description=Make this machine's SSH host key
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key

[Install]
RequiredBy=ssh.service
""",
    "etc/ssh/sshd_config.d/host-key.conf": "HostKey /etc/ssh/ssh_host_ed25519_key\n",
    "etc/hostname": "localhost\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
    "etc/fstab": "# written by what installs this system\n",
    "etc/machine-id": "",  # there and empty: made at the first start, without the questions of a first start
}
ENABLED = ("systemd-networkd.service", "ssh-host-key.service")
LEFTOVERS = ("etc/apt/apt.conf.d/99mmdebstrap", "etc/dpkg/dpkg.cfg.d/99mmdebstrap", "var/log/apt", "var/log/dpkg.log")
KERNEL_PARAMETERS = "quiet console=tty0 console=ttyS0,115200"


def build_demo_image(output_dir: Path, *, force: bool = False, say: debian.Say = print) -> Path:
    """Make `debian12-min.tar.zst` and `debian12-min.yaml` in the folder unless they are current; the YAML's path.

    Needs root. Raises BadConfiguration or CommandFailed.
    """
    output_dir = output_dir.resolve()
    archive, description = output_dir / f"{NAME}.tar.zst", output_dir / f"{NAME}.yaml"
    mark = output_dir / f".{NAME}.stamp"
    recipe = stamp.recipe_hash(
        [*stamp.sources(Path(__file__), Path(debian.__file__), Path(modules.__file__)), *debian.sources(), str(archive)]
    )
    if not force and stamp.is_current(mark, recipe, (archive, description)):
        return description
    output_dir.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()

    def step(text: str) -> None:
        say(f"[{time.monotonic() - started:5.1f} s] {text}")

    with tempfile.TemporaryDirectory(dir=output_dir, prefix=".building-") as work:
        tree = Path(work) / "tree"
        step(f"installing Debian {debian.CODENAME} with {len(PACKAGES)} packages and what they need")
        options = [*debian.MERGED_USR, *hooks(Path(work) / "before")]
        debian.make_tree(tree, PACKAGES, variant="minbase", options=options, log=output_dir / f"{NAME}.log", say=step)
        settle(tree)
        step("packing it")
        pack(tree, Path(work) / archive.name)
        os.replace(Path(work) / archive.name, archive)
    description.write_text(yaml.safe_dump(describe(archive), sort_keys=False))
    stamp.write(mark, recipe, (archive, description))
    step(f"{archive}: {archive.stat().st_size / 1e6:.1f} MB")
    return description


def hooks(folder: Path) -> tuple[str, ...]:
    """mmdebstrap's options that bring FILES_BEFORE in time; `folder` holds them meanwhile."""
    for path, text in FILES_BEFORE.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        (folder / path).chmod(0o755)
    return (f"--setup-hook=copy-in {folder}/etc /",)


def settle(tree: Path) -> None:
    """Everything that is done after the packages are installed."""
    for path, text in FILES.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    for unit in MASKED:
        link = tree / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    _run(["systemctl", f"--root={tree}", "enable", *ENABLED])
    _run(["systemctl", f"--root={tree}", "set-default", "multi-user.target"])
    for path in (*LEFTOVERS, *(p.relative_to(tree).as_posix() for p in (tree / "etc/ssh").glob("ssh_host_*"))):
        _run(["rm", "-rf", str(tree / path)])
    for path in ("etc/.updated", "var/.updated"):  # nothing to bring up to date at the first start
        (tree / path).write_text("")


def pack(tree: Path, target: Path) -> None:
    """A tar of the tree with owners, attributes and lists of rights, through zstd on all processors."""
    tar = [
        "tar",
        "--xattrs",
        "--xattrs-include=*",
        "--acls",
        "--numeric-owner",
        "--sort=name",
        "-C",
        str(tree),
        "-c",
        ".",
    ]
    with subprocess.Popen(tar, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as packing:
        _run(["zstd", "-q", "-f", "-T0", "-9", "-o", str(target)], stdin=packing.stdout)
    if packing.returncode != 0:
        raise CommandFailed(f"tar exited with {packing.returncode}")


def describe(archive: Path) -> dict[str, object]:
    """The environment description (Kadeploy3's form)."""
    return {
        "name": NAME,
        "version": 1,
        "description": "Debian 12 (bookworm), minimal: systemd, sshd, DHCP",
        "author": "Kadeploy",
        "visibility": "public",
        "destructive": False,
        "os": "linux",
        "image": {"file": f"server://{archive}", "kind": "tar", "compression": "zstd"},
        "boot": {"kernel": "/vmlinuz", "initrd": "/initrd.img", "kernel_params": KERNEL_PARAMETERS},
        "filesystem": "ext4",
        "partition_type": 0x83,
    }


def _run(argv: list[str], stdin: object = subprocess.DEVNULL) -> None:
    done = subprocess.run(argv, stdin=stdin, capture_output=True, text=True, check=False)  # type: ignore[call-overload]
    if done.returncode != 0:
        raise CommandFailed(f"{argv[0]} exited with {done.returncode}: {done.stderr.strip()[-500:]}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m kadeploy.lab.image", description=__doc__)
    parser.add_argument("output", type=Path, metavar="OUTPUT_DIR")
    parser.add_argument("--force", action="store_true", help="build even if nothing has changed")
    options = parser.parse_args()
    try:
        print(build_demo_image(options.output, force=options.force))
    except KadeployError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
