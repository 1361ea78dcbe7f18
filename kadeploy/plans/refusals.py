"""What cannot be deployed, whatever is left out: told before anything starts, all of it at once."""

from __future__ import annotations

from collections.abc import Iterator

from kadeploy.domain.disk import Role
from kadeploy.domain.image import ImageKind
from kadeploy.errors import ConflictingOptions, InvalidEnvironment, InvalidOption, KadeployError, MissingOption
from kadeploy.plans.adapt import Outline
from kadeploy.plans.wanted import Wanted


def refusals(outline: Outline, wanted: Wanted) -> Iterator[KadeployError]:
    yield from _of_environment(wanted)
    yield from _of_instances(outline, wanted)
    request = wanted.request
    if request.reformat_tmp and request.reformat_tmp not in wanted.cluster.supported_fs:
        yield InvalidOption(f"reformat_tmp_partition: {_cannot_make(wanted, request.reformat_tmp)}")


def _of_environment(wanted: Wanted) -> Iterator[KadeployError]:
    environment = wanted.request.environment
    own, theirs = environment.architecture, wanted.cluster.architecture
    if own and theirs and own is not theirs:
        yield InvalidEnvironment(f"{environment.name} is for {own}, and cluster {wanted.cluster.name} has {theirs}")
    if environment.multipart and (wanted.request.whole_disk or wanted.request.partition is not None):
        yield ConflictingOptions(
            "an environment of several partitions says itself where it goes", hint="leave out the partition (-p, -b)"
        )
    if wanted.kind is ImageKind.TAR:
        if wanted.root is None:
            yield ConflictingOptions("only a dd image can be deployed to a whole disk, and this is a tar image")
        elif environment.filesystem not in wanted.cluster.supported_fs:
            yield InvalidEnvironment(_cannot_make(wanted, environment.filesystem))
    elif wanted.root is None and wanted.kind is ImageKind.FSA:
        yield ConflictingOptions("only a dd image can be deployed to a whole disk, and this is an fsa image")
    elif wanted.root is None and wanted.request.boot_partition is None:
        yield MissingOption("boot_partition: is required for a whole disk", hint="0 boots the disk's own boot sector")


def _of_instances(outline: Outline, wanted: Wanted) -> Iterator[KadeployError]:
    names = {macro: {line.chosen.instance for line in lines} for macro, lines in outline.items()}
    cluster = wanted.cluster
    if "PivotRoot" in names["BootNewEnv"]:
        yield InvalidOption("BootNewEnv: PivotRoot does not exist", hint="use Kexec, Classical or HardReboot")
    if "Nfsroot" in names["SetDeploymentEnv"] and cluster.nfsroot is None:
        yield InvalidOption(f"SetDeploymentEnv: Nfsroot needs boot.kernels.nfsroot.vmlinuz of cluster {cluster.name}")
    if "Prod" in names["SetDeploymentEnv"] and cluster.layout.number_of(Role.PROD) is None:
        yield InvalidOption(f"SetDeploymentEnv: Prod needs a partition with the role prod in cluster {cluster.name}")
    if "Prod" in names["SetDeploymentEnv"] and wanted.root == cluster.layout.number_of(Role.PROD):
        yield ConflictingOptions("SetDeploymentEnv: Prod cannot install the partition that it runs from")
    if "Custom" in names["BroadcastEnv"] and not cluster.broadcast_command:
        yield InvalidOption(f"BroadcastEnv: Custom needs localops.broadcastenv.cmd of cluster {cluster.name}")


def _cannot_make(wanted: Wanted, filesystem: str) -> str:
    made = ", ".join(wanted.cluster.supported_fs)
    return f"the minimal environment of cluster {wanted.cluster.name} cannot make {filesystem!r}, but {made}"
