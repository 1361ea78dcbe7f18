"""The programs and files that administrators' commands, archives and custom operations name: are they there?

Asked by who checks a configuration, not at every start: a program may come from a share that is mounted later.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from kadeploy.config.automata import InstanceEntry
from kadeploy.config.cluster import ClusterFile
from kadeploy.config.custom import PlacedOperations
from kadeploy.config.power_commands import CONNECTOR
from kadeploy.domain.power import Verb

_NAME: Final = re.compile(r"[A-Za-z0-9_./+@:-]+\Z")
_OF_THE_SHELL: Final = frozenset(
    {
        *("cd", "if", "for", "while", "until", "case", "exec", "exit", "export", "set", "test", "true", "false"),
        *("echo", "eval", "printf", "read", "trap", "umask", "unset", "wait", "ulimit", "command", "."),
    }
)


def missing(file: ClusterFile, connector: str) -> Iterator[str]:
    """What a cluster's file names and is not there, each `path: what`."""
    remoteops = file.remoteops
    lists = {**{str(verb): remoteops.of(verb) for verb in Verb}, "power_status": remoteops.power_status}
    for name, entries in (*lists.items(), ("console", remoteops.console)):
        for index, entry in enumerate(entries):
            yield from without_program(entry.cmd, connector, f"remoteops.{name}[{index}]")
    if command := file.localops.broadcastenv.cmd:
        yield from _no_program(command[0], "localops.broadcastenv.cmd")
    for section, archives in (("preinstall", file.preinstall), ("postinstall", file.postinstall)):
        for index, archive in enumerate(archives.files):
            yield from _no_file(str(archive.file), f"{section}.files[{index}].file")
    for key in ("vmlinuz", "initrd"):
        if named := getattr(file.boot.kernels.nfsroot, key):
            yield from _no_file(str(named), f"boot.kernels.nfsroot.{key}")
    for macro, instances in file.automata.macrosteps.by_name().items():
        for index, instance in enumerate(instances):
            yield from _of_instance(instance, f"automata.macrosteps.{macro}[{index}]")


def missing_of_nodes(commands: object, connector: str) -> Iterator[str]:
    """The same of command.conf."""
    for node, own in commands.items() if isinstance(commands, Mapping) else ():
        for name, line in own.items() if isinstance(own, Mapping) else ():
            if isinstance(line, str):
                yield from without_program(line, connector, f"{node}.{name}")


def without_program(line: str, connector: str, place: str) -> Iterator[str]:
    """A line for the shell whose first word is no program; what only the shell could tell is passed over."""
    try:
        words = shlex.split(line.replace(CONNECTOR, connector))
    except ValueError as error:
        yield f"{place}: a shell could not read it: {error}"
        return
    first = next((word for word in words if "=" not in word), "")
    if _NAME.match(first) and first not in _OF_THE_SHELL:
        yield from _no_program(first, place)


def _of_instance(instance: InstanceEntry, place: str) -> Iterator[str]:
    for index, micro in enumerate(instance.microsteps):
        yield from _of_operations(micro, f"{place}.microsteps[{index}]")


def _of_operations(placed: PlacedOperations, place: str) -> Iterator[str]:
    lists = {"pre-ops": placed.pre_ops, "substitute": placed.substitute, "post-ops": placed.post_ops}
    for name, entries in lists.items():
        for index, entry in enumerate(entries):
            path = (entry.file or "").removeprefix("server://")
            if path.startswith("/"):
                yield from _no_file(path, f"{place}.{name}[{index}].file")


def _no_program(name: str, place: str) -> Iterator[str]:
    if shutil.which(name) is None:
        yield f"{place}: there is no program {name}"


def _no_file(name: str, place: str) -> Iterator[str]:
    if not Path(name).is_file():
        yield f"{place}: there is no file {name}"
    elif not os.access(name, os.R_OK):
        yield f"{place}: the file {name} cannot be read by this user"
