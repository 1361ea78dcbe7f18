"""The micro-steps of BroadcastEnv: the image on the disk, and made this node's own."""

from __future__ import annotations

from dataclasses import replace

from kadeploy.domain.disk import Role
from kadeploy.domain.image import ImageKind
from kadeploy.domain.spread import Spread
from kadeploy.plans.entry import Entry, first_of
from kadeploy.plans.left_out import (
    if_unpacked,
    if_unreadable,
    on_several_partitions,
    on_whole_disk,
    unless_linux,
    unless_stored,
    unless_stored_by_command,
    unless_unpacked,
    without_admin_postinstalls,
    without_boot_partition,
    without_bootloader,
    without_kernel,
    without_key,
    without_tmp,
    without_user_postinstalls,
)
from kadeploy.plans.wanted import STORED, TREE, Wanted
from kadeploy.ports.step import Step
from kadeploy.steps.check_boot_partition import CheckBootPartition
from kadeploy.steps.check_kernel_files import CheckKernelFiles
from kadeploy.steps.configure_system import ConfigureSystem
from kadeploy.steps.decompress_environment import DecompressEnvironment
from kadeploy.steps.install_bootloader import InstallBootloader
from kadeploy.steps.mount import Mount
from kadeploy.steps.renew_tree import RenewTree
from kadeploy.steps.run_archives import Moment, RunArchives
from kadeploy.steps.send_image import Place, SendImage
from kadeploy.steps.send_key import SendKey
from kadeploy.steps.sync import Sync


def _renew(wanted: Wanted) -> RenewTree:
    return RenewTree(number=wanted.number, filesystem=wanted.request.environment.filesystem, path=TREE)


def _place(wanted: Wanted) -> Place:
    if wanted.is_stored:
        return Place.FILE
    if wanted.kind is ImageKind.TAR:
        return Place.TREE
    return Place.DISK if wanted.root is None else Place.PARTITION


def _send(wanted: Wanted) -> SendImage:
    image, place = wanted.request.environment.image, _place(wanted)
    return SendImage(
        image=wanted.request.image,
        kind=image.kind,
        compression=image.compression,
        place=place,
        path=STORED if place is Place.FILE else TREE,
        number=wanted.number,
        renew=_renew(wanted) if place is Place.TREE else None,
    )


def _send_by_command(wanted: Wanted) -> Step:
    sent = _send(wanted)
    path = sent.path if wanted.cluster.broadcast_decompresses else STORED
    return SendImage(
        image=sent.image,
        kind=sent.kind,
        compression=sent.compression,
        place=sent.place if wanted.cluster.broadcast_decompresses else Place.FILE,
        path=path,
        number=sent.number,
        renew=sent.renew,
        custom=True,
    )


def _send_by_tree(wanted: Wanted) -> Step:
    return replace(_send(wanted), spread=Spread.TREE, arity=wanted.cluster.tree_readers)


def _send_to_each(wanted: Wanted) -> Step:
    return replace(_send(wanted), spread=Spread.UNICAST)


def _decompress(wanted: Wanted) -> Step:
    image = wanted.request.environment.image
    return DecompressEnvironment(
        stored=STORED,
        kind=image.kind,
        compression=image.compression,
        number=wanted.number,
        tree=TREE,
        parts=wanted.parts,
    )


def _after(moment: Moment) -> Entry:
    def make(wanted: Wanted) -> Step:
        own = moment is Moment.USER_AFTER
        archives = wanted.request.environment.postinstalls if own else wanted.cluster.postinstalls
        return RunArchives(moment=moment, archives=wanted.scripts(archives), exported=wanted.exported)

    nothing = without_user_postinstalls if moment is Moment.USER_AFTER else without_admin_postinstalls
    return Entry(name=moment.value, make=make, left_out=first_of(nothing, if_unreadable))


def _configure(wanted: Wanted) -> Step:
    mounts = {wanted.number: "/"}
    if (swap := wanted.partition_of(Role.SWAP)) is not None:
        mounts[swap] = "swap"
    if (tmp := wanted.partition_of(Role.TMP)) is not None and not without_tmp(wanted):
        mounts[tmp] = "/tmp"
    return ConfigureSystem(tree=TREE, mounts=mounts)


def _check_kernel(wanted: Wanted) -> Step:
    boot = wanted.request.environment.boot
    return CheckKernelFiles(tree=TREE, files=tuple(path for path in (boot.kernel, boot.initrd) if path))


def _bootloader(wanted: Wanted) -> Step:
    boot = wanted.request.environment.boot
    return InstallBootloader(
        tree=TREE,
        root_number=wanted.number,
        boot_number=wanted.cluster.layout.number_of(Role.BOOT) or 0,
        kernel=boot.kernel,
        initrd=boot.initrd,
        params=wanted.params,
    )


RENEW = Entry(name="renew_deploy_part", make=_renew, left_out=first_of(on_whole_disk, unless_unpacked))
SEND = Entry(name="send_environment", make=_send)
SEND_BY_TREE = Entry(name="send_environment", make=_send_by_tree)
SEND_TO_EACH = Entry(name="send_environment", make=_send_to_each)
SEND_BY_COMMAND = Entry(name="send_environment", make=_send_by_command)
DECOMPRESS = Entry(name="decompress_environment", make=_decompress, left_out=unless_stored)
DECOMPRESS_AFTER_COMMAND = Entry(name="decompress_environment", make=_decompress, left_out=unless_stored_by_command)
MOUNT_WRITTEN = Entry(
    name="mount_deploy_part",
    make=lambda wanted: Mount(number=wanted.number, path=TREE),
    left_out=first_of(if_unpacked, if_unreadable),
)
ADMIN_POSTINSTALL = _after(Moment.ADMIN_AFTER)
USER_POSTINSTALL = _after(Moment.USER_AFTER)
CONFIGURE = Entry(
    name="configure_system",
    make=_configure,
    left_out=first_of(if_unreadable, on_several_partitions, unless_linux),
)
CHECK_KERNEL = Entry(name="check_kernel_files", make=_check_kernel, left_out=first_of(if_unreadable, without_kernel))
SEND_KEY = Entry(
    name="send_key",
    make=lambda wanted: SendKey(tree=TREE, authorized_keys=wanted.request.authorized_keys),
    left_out=first_of(without_key, if_unreadable),
)
BOOTLOADER = Entry(
    name="install_bootloader",
    make=_bootloader,
    left_out=first_of(without_bootloader, if_unreadable, without_kernel),
)
CHECK_BOOT = Entry(
    name="check_boot_partition",
    make=lambda wanted: CheckBootPartition(number=wanted.request.boot_partition or 0),
    left_out=without_boot_partition,
)
SYNC = Entry(name="sync", make=lambda _: Sync())
