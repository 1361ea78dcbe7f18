"""`kexec_load` and `kexec_exec`: start the installed kernel without the firmware."""

from __future__ import annotations

import asyncio
import os

from kadeploy.agent.arguments import Args, path, text
from kadeploy.agent.execute import DEADLINE, execute
from kadeploy.agent.grubcfg import kernel_arguments
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.mounts import below, unmount_all
from kadeploy.agent.signatures import uuid_of
from kadeploy.agent.tree import existing, inside
from kadeploy.errors import CommandFailed
from kadeploy.process import run


async def kexec_load(args: Args, job: Job) -> Answer:
    """Kernel and initrd go from the mounted tree into memory. Raises CommandFailed."""
    tree = text(args, "tree")
    kernel = inside(tree, existing(tree, text(args, "kernel")))
    initrd = text(args, "initrd", "")
    with_initrd = (f"--initrd={inside(tree, existing(tree, initrd))}",) if initrd else ()
    told = kernel_arguments(await uuid_of(text(args, "root")), text(args, "params", ""))
    load = ("--load", str(kernel), *with_initrd, f"--command-line={told}")
    # Without checks: digesting it all, now and again before it starts, takes 4.5 s on an emulated node (40 MB), and
    # nobody writes to that memory in between.
    quickly = await run(("kexec", "--kexec-syscall", "--no-checks", *load), deadline=DEADLINE)
    if not quickly.ok:  # Secure Boot allows only the other loader
        await execute(("kexec", "--kexec-file-syscall", *load))
    return Answer(output=told)


async def kexec_exec(args: Args, job: Job) -> Answer:
    """Everything on the disk is written and unmounted before the answer; it goes when that is acknowledged."""
    if not await asyncio.to_thread(_is_loaded):
        raise CommandFailed("no kernel is loaded to go to")
    tree = path(args, "tree")
    await unmount_all(lambda mounts: below(mounts, tree))
    await asyncio.to_thread(os.sync)
    return Answer(output="going", then=("kexec", "--exec"))


def _is_loaded() -> bool:
    with open("/sys/kernel/kexec_loaded") as file:
        return file.read().strip() == "1"
