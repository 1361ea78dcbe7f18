"""Every command of the agent by its name, with the arguments it reads from JSON (`?` may be left out).

`tree` is where the new system is mounted (/mnt/dest), `device` and `root` are paths in /dev.

    partition           device (the disk), layout [{number, role, size, filesystem}], firmware? (bios, uefi), wait?
                        Under UEFI the partition with role boot comes formatted.
    format              device, filesystem (ext2-4, xfs, btrfs, vfat, swap), label?, options? [text], keep?, wait?
                        With keep, what holds a file system is left as it is.
    mount               device, path, filesystem?, options? (text, as after -o), wait?
    unmount             path (and all that is mounted below it)
    sync
    place, receive      see `image.py`
    restore             file (goes), kind (tar, dd, fsa), compression, destination, parts [{id, destination}] (fsa)
    load_drivers        drivers [kernel module]
    configure_system    tree, hostname?, mounts {device: mount point, or `swap`} (what holds no file system is skipped)
    authorize           tree, keys (text, one a line)
    check_boot          disk, number (of the partition), firmware?; answers with what would be started from it
    check_files         tree, files [path in the tree]
    install_bootloader  tree, device (the disk), root, kernel, initrd?, params?, firmware?, esp? and esp_number? (UEFI)
    kexec_load          tree, root, kernel, initrd?, params?
    kexec_exec          tree; unmounts it, and goes once the server has acknowledged the answer
    reboot              goes once the server has acknowledged the answer
    run_script          see `run_script.py`
    run_command         see `run_command.py`
    run_file            see `run_file.py`
    put_file            see `put_file.py`

`wait` is how many seconds the disk may take to appear (its driver is loaded in the background; 15 by default).
`params` are kernel arguments as the user wrote them; root=UUID=... is put before them unless they say root=.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kadeploy.agent.commands.authorize import authorize
from kadeploy.agent.commands.check_boot import check_boot
from kadeploy.agent.commands.check_files import check_files
from kadeploy.agent.commands.configure_system import configure_system
from kadeploy.agent.commands.format import format_partition
from kadeploy.agent.commands.image import place, receive_image
from kadeploy.agent.commands.install_bootloader import install_bootloader
from kadeploy.agent.commands.kexec import kexec_exec, kexec_load
from kadeploy.agent.commands.load_drivers import load_drivers
from kadeploy.agent.commands.mount import mount_partition, sync, unmount
from kadeploy.agent.commands.partition import partition
from kadeploy.agent.commands.put_file import put_file
from kadeploy.agent.commands.reboot import reboot
from kadeploy.agent.commands.restore import restore
from kadeploy.agent.commands.run_command import run_command
from kadeploy.agent.commands.run_file import run_file
from kadeploy.agent.commands.run_script import run_script
from kadeploy.agent.job import Command

COMMANDS: Final[Mapping[str, Command]] = {
    "partition": partition,
    "format": format_partition,
    "mount": mount_partition,
    "unmount": unmount,
    "sync": sync,
    "place": place,
    "receive": receive_image,
    "restore": restore,
    "load_drivers": load_drivers,
    "configure_system": configure_system,
    "authorize": authorize,
    "check_boot": check_boot,
    "check_files": check_files,
    "install_bootloader": install_bootloader,
    "kexec_load": kexec_load,
    "kexec_exec": kexec_exec,
    "reboot": reboot,
    "run_script": run_script,
    "run_command": run_command,
    "run_file": run_file,
    "put_file": put_file,
}
