"""`install_bootloader`: GRUB of the minimal environment on the node's disk, so that nothing is asked of the image."""

from __future__ import annotations

from pathlib import Path

from kadeploy.agent.arguments import Args, number, text
from kadeploy.agent.blocks import real_path
from kadeploy.agent.commands.format import make_esp
from kadeploy.agent.efi import set_boot_entry
from kadeploy.agent.execute import execute
from kadeploy.agent.facts import firmware
from kadeploy.agent.grubcfg import grub_config, module_of
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.mounts import below, mount, unmount_all
from kadeploy.agent.signatures import signature_of
from kadeploy.agent.tree import existing, inside
from kadeploy.errors import CommandFailed

_ESP = "/boot/efi"
# What grub.cfg and a person at its prompt use, of hundreds: each is a small file to write.
_MODULES = "normal configfile linux search search_fs_uuid part_gpt all_video serial terminal echo test minicmd ls cat"
_BARE = ("--locales=", "--fonts=", "--themes=")


async def install_bootloader(args: Args, job: Job) -> Answer:
    """For BIOS into the BIOS boot partition, for UEFI with a firmware boot entry behind the network's.

    Raises CommandFailed.
    """
    tree = Path(text(args, "tree"))
    root = await signature_of(text(args, "root"))
    if not root.uuid:
        raise CommandFailed(f"{text(args, 'root')} holds no file system with a UUID")
    kernel = existing(tree, text(args, "kernel"))
    initrd = existing(tree, named) if (named := text(args, "initrd", "")) else ""
    folder = inside(tree, "/boot/grub")
    folder.mkdir(parents=True, exist_ok=True)
    if text(args, "firmware", firmware()) == "uefi":
        said = await _install_uefi(args, tree, root.kind)
    else:
        said = await _install_bios(text(args, "device"), inside(tree, "/boot"), root.kind)
    params = text(args, "params", "")
    config = grub_config(uuid=root.uuid, filesystem=root.kind, kernel=kernel, initrd=initrd, params=params)
    (folder / "grub.cfg").write_text(config)
    return Answer(output=said)


async def _install_bios(device: str, boot: Path, kind: str) -> str:
    """Also finds the disk again when the BIOS numbers it differently: the core image names the partition only."""
    # Else grub-install looks through every disk of the node, and knows only some kinds.
    (boot / "grub/device.map").write_text(f"(hd0) {device}\n")
    await _grub_install("i386-pc", boot, kind, "--no-floppy", device)
    return f"GRUB for BIOS on {device}"


async def _install_uefi(args: Args, tree: Path, kind: str) -> str:
    device, esp = real_path(text(args, "device")), text(args, "esp")
    await make_esp(esp)
    where = str(inside(tree, _ESP))
    await mount(esp, where, filesystem="vfat")
    try:
        where_else = (f"--efi-directory={where}", "--no-nvram", "--removable")
        await _grub_install("x86_64-efi", inside(tree, "/boot"), kind, *where_else)
        order = await set_boot_entry(device, number(args, "esp_number"))
    finally:
        await unmount_all(lambda mounts: below(mounts, where))
    return f"GRUB for UEFI on {esp}, boot order {order}"


async def _grub_install(target: str, boot: Path, kind: str, *others: str) -> None:
    """`kind` is the file system that `boot` is on."""
    modules = f"--install-modules={_MODULES} {module_of(kind)}"
    await execute(("grub-install", f"--target={target}", f"--boot-directory={boot}", modules, *_BARE, *others))
