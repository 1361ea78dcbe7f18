"""Completion for bash, zsh and fish: words of ours, and names of nodes, environments and users from the server.

Whatever goes wrong, the user only sees no candidates: nobody asked anything yet.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class

from kadeploy.cli.names_kept import GROUP, NAMES, names
from kadeploy.cli.servers import every_server
from kadeploy.cli.tool_names import EVERY_TOOL
from kadeploy.errors import InvalidOption

SHELLS: Final = ("bash", "zsh", "fish")
MOST: Final = 500  # candidates; more nobody reads
FORMS: Final = ("json", "yaml", "table")
OF_SERVER: Final[Mapping[str, str]] = {  # parameter: which names
    "machine": "nodes",
    "machines": "nodes",
    "env_name": "environments",
    "environment": "environments",
    "print_": "environments",
    "delete": "environments",
    "list_": "environments",
    "set_visibility": "environments",
    "toggle": "environments",
    "image_checksum": "environments",
    "preinstall_checksum": "environments",
    "postinstalls_checksum": "environments",
    "env_user": "users",
    "owner": "users",
    "user": "users",
}
WORDS: Final[Mapping[str, Sequence[str]]] = {
    "kind": ("simple", "set_pxe", "deploy_env", "recorded_env"),
    "force_level": ("soft", "hard", "very_hard"),
    "level": ("1", "2", "3", "4", "5"),
    "on_interrupt": ("abort", "leave"),
    "visibility": ("private", "shared", "public"),
    "existing": ("refuse", "skip", "replace"),
    "format": FORMS,
    "words": ("deploy", "reboot", "power", "csv", "parquet", *FORMS),
    "by": ("node", "step", "environment", "cluster", "user"),
    "plot": ("steps", "failures", "nodes"),
    "completion": SHELLS,
    "scope": ("read", "operate"),
}
FILES: Final = ("FILE", "DIR")


def candidates(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What the option's value may be."""
    name = parameter.name or ""
    if name == "server":
        found = [server.name for server in every_server(os.environ, Path.home())]
    elif name in OF_SERVER:
        return [CompletionItem(word) for word in _ranged(OF_SERVER[name], incomplete, context.params.get("server"))]
    elif name in WORDS:
        found = list(WORDS[name])
    elif any(word in (parameter.metavar or "") for word in FILES):
        return [CompletionItem(incomplete, type="file")]
    else:
        found = []
    return [CompletionItem(word) for word in found if word.startswith(incomplete)]


def complete(command: click.Command, instruction: str) -> int:
    """Answer what the shell's script asks; the tool's exit code."""
    name, variable = str(command.name), f"_{str(command.name).upper()}_COMPLETE"
    shell, _, what = instruction.partition("_")
    kind = get_completion_class(shell)
    if kind is None:
        return 1
    if what == "source":
        print(_one(kind, name, variable))
        return 0
    try:
        print(kind(command, {}, name, variable).complete())
    except Exception:  # of a half-typed line, and with no server: there is nothing to complete
        return 1
    return 0


def script(name: str, shell: str) -> str:
    """What makes the shell complete every tool. Raises InvalidOption."""
    word = Path(shell).name
    if word not in SHELLS:
        raise InvalidOption(f"--completion {word}: must be {', '.join(SHELLS)}", hint=f"as in {name} --completion bash")
    return "\n".join(script_of(tool, word) for tool in EVERY_TOOL)


def script_of(tool: str, shell: str) -> str:
    """For one tool, by the name it is called by; one ending in 3 asks in the variable of the other."""
    kind = get_completion_class(shell)
    assert kind is not None
    return _one(kind, tool, f"_{tool.removesuffix('3').upper()}_COMPLETE")


def _one(kind: type[ShellComplete], tool: str, variable: str) -> str:
    made = kind(click.Command(tool), {}, tool, variable)
    # What follows the first comma is the candidate, which for several nodes has commas of its own.
    template = made.source_template.replace('string split ","', 'string split --max 1 ","')
    return (template % made.source_vars()).strip() + "\n"


def _ranged(which: str, incomplete: str, server: object) -> Iterator[str]:
    """Of nodes the last of several is completed, as in node-1,node-<TAB>, and of @ groups."""
    before, comma, last = incomplete.rpartition(",") if which == NAMES[0] else ("", "", incomplete)
    if last.startswith(GROUP) and which == NAMES[0]:
        which = NAMES[-1]
    found = [name for name in names(which, str(server) if server else None) if name.startswith(last)]
    yield from (f"{before}{comma}{name}" for name in found[:MOST])
