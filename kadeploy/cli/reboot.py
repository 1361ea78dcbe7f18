"""`kareboot`: reboot nodes, into what they run, the minimal environment, or something else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kadeploy.cli.all_faults import check
from kadeploy.cli.client import Client
from kadeploy.cli.custom import CUSTOM, custom_fields
from kadeploy.cli.given import Given
from kadeploy.cli.launch import Launch, common_fields
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
from kadeploy.cli.sshkeys import key_fields
from kadeploy.cli.targets import Targets
from kadeploy.cli.tool import make_tool, run
from kadeploy.cli.waiting import Waiting
from kadeploy.domain.power import Level
from kadeploy.domain.state import OperationKind

SIMPLE: Final = "simple"
DEPLOY_ENV: Final = "deploy_env"
SET_PXE: Final = "set_pxe"
RECORDED_ENV: Final = "recorded_env"
KINDS: Final = (SIMPLE, SET_PXE, DEPLOY_ENV, RECORDED_ENV)

EXAMPLES: Final = """\
  kareboot -m node-[1-3]
  kareboot -m node-1 -l hard
  kareboot -m node-1 -r deploy_env -k"""

OPTIONS: Final = (
    *NODES,
    option(
        "-r",
        "--reboot-kind",
        "kind",
        metavar="KIND",
        help=f"{SIMPLE}: what the node boots anyway (if not given); {DEPLOY_ENV}: the minimal environment; {SET_PXE}: "
        f"the profile of -w; {RECORDED_ENV}: the environment of -e, installed before.",
    ),
    option("-e", "--env-name", "env_name", metavar="NAME", help=f"The recorded environment, for {RECORDED_ENV}."),
    option("-u", "--env-user", "env_user", metavar="OWNER", help="Whose environment it is."),
    option("--env-version", metavar="N", help="Its version; the newest if not given."),
    option("-p", "--partition-number", "partition", metavar="N", help="The partition it is on, not the cluster's own."),
    option("-b", "--block-device", "block_device", metavar="DEVICE", help="The disk it is on, not the cluster's own."),
    flag("-c", "--check-destructive-tag", help="Refuse nodes whose last environment is tagged destructive."),
    *PROFILE,
    VLAN,
    option("-l", "--op-level", "force_level", metavar="LEVEL", help="soft (if not given), hard or very_hard."),
    KEY,
    SECURE,
    CLASSICAL_TIMEOUT,
    *CUSTOM,
    *OPERATION,
)


def perform(given: Given) -> int:
    nodes, before = nodes_given(given), len(given.faults)
    kind, level = given.text("kind") or SIMPLE, given.text("force_level")
    given.need(kind in KINDS, f"-r {kind}: must be {', '.join(KINDS)}")
    given.need(level is None or level in list(Level), f"-l {level}: must be {', '.join(Level)}")
    given.need(given.text("key") is None or kind == DEPLOY_ENV, f"-k goes with -r {DEPLOY_ENV} only")
    fields: dict[str, object] = {"kind": kind, **({"level": level} if level else {}), **_of_kind(given, kind)}
    known = len(given.faults) == before
    fields |= given.tried(lambda: key_fields(given.text("key"), Path.home())) or {}
    fields |= custom_fields(given)
    fields |= timeout_field(given, "classical_timeout", "--reboot-classical-timeout", "timeout_reboot_classical")
    waiting = Waiting.of(given)

    def launch(client: Client, part: Targets) -> Launch:
        return Launch(kind=OperationKind.REBOOT, body={**fields, **common_fields(given, part)})

    if known:  # what goes with which kind
        check(given, nodes, launch)
    given.check()
    return operate(given, nodes, waiting, launch)


def _of_kind(given: Given, kind: str) -> dict[str, object]:
    """What goes with some kinds of reboot only."""
    fields = profile_fields(given)
    given.need(not fields or kind == SET_PXE, f"-w goes with -r {SET_PXE} only")
    given.need(fields or kind != SET_PXE, f"-r {SET_PXE} needs a profile: use -w FILE")
    name, partition = given.text("env_name"), given.text("partition")
    given.need(name is None or kind == RECORDED_ENV, f"-e goes with -r {RECORDED_ENV} only")
    given.need(name is not None or kind != RECORDED_ENV, f"-r {RECORDED_ENV} needs an environment: use -e NAME")
    for option_name, letters in (("env_user", "-u"), ("env_version", "--env-version")):
        given.need(name is not None or given.text(option_name) is None, f"{letters} goes with -e")
    version = given.number("env_version", "--env-version", least=0)
    if name is not None:
        fields["environment"] = {"name": name, "user": given.text("env_user"), "version": version}
    if partition is not None:
        given.need(kind == RECORDED_ENV, f"-p goes with -r {RECORDED_ENV} only")
        given.need(partition.isdecimal(), f"-p {partition}: must be a partition's number")
        fields["deploy_partition"] = partition
    if (device := given.text("block_device")) is not None:
        given.need(kind == RECORDED_ENV, f"-b goes with -r {RECORDED_ENV} only")
        fields["block_device"] = device
    if given.flag("check_destructive_tag"):
        fields["check_destructive"] = True
    if (vlan := given.text("vlan")) is not None:
        fields["vlan"] = vlan
    return fields


ABOUT: Final = """Reboot nodes, and wait until they are up again.

Ctrl-C aborts the operation; a second Ctrl-C leaves at once."""

command = make_tool("kareboot", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS)


def main() -> None:
    run(command)
