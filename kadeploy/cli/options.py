"""Options that several tools take. Letters and words are Kadeploy3's."""

from __future__ import annotations

from typing import Any

import click

from kadeploy.cli.follow import PATIENCE
from kadeploy.cli.given import Given
from kadeploy.cli.later import Later, load
from kadeploy.cli.targets import Targets, sorted_targets
from kadeploy.domain.timeout import Timeout


def _candidates(context: click.Context, parameter: click.Parameter, incomplete: str) -> Any:
    return load(Later.COMPLETION).candidates(context, parameter, incomplete)


def option(*names: str, help: str, metavar: str | None = None, multiple: bool = False) -> click.Option:
    """One that takes a text; what the text must be is checked with all the others."""
    return click.Option(list(names), metavar=metavar, help=help, multiple=multiple, shell_complete=_candidates)


def optional(*names: str, help: str, metavar: str) -> click.Option:
    """One whose text may be left out, which gives an empty text."""
    return click.Option(
        list(names), metavar=metavar, help=help, is_flag=False, flag_value="", shell_complete=_candidates
    )


def flag(*names: str, help: str) -> click.Option:
    return click.Option(list(names), help=help, is_flag=True)


def switch(*names: str, default: bool, help: str) -> click.Option:
    """`--x/--no-x`."""
    return click.Option(list(names), help=help, is_flag=True, default=default)


CONNECTION = (
    option("-S", "--server", metavar="NAME", help="One of the servers in client.conf, or an address."),
    optional("--password", metavar="[PASSWORD]", help="Log in with a password; asks for it if none is given."),
    flag("-M", "--multi-server", help="Use every server in client.conf, each for the nodes that are its own."),
    switch("--dry-run/--no-dry-run", default=False, help="Check everything, say what would be done, and do nothing."),
    flag("--json", "as_json", help="Answer with JSON on standard output."),
    switch(
        "-H/ ",
        "--debug-http/--no-debug-http",
        default=False,
        help="Show what is said to the server and what it answers, without secrets; on descriptor 4 if that is open.",
    ),
    flag("--show-config", help="Show the settings that hold and where they come from, and end."),
    optional("--completion", metavar="SHELL", help="Print the completion for bash, zsh or fish, and end."),
    flag("-I", "--server-info", help="Show what the server offers, and end."),
    flag("-v", "--version", help="Show the versions of this tool and of the server, and end."),
)
NODES = (
    option(
        "-m",
        "--machine",
        "machines",
        metavar="RANGE",
        multiple=True,
        help="Nodes: node-[1-3,7], @group. Repeatable.",
    ),
    option(
        "-f", "--file", "files", metavar="FILE", multiple=True, help="Nodes, one range a line; - is stdin. Repeatable."
    ),
)
OPERATION = (
    option("-o", "--output-ok-nodes", "ok_file", metavar="FILE", help="Write the nodes that are OK there."),
    option("-n", "--output-ko-nodes", "ko_file", metavar="FILE", help="Write all other nodes there."),
    option("-s", "--script", metavar="FILE", help="Run this program when the operation is over."),
    option("-V", "--verbose-level", "level", metavar="1..5", help="How much to tell; 1 is the ends only, 3 is usual."),
    option("--write-workflow-id", "wid_file", metavar="FILE", help="Write the operation's id there once it is known."),
    switch("--wait/--no-wait", default=True, help="Wait for the end, or print the operation's id and end at once."),
    switch("--force/--no-force", default=False, help="Take nodes from other operations, which end for them."),
    switch(
        "--wait-nodes/--no-wait-nodes", default=False, help="Wait until the nodes are free, first come first served."
    ),
    option("--breakpoint", metavar="MACRO[:MICRO]", help="Hold the nodes before this step; kadeploy --resume goes on."),
    switch("--hook/--no-hook", default=False, help="Have the server run the site's own command at the end."),
    switch(
        "-d/ ",
        "--debug-mode/--no-debug-mode",
        "debug",
        default=False,
        help="At the end, show what every node said; on file descriptor 3 if it is open.",
    ),
    flag("--exit-zero", help="Exit with 0 also when nodes have failed, as Kadeploy3's tools did."),
    option("--on-interrupt", metavar="abort|leave", help="What the first Ctrl-C does to it; abort, usually."),
    option(
        "--patience",
        metavar="SECONDS",
        help=f"How long to try to reach a server lost in the middle; {PATIENCE:.0f} if not given.",
    ),
)
KEY = optional(
    "-k",
    "--key",
    metavar="[FILE]",
    help="Public keys that may log in as root. Without FILE: ~/.ssh/authorized_keys, else ~/.ssh/id_*.pub.",
)
VLAN = option("--vlan", metavar="ID", help="Move the nodes to this VLAN when they start what is installed.")
SECURE = switch(
    "--secure/--no-secure",
    default=False,
    help="Kadeploy3's: files of this machine are sent over the server's own connection, as safe as that is.",
)
CLASSICAL_TIMEOUT = option(
    "--reboot-classical-timeout",
    "classical_timeout",
    metavar="EXPR",
    help="Seconds a reboot may take; may be a formula in n, the number of nodes.",
)


def nodes_given(given: Given) -> Targets:
    """The nodes of -m and -f, those that are not valid left out: they are faults, and so are none."""
    ranges, files = given.texts("machines"), given.texts("files")
    if not ranges and not files:
        given.faults.append("no nodes were named: use -m RANGE or -f FILE")
        return Targets()
    targets, faults = sorted_targets(ranges, files)
    given.faults += faults
    return targets


def timeout_field(given: Given, name: str, option: str, field: str) -> dict[str, object]:
    """A timeout formula as a field of the request, parsed here already so that a slip is told at once."""
    formula = given.text(name)
    if formula is None:
        return {}
    before = len(given.faults)
    given.tried(lambda: Timeout(formula))
    given.faults[before:] = [f"{option}: {fault}" for fault in given.faults[before:]]
    return {field: formula} if len(given.faults) == before else {}
