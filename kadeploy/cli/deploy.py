"""`kadeploy`: install an environment on nodes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kadeploy.cli.all_faults import check
from kadeploy.cli.automata import parse_force_steps
from kadeploy.cli.choose_environment import Chosen, choose_environment
from kadeploy.cli.client import Client, Json, current_user
from kadeploy.cli.control import CONTROL, act
from kadeploy.cli.custom import CUSTOM, custom_fields
from kadeploy.cli.description import is_of_server, read_source, source_at
from kadeploy.cli.env_import import usable
from kadeploy.cli.given import Given
from kadeploy.cli.launch import Launch, common_fields
from kadeploy.cli.login import COMMANDS
from kadeploy.cli.operate import operate
from kadeploy.cli.options import (
    CLASSICAL_TIMEOUT,
    KEY,
    NODES,
    OPERATION,
    SECURE,
    VLAN,
    flag,
    nodes_given,
    option,
    timeout_field,
)
from kadeploy.cli.profile import PROFILE, profile_fields
from kadeploy.cli.refused import Refused
from kadeploy.cli.sshkeys import key_fields
from kadeploy.cli.targets import Targets
from kadeploy.cli.tool import make_tool, run
from kadeploy.cli.waiting import Waiting
from kadeploy.domain.state import OperationKind
from kadeploy.errors import Faults

EXAMPLES: Final = """\
  kadeploy -m node-[1-64] -e debian12 -k
  kadeploy -f nodes -e debian12 -u alice --env-version 3 -k key.pub -o ok -n ko
  kadeploy -m node-1 -a http://images/debian12.yaml -p 3
  kadeploy -m node-[1-3] -e debian12 --dry-run
  kadeploy -m node-1 -e debian12 --force-steps 'BootNewEnv|Classical:1:300,HardReboot:0:300'
  kadeploy -f nodes -e debian12 --breakpoint BootNewEnv
  kadeploy --resume D-6a1f...
  kadeploy --cancel D-6a1f... -m node-3"""

OPTIONS: Final = (
    *NODES,
    option("-e", "--env-name", "env_name", metavar="NAME", help="The recorded environment to install."),
    option("-u", "--env-user", "env_user", metavar="OWNER", help="Whose environment it is."),
    option("--env-version", metavar="N", help="Its version; the newest if not given."),
    option(
        "-a",
        "--env-file",
        "env_file",
        metavar="FILE_OR_URL",
        help="Install what is described there; server:///PATH too.",
    ),
    option(
        "-p", "--partition-number", "partition", metavar="N", help="Partition to install on, not the cluster's own."
    ),
    option("-b", "--block-device", "block_device", metavar="DEVICE", help="The disk; without -p all of it."),
    option(
        "-c", "--boot-partition", "boot_partition", metavar="N", help="The partition that boots then; 0 is the disk."
    ),
    option("-r", "--reformat-tmp", "reformat_tmp", metavar="FS", help="Make this file system for /tmp anew."),
    KEY,
    VLAN,
    *PROFILE,
    option(
        "--force-steps",
        metavar="STEPS",
        help="Instances in place of the cluster's, as 'SetDeploymentEnv|Untrusted:1:450&BootNewEnv|Kexec:0:200,…' "
        "(retries, then seconds).",
    ),
    flag("--no-kexec", help="Reboot through the firmware, never by kexec."),
    flag("--disable-bootloader-install", help="Leave the boot loader alone."),
    flag("--disable-disk-partitioning", help="Leave the partition table alone."),
    SECURE,
    CLASSICAL_TIMEOUT,
    option("--reboot-kexec-timeout", "kexec_timeout", metavar="EXPR", help="The same for a reboot by kexec."),
    *CUSTOM,
    *OPERATION,
    *CONTROL,
)
WORDS: Final = {"block_device": "block_device", "reformat_tmp": "reformat_tmp_partition", "vlan": "vlan"}
SWITCHES: Final = {
    "no_kexec": "disable_kexec",
    "disable_bootloader_install": "disable_bootloader_install",
    "disable_disk_partitioning": "disable_disk_partitioning",
}


def perform(given: Given) -> int:
    acted = act(given, OPTIONS)
    if acted is not None:
        return acted
    nodes = nodes_given(given)
    fields = _fields(given)
    waiting = Waiting.of(given)
    environment_at = _environment_given(given)

    def launch(client: Client, part: Targets) -> Launch:
        chosen = environment_at(client)
        named = {"environment": chosen.content} if chosen.content else {}
        body = {**common_fields(given, part), **fields, **named}
        return Launch(kind=OperationKind.DEPLOYMENT, body=body, is_found=chosen.is_found, error=chosen.error)

    check(given, nodes, launch)
    return operate(given, nodes, waiting, launch)


def _environment_given(given: Given) -> Callable[[Client], Chosen]:
    """What tells a server of the environment: a recorded one, or one that is described."""
    name, file = given.text("env_name"), given.text("env_file")
    given.need(name is not None or file is not None, "no environment was named: use -e NAME or -a FILE")
    given.need(name is None or file is None, "-e and -a exclude each other")
    for option_name, letters in (("env_user", "-u"), ("env_version", "--env-version")):
        given.need(file is None or given.text(option_name) is None, f"{letters} goes with -e, not with -a")
    version = given.number("env_version", "--env-version", least=0)
    if file is not None:
        described = _described(given, file)
        return described if name is None else lambda client: Chosen()
    if name is None:
        return lambda client: Chosen()
    owner, user = given.text("env_user"), current_user(os.environ)
    return lambda client: choose_environment(client, name, owner=owner, version=version, user=user)


def _described(given: Given, file: str) -> Callable[[Client], Chosen]:
    here = None if is_of_server(file) else given.tried(lambda: read_source(file))
    if here is None and not is_of_server(file):
        return lambda client: Chosen()
    if here and given.faults:  # then nobody asks the server
        given.faults += [f"-a {here.place}: {fault}" for fault in here.missing]

    def described(client: Client) -> Chosen:
        try:
            return Chosen(content={"kind": "anonymous", **usable(client, here or source_at(client, file))})
        except (Refused, Faults) as error:
            return Chosen(error=error)

    return described


def _fields(given: Given) -> Json:
    fields: dict[str, object] = {field: True for name, field in SWITCHES.items() if given.flag(name)}
    if (partition := given.text("partition")) is not None:
        fields["deploy_partition"] = partition if partition.isdecimal() else ""
        given.need(partition == fields["deploy_partition"], f"-p {partition}: must be a partition's number")
    fields |= {field: text for name, field in WORDS.items() if (text := given.text(name)) is not None}
    if (number := given.number("boot_partition", "-c", least=0)) is not None:
        fields["boot_partition"] = number
    if (steps := given.text("force_steps")) is not None:
        fields["automata"] = given.tried(lambda: parse_force_steps(steps)) or {}
    fields |= profile_fields(given)
    fields |= given.tried(lambda: key_fields(given.text("key"), Path.home())) or {}
    fields |= custom_fields(given)
    fields |= timeout_field(given, "classical_timeout", "--reboot-classical-timeout", "timeout_reboot_classical")
    fields |= timeout_field(given, "kexec_timeout", "--reboot-kexec-timeout", "timeout_reboot_kexec")
    return fields


ABOUT: Final = """Install an environment on nodes, and wait until they run it.

Ctrl-C aborts the operation; a second Ctrl-C leaves at once.

`kadeploy login` gets a token from a server and keeps it, `kadeploy logout` gives it back."""

command = make_tool("kadeploy", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS)


def main() -> None:
    """`kadeploy` itself takes no words, so that its few commands need no tool of their own."""
    named = COMMANDS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if named is not None:
        run(named, sys.argv[2:])
    run(command)
