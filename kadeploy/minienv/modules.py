"""Which kernel modules go into the minimal environment: a table of drivers, and what those depend on.

A node may have any of the common network cards and disk controllers, so all of them are taken along; they
are loaded by what the node's devices ask for. Drivers that need firmware files from Debian's non-free-firmware
(bnx2, some of bnx2x and qed) are there without the files: such a card works only if its own flash holds
what it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

# Loaded by the first stage, in this order, to get at the file system.
FIRST_STAGE: tuple[str, ...] = ("loop", "squashfs", "overlay")

NETWORK: tuple[str, ...] = (
    *("virtio_net", "vmxnet3", "hv_netvsc", "xen-netfront", "ena", "gve"),  # virtual machines
    *("e1000", "e1000e", "igb", "igc", "ixgbe", "ixgbevf", "i40e", "iavf", "ice"),  # Intel
    *("tg3", "bnx2", "bnx2x", "bnxt_en"),  # Broadcom
    *("mlx4_en", "mlx5_core", "mlxfw"),  # Mellanox
    *("r8169", "8139too", "8139cp"),  # Realtek
    *("qede", "qlcnic", "netxen_nic"),  # QLogic
    *("cxgb4", "cxgb3"),  # Chelsio
    *("be2net", "sfc", "enic", "nfp", "atlantic", "alx", "atl1c", "sky2", "forcedeth", "amd-xgbe", "hinic"),
    *("realtek", "broadcom", "marvell", "at803x"),  # transceivers that the above ask for
    *("8021q", "bonding", "af_packet"),
)

DISK: tuple[str, ...] = (
    *("virtio_blk", "virtio_scsi", "vmw_pvscsi", "hv_storvsc", "xen-blkfront"),  # virtual machines
    *("ahci", "ata_piix", "sata_nv", "sata_sil24", "sata_mv", "pata_amd"),  # SATA
    *("nvme", "vmd"),
    *("megaraid_sas", "mpt3sas", "mpi3mr", "mptsas", "hpsa", "smartpqi", "aacraid", "arcmsr", "mvsas", "pm80xx"),
    *("isci", "3w-sas", "3w-9xxx", "cciss"),
    *("sd_mod", "sr_mod", "sg", "ses"),
    *("xhci_pci", "ehci_pci", "uhci_hcd", "ohci_pci", "usb-storage", "uas"),
)

# What drivers ask for by the name of an algorithm, which no table of dependencies shows: file systems, then sd_mod.
CHECKSUMS: tuple[str, ...] = (
    *("crc32c_generic", "crc32c-intel"),
    *("crct10dif_generic", "crct10dif-pclmul", "crc64_rocksoft_generic"),
)

NFS: tuple[str, ...] = ("nfsv4",)

STORAGE: tuple[str, ...] = (
    *("ext4", "xfs", "btrfs", "vfat", "nls_ascii", "nls_cp437", "nls_iso8859-1", "nls_utf8", "efivarfs"),
    *("loop", "squashfs", "overlay", "isofs"),
    *("dm-mod", "dm-crypt", "dm-snapshot", "raid0", "raid1", "raid10", "raid456", "linear"),
    *("crc32_pclmul", "crc32_generic", "xxhash_generic", "blake2b_generic"),
)

KEYBOARD: tuple[str, ...] = ("usbhid", "hid-generic")

OTHER: tuple[str, ...] = (
    *("virtio_pci", "virtio_mmio", "virtio_balloon", "virtio-rng"),
    *("ipmi_si", "ipmi_devintf"),  # the node's own BMC
)

WANTED: tuple[str, ...] = NETWORK + DISK + CHECKSUMS + STORAGE + NFS + KEYBOARD + OTHER

# In some kernels and not in others, or built in: no fault if they are not there.
OPTIONAL: frozenset[str] = frozenset({"af_packet", "cciss", "virtio_mmio", "pata_amd", "linear"})


def module_name(path: str) -> str:
    """`kernel/drivers/net/virtio_net.ko` is `virtio_net`; the kernel holds `-` and `_` for the same."""
    return PurePosixPath(path).name.split(".ko")[0].replace("-", "_")


def parse_dep(text: str) -> dict[str, tuple[str, ...]]:
    """The content of modules.dep: a module's path, and the paths it depends on (modules.dep(5))."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        path, _, needs = line.partition(":")
        found[path] = tuple(needs.split())
    return found


def parse_softdep(text: str) -> dict[str, tuple[str, ...]]:
    """The content of modules.softdep: what a module wants loaded before or after itself (modprobe.d(5))."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 2 and words[0] == "softdep":
            found[words[1]] = tuple(word for word in words[2:] if not word.endswith(":"))
    return found


def select(
    wanted: Iterable[str], depends: Mapping[str, tuple[str, ...]], soft: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paths of the wanted modules with all they depend on, sorted; and the names that are not there.

    What a soft dependency names may be missing: it is a wish.
    """
    by_name = {module_name(path): path for path in depends}
    chosen: set[str] = set()
    missing: list[str] = []
    queue = [name.replace("-", "_") for name in wanted]
    wishes: set[str] = set()
    while queue:
        name = queue.pop()
        path = by_name.get(name)
        if path is None:
            if name not in wishes:
                missing.append(name)
            continue
        if path in chosen:
            continue
        chosen.add(path)
        queue += [module_name(other) for other in depends[path]]
        more = [other.replace("-", "_") for other in soft.get(name, ())]
        wishes.update(more)
        queue += more
    optional = {name.replace("-", "_") for name in OPTIONAL}
    return tuple(sorted(chosen)), tuple(sorted(set(missing) - optional))


def load_order(names: Iterable[str], depends: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The paths to insert, dependencies first, for a stage that has no modprobe.

    modules.dep lists what a module needs from the nearest to the farthest, so it is read backwards.
    """
    by_name = {module_name(path): path for path in depends}
    order: list[str] = []
    for name in names:
        path = by_name[name.replace("-", "_")]
        order += [step for step in (*reversed(depends[path]), path) if step not in order]
    return tuple(order)


def read_tables(folder: Path) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """modules.dep and modules.softdep of one kernel's folder, as depmod(8) wrote them."""
    return parse_dep((folder / "modules.dep").read_text()), parse_softdep((folder / "modules.softdep").read_text())
