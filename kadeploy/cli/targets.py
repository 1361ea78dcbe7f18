"""The nodes a user names: `-m RANGE`, repeatable, and `-f FILE`, one range a line, `-` for standard input.

Groups (`@rack1`, `@source:name`) are those of this machine's ClusterShell, as its groups.conf tells; the server never
sees them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ClusterShell.NodeSet import NodeSet as WithGroups
from ClusterShell.NodeSet import NodeSetException

from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import Faults, InvalidNodes

STDIN = "-"
GROUP = "@"
_GROUP: Final = re.compile(r"@(?:[^\s,!&^\[]|\[[^\]]*\])+")


def read_targets(ranges: Sequence[str], files: Sequence[str]) -> NodeSet:
    """Every node named; raises Faults with one sentence for each range or file that is not valid."""
    faults: list[str] = []
    names: set[str] = set()
    texts = [(f"-m {text!r}", text) for text in ranges]
    for file in files:
        before = len(texts) + len(faults)
        try:
            texts.extend(_lines(file))
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"-f {file}: cannot be read: {getattr(error, 'strerror', None) or error}")
        if len(texts) + len(faults) == before:
            faults.append(f"-f {file}: names no node")
    for place, text in texts:
        try:
            names.update(NodeSet.parse(_without_groups(text)).names)
        except InvalidNodes as error:
            faults.append(f"{place}: {error}")
    if faults:
        raise Faults(faults)
    return NodeSet(names)


def _without_groups(text: str) -> str:
    """The same nodes, each by its name; raises InvalidNodes."""
    if GROUP not in text:
        return text
    hint = "groups are those of ClusterShell's groups.conf; `nodeset -L` lists them"
    try:
        found = str(WithGroups(text))
        empty = [group for group in _groups(text) if not WithGroups(group)]
    except NodeSetException as error:
        raise InvalidNodes(f"{text!r}: {error}", hint=hint) from error
    if empty or not found:
        raise InvalidNodes(f"{', '.join(empty) or repr(text)} names no node", hint=hint)
    return found


def _groups(text: str) -> Iterator[str]:
    """Each group that is named there: one that nobody knows is an empty one to ClusterShell, and would be missed."""
    for group in _GROUP.findall(text):
        if "[" in group:
            yield from (f"{GROUP}{name}" for name in WithGroups(group.removeprefix(GROUP)))
        else:
            yield group


def _lines(file: str) -> Iterator[tuple[str, str]]:
    """Each range with its place; blank lines and `#` comments say nothing."""
    content = sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")
    for number, line in enumerate(content.splitlines(), 1):
        text = line.partition("#")[0].strip()
        if text:
            yield f"-f {file}: line {number}", text
