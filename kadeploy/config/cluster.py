"""A cluster's file: its disk layout, kernel arguments and patience. Kadeploy3's keys, and `partitioning.layout`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from kadeploy.config.archives import Archives
from kadeploy.config.automata import Automata
from kadeploy.config.clusters import Device
from kadeploy.config.decode import Section
from kadeploy.config.duration import Duration
from kadeploy.config.environment import Arch
from kadeploy.config.localops import LocalOps
from kadeploy.config.power_commands import RemoteOps
from kadeploy.config.values import AbsolutePath, Words, not_empty
from kadeploy.domain.disk import Role, parse_size
from kadeploy.domain.patience import Patience
from kadeploy.domain.timeout import Timeout

FILE_SYSTEMS = ("ext2", "ext3", "ext4", "xfs", "btrfs", "vfat")


def _bytes(value: object) -> object:
    if isinstance(value, str | int) and not isinstance(value, bool):
        size = parse_size(value)
        if size < 1:
            raise ValueError("must be more than nothing; leave it out for the rest of the disk")
        return size
    return value


def _words_of_a_kernel(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line without control characters")
    return value


Size = Annotated[int, BeforeValidator(_bytes)]
KernelArguments = Annotated[str, AfterValidator(_words_of_a_kernel)]


class PartitionEntry(Section):
    """`size` left out takes the rest of the disk; `number` left out is Kadeploy3's for that role, else the next."""

    role: Role
    size: Size = 0
    fs: Literal["ext2", "ext3", "ext4", "xfs", "btrfs", "vfat"] | None = None
    number: Annotated[int, Field(ge=1, le=128)] | None = None


class PartitionNumbers(Section):
    """Kadeploy3's: which partition is what, -1 for none."""

    swap: Annotated[int, Field(ge=-1, le=128)] = -1
    prod: Annotated[int, Field(ge=-1, le=128)] = -1
    deploy: Annotated[int, Field(ge=-1, le=128)] = -1
    tmp: Annotated[int, Field(ge=-1, le=128)] = -1

    def of(self, role: Role) -> int | None:
        number = {"swap": self.swap, "prod": self.prod, "deploy": self.deploy, "tmp": self.tmp}.get(role.value, -1)
        return number if number > 0 else None


class Partitioning(Section):
    KADEPLOY3: ClassVar = {"script": "partitions are made by Kadeploy itself, from partitioning.layout"}

    block_device: Device
    layout: tuple[PartitionEntry, ...] = ()
    partitions: PartitionNumbers = PartitionNumbers()
    disable_swap: bool = False


class UserKernel(Section):
    params: KernelArguments = ""


class DeployKernel(Section):
    """`drivers` are kernel modules that the minimal environment is told to load."""

    KADEPLOY3: ClassVar = {
        "vmlinuz": "the minimal environment's kernel is the one in boot.minienv of the server",
        "initrd": "the minimal environment is the one in boot.minienv of the server",
    }

    params: KernelArguments = ""
    drivers: Words = ()
    supported_fs: Annotated[Words, AfterValidator(not_empty)] = FILE_SYSTEMS


class NfsrootKernel(Section):
    """A minimal environment whose root is on NFS: the paths on this server of its kernel, and of an initrd if the
    kernel needs one to mount it, and its arguments."""

    vmlinuz: AbsolutePath | None = None
    initrd: AbsolutePath | None = None
    params: KernelArguments = ""


class KexecSection(Section):
    """Where a running system is given our kernel."""

    repository: AbsolutePath = Path("/dev/shm/kexec_repository")


class Kernels(Section):
    user: UserKernel = UserKernel()
    deploy: DeployKernel = DeployKernel()
    nfsroot: NfsrootKernel = NfsrootKernel()


class BootSection(Section):
    KADEPLOY3: ClassVar = {
        "sleep_time_before_ping": "nodes tell when they are there, nobody has to wait before asking",
        "install_bootloader": "boot loaders are installed by Kadeploy itself, for BIOS and UEFI",
    }

    kernels: Kernels = Kernels()


class Timeouts(Section):
    """Seconds, or a formula in the number of nodes: `120 + 20*log(n)`."""

    reboot: Duration = Timeout("300")
    kexec: Duration = Timeout("120")


class PatienceSection(Section):
    """When most nodes have come back, how long the others are waited for: see `domain.patience`."""

    quorum: Annotated[float, Field(gt=0, le=1)] = Patience().quorum
    grace: Annotated[float, Field(ge=0)] = Patience().grace
    least: Annotated[float, Field(ge=0)] = Patience().least
    nearly: Annotated[float, Field(gt=0, le=1)] = Patience().nearly
    percentile: Annotated[float, Field(gt=0, le=1)] = Patience().percentile
    enough: Annotated[int, Field(ge=1)] = Patience().enough
    ask_power: bool = Patience().ask_power


class ClusterFile(Section):
    KADEPLOY3: ClassVar = {
        "pxe": "boot scripts are computed for each node, and nothing is put before them",
        "hooks": "nodes are always reached by the addresses of clusters.conf",
    }

    arch: Arch = None
    """The processors of its nodes, such as x86_64: environments for others are refused."""
    partitioning: Partitioning
    boot: BootSection = BootSection()
    timeouts: Timeouts = Timeouts()
    patience: PatienceSection = PatienceSection()
    remoteops: RemoteOps = RemoteOps()
    automata: Automata = Automata()
    preinstall: Archives = Archives()
    postinstall: Archives = Archives()
    localops: LocalOps = LocalOps()
    kexec: KexecSection = KexecSection()
