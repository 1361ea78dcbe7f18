"""`kadeploy`: install an environment on nodes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from kadeploy.cli.choose_environment import choose_environment
from kadeploy.cli.client import Json, current_user
from kadeploy.cli.description import Description, read_description
from kadeploy.cli.given import Given
from kadeploy.cli.launch import Launch, common_fields
from kadeploy.cli.operation import KINDS, attach, conduct, settling
from kadeploy.cli.options import (
    CLASSICAL_TIMEOUT,
    KEY,
    NODES,
    OPERATION,
    flag,
    nodes_given,
    option,
    timeout_field,
)
from kadeploy.cli.sshkeys import key_fields
from kadeploy.cli.tool import connected, make_tool, run
from kadeploy.cli.waiting import Waiting
from kadeploy.domain.state import OperationKind

EXAMPLES: Final = """\
  kadeploy -m node-[1-64] -e debian12 -k
  kadeploy -f nodes -e debian12 -u alice --env-version 3 -k key.pub -o ok -n ko
  kadeploy -m node-1 -a http://images/debian12.yaml -p 3
  kadeploy -m node-[1-3] -e debian12 --dry-run
  kadeploy --attach D-6a1f..."""

OPTIONS: Final = (
    *NODES,
    option("-e", "--env-name", "env_name", metavar="NAME", help="The recorded environment to install."),
    option("-u", "--env-user", "env_user", metavar="OWNER", help="Whose environment it is."),
    option("--env-version", metavar="N", help="Its version; the newest if not given."),
    option("-a", "--env-file", "env_file", metavar="FILE_OR_URL", help="Install what this description describes."),
    option(
        "-p", "--partition-number", "partition", metavar="N", help="Partition to install on, not the cluster's own."
    ),
    KEY,
    flag("--no-kexec", help="Reboot through the firmware, never by kexec."),
    flag("--disable-bootloader-install", help="Leave the boot loader alone."),
    flag("--disable-disk-partitioning", help="Leave the partition table alone."),
    CLASSICAL_TIMEOUT,
    option("--reboot-kexec-timeout", "kexec_timeout", metavar="EXPR", help="The same for a reboot by kexec."),
    *OPERATION,
    option("--attach", metavar="ID", help="Follow an operation that runs already; Ctrl-C leaves it running."),
)
SWITCHES: Final = {
    "no_kexec": "disable_kexec",
    "disable_bootloader_install": "disable_bootloader_install",
    "disable_disk_partitioning": "disable_disk_partitioning",
}


def perform(given: Given) -> int:
    wid = given.text("attach")
    if wid is not None:
        return _attach(given, wid)
    nodes = nodes_given(given)
    environment = _environment_given(given)
    version = given.number("env_version", "--env-version", least=0)
    fields = _fields(given)
    waiting = Waiting.of(given)
    given.check()
    body = {**common_fields(given, nodes), **fields}
    with settling(waiting, nodes) as outcome, connected(given) as client:
        if isinstance(environment, str):
            owner, user = given.text("env_user"), current_user(os.environ)
            chosen = choose_environment(client, environment, owner=owner, version=version, user=user)
        else:
            chosen = {"kind": "anonymous", **environment}
        launch = Launch(kind=OperationKind.DEPLOYMENT, body={**body, "environment": chosen})
        return conduct(client, launch, waiting, outcome)


def _attach(given: Given, wid: str) -> int:
    waiting = Waiting.of(given)
    given.need(wid[:2] in KINDS, f"--attach {wid}: not an operation's id, which begins with {', '.join(KINDS)}")
    given.check()
    with settling(waiting) as outcome, connected(given) as client:
        return attach(client, wid, waiting, outcome)


def _environment_given(given: Given) -> str | Description:
    """The name of a recorded environment, or a whole description."""
    name, file = given.text("env_name"), given.text("env_file")
    given.need(name is not None or file is not None, "no environment was named: use -e NAME or -a FILE")
    given.need(name is None or file is None, "-e and -a exclude each other")
    for option_name, letters in (("env_user", "-u"), ("env_version", "--env-version")):
        given.need(file is None or given.text(option_name) is None, f"{letters} goes with -e, not with -a")
    if file is None:
        return name or ""
    return given.tried(lambda: read_description(file)) or {}


def _fields(given: Given) -> Json:
    fields: dict[str, object] = {field: True for name, field in SWITCHES.items() if given.flag(name)}
    if (partition := given.text("partition")) is not None:
        given.need(partition.isdecimal() or not partition, f"-p {partition}: must be a partition's number")
        fields["deploy_partition"] = partition
    fields |= given.tried(lambda: key_fields(given.text("key"), Path.home())) or {}
    fields |= timeout_field(given, "classical_timeout", "--reboot-classical-timeout", "timeout_reboot_classical")
    fields |= timeout_field(given, "kexec_timeout", "--reboot-kexec-timeout", "timeout_reboot_kexec")
    return fields


ABOUT: Final = """Install an environment on nodes, and wait until they run it.

Ctrl-C aborts the operation; a second Ctrl-C leaves at once."""

command = make_tool("kadeploy", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS)


def main() -> None:
    run(command)
