"""What the minimal environment is made of: the Debian packages, and which of their programs are kept.

A package brings far more than a node needs in the minutes it runs this system, and every byte is fetched
by firmware through iPXE. So packages are unpacked whole and only what these tables name goes on, together
with the libraries it is linked to.
"""

from __future__ import annotations

PACKAGES: tuple[str, ...] = (
    "linux-image-amd64",  # the kernel and its modules
    "busybox-static",  # the first stage, small tools, the DHCP client; static, since linking costs most of a small run
    "kmod",  # modprobe over hundreds of aliases in one go
    "libpython3-stdlib",  # the agent
    "python3-minimal",
    "bash",  # postinstall scripts of users expect it, and GNU tools
    "coreutils",
    "sed",
    "grep",
    "mawk",
    "findutils",
    "tar",
    "gzip",
    "bzip2",
    "xz-utils",
    "zstd",
    "lz4",
    "util-linux",  # partx, blkid, wipefs, blkdiscard, mkswap
    "mount",
    "fdisk",  # sfdisk
    "e2fsprogs",
    "xfsprogs",
    "btrfs-progs",
    "dosfstools",
    "fsarchiver",  # images of kind fsa
    "kexec-tools",
    "grub2-common",  # grub-install
    "grub-common",  # grub-mkimage
    "grub-pc-bin",  # GRUB for BIOS
    "grub-efi-amd64-bin",  # GRUB for UEFI
    "efibootmgr",
    "iproute2",
)

# Wheels of PyPI for the packages' own Python: what Debian has not, and the agent does without where it must.
WHEELS: tuple[str, ...] = ("blake3==1.0.11",)  # checks an image at a third of what SHA-256 costs

# Programs by where Debian installs them. What several packages offer comes from the first that has it:
# these, then the applets of busybox for every name that is left.
PROGRAMS: tuple[str, ...] = (
    *(f"bin/{name}" for name in ("bash", "tar", "gzip", "gunzip", "bzip2", "kmod", "sed", "grep", "egrep", "fgrep")),
    *(f"usr/bin/{name}" for name in ("xz", "zstd", "lz4", "mawk", "find", "xargs", "python3.11")),
    # coreutils whose GNU options matter to scripts; the rest is busybox
    *(f"bin/{name}" for name in ("cp", "mv", "ls", "dd", "df", "ln", "date", "chmod", "chown", "mkdir", "rm", "stty")),
    *(
        f"usr/bin/{name}"
        for name in ("stat", "install", "sort", "head", "tail", "du", "sha256sum", "md5sum", "timeout")
    ),
    # disks and file systems
    *(f"bin/{name}" for name in ("mount", "umount", "findmnt", "lsblk", "mountpoint")),
    *(f"sbin/{name}" for name in ("sfdisk", "blkid", "wipefs", "blkdiscard", "mkswap", "swapon", "swapoff", "losetup")),
    *(f"sbin/{name}" for name in ("fsfreeze", "fstrim", "blockdev")),
    *(f"usr/bin/{name}" for name in ("partx", "flock", "lscpu")),
    *(f"sbin/{name}" for name in ("mke2fs", "e2fsck", "resize2fs", "tune2fs", "mkfs.xfs", "xfs_repair", "mkfs.fat")),
    "usr/sbin/xfs_growfs",
    "usr/sbin/xfs_admin",
    "usr/sbin/xfs_db",
    "sbin/mkfs.btrfs",
    "bin/btrfs",
    "usr/sbin/fsarchiver",
    # boot loaders and what comes next
    "sbin/kexec",
    "bin/efibootmgr",
    "usr/sbin/grub-install",
    "usr/sbin/grub-probe",
    "usr/bin/grub-mkimage",
    "usr/bin/grub-editenv",
    "bin/ip",
    "bin/busybox",
)

# Other names for the above.
LINKS: dict[str, str] = {
    "usr/bin/sh": "bash",  # busybox's shell would take its own tar and mount before these here
    "usr/bin/python3": "python3.11",
    "usr/bin/awk": "mawk",
    "usr/bin/unzstd": "zstd",
    "usr/bin/zstdcat": "zstd",
    "usr/bin/unxz": "xz",
    "usr/bin/xzcat": "xz",
    "usr/bin/unlz4": "lz4",
    "usr/bin/bunzip2": "bzip2",
    "usr/bin/bzcat": "bzip2",
    "usr/bin/zcat": "gunzip",
    "usr/sbin/modprobe": "../bin/kmod",
    "usr/sbin/insmod": "../bin/kmod",
    "usr/sbin/rmmod": "../bin/kmod",
    "usr/sbin/depmod": "../bin/kmod",
    "usr/bin/lsmod": "kmod",
    "usr/sbin/modinfo": "../bin/kmod",
    "usr/sbin/mkfs.ext2": "mke2fs",
    "usr/sbin/mkfs.ext3": "mke2fs",
    "usr/sbin/mkfs.ext4": "mke2fs",
    "usr/sbin/fsck.ext4": "e2fsck",
    "usr/sbin/mkfs.vfat": "mkfs.fat",
    "usr/sbin/grub-bios-setup": "../lib/grub/i386-pc/grub-bios-setup",
    "usr/sbin/ip": "../bin/ip",
    "usr/sbin/efibootmgr": "../bin/efibootmgr",
}

# Data files and folders the programs read, and libraries opened by name while running.
DATA: tuple[str, ...] = (
    "etc/mke2fs.conf",
    "usr/lib/python3.11",
    "usr/lib/x86_64-linux-gnu/libgcc_s.so.1",
)

# What of those folders no node needs (patterns of fnmatch on the path).
LEFT_OUT: tuple[str, ...] = (
    # the standard library without its tests, its windows and its developers' tools
    *(
        f"usr/lib/python3.11/{name}"
        for name in (
            *("test/*", "idlelib/*", "tkinter/*", "lib2to3/*", "ensurepip/*", "distutils/*", "pydoc_data/*"),
            *("turtledemo/*", "turtle.py", "unittest/*", "doctest.py", "pydoc.py", "venv/*", "wsgiref/*", "sqlite3/*"),
            *("xmlrpc/*", "curses/*", "dbm/*", "config-*", "sitecustomize.py", "EXTERNALLY-MANAGED", "mailbox.py"),
            *("pickletools.py", "_pyio.py", "_pydecimal.py", "nntplib.py", "imaplib.py", "smtpd.py", "this.py"),
            *("encodings/mac_*", "encodings/cp[0-9]*", "encodings/big5*", "encodings/euc_*", "encodings/iso2022_*"),
            *("encodings/shift_*", "encodings/gb*", "encodings/hz.py", "encodings/johab.py"),
        )
    ),
    *(
        f"usr/lib/python3.11/lib-dynload/{name}.cpython-*"
        for name in (
            *("_codecs_*", "_test*", "_xx*", "xx*", "_ctypes_test", "_sqlite3", "_curses*", "_dbm", "_gdbm", "nis"),
            *("ossaudiodev", "audioop", "_crypt", "readline", "_tkinter", "_decimal", "_multibytecodec"),
        )
    ),
)
