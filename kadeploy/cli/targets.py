"""The nodes a user names: `-m RANGE`, repeatable, and `-f FILE`, one range a line, `-` for standard input.

Groups (`@rack1`, `@source:name`) are those of this machine's ClusterShell, as its groups.conf tells. An expression with
others is left to the server, which has groups of its own, and knows the nodes' whole names.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from ClusterShell.NodeSet import NodeSet as WithGroups
from ClusterShell.NodeSet import NodeSetException, NodeSetExternalError
from ClusterShell.NodeUtils import GroupResolverError, GroupSourceError

from kadeploy.cli.client import Client
from kadeploy.cli.refused import Refused
from kadeploy.cli.unread import reason
from kadeploy.domain.nodeset import NodeSet, operands
from kadeploy.errors import Faults, InvalidNodes

STDIN = "-"
GROUP = "@"
_BETWEEN: Final = re.compile(r",(?![^\[]*\])")
_GROUP: Final = re.compile(r"@(?:[^\s,!&^\[]|\[[^\]]*\])+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Nodes by their names, and expressions that the server is to work out."""

    nodes: NodeSet = field(default_factory=NodeSet)
    texts: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.nodes or self.texts)

    @property
    def listed(self) -> list[str]:
        """As the body of a request has them."""
        return [*self.nodes, *self.texts]

    @property
    def folded(self) -> list[str]:
        """As a query has them: thousands of names do not fit in an address."""
        return [*([str(self.nodes)] if self.nodes else []), *self.texts]


def read_targets(ranges: Sequence[str], files: Sequence[str]) -> Targets:
    """Every node named; raises Faults with one sentence for each range or file that is not valid."""
    targets, faults = sorted_targets(ranges, files)
    if faults:
        raise Faults(faults)
    return targets


def sorted_targets(ranges: Sequence[str], files: Sequence[str]) -> tuple[Targets, Sequence[str]]:
    """Every node named validly, and the faults of all else."""
    faults: list[str] = []
    names: set[str] = set()
    left: list[str] = []
    given = [(f"-m {text!r}", text) for text in ranges]
    for file in files:
        before = len(given) + len(faults)
        try:
            given.extend(_lines(file))
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"-f {file}: cannot be read: {reason(error)}")
        if len(given) + len(faults) == before:
            faults.append(f"-f {file}: names no node")
    for place, text in given:
        try:
            for part in _apart(text):
                known = _known_here(part)
                if known is None:
                    left.append(part)
                else:
                    names.update(known.names)
        except InvalidNodes as error:
            faults.append(f"{place}: {error}")
    return Targets(nodes=NodeSet(names), texts=tuple(dict.fromkeys(left))), faults


def worked_out(client: Client, targets: Targets) -> NodeSet:
    """All of them by their names; raises Refused when the server does not understand an expression."""
    if not targets.texts:
        return targets.nodes
    found = cast(Sequence[str], client.get("/nodes", {"list": "true", "nodes": list(targets.texts)}))
    return targets.nodes | NodeSet(found)


def meant_at(client: Client, text: str) -> NodeSet:
    """The nodes that an expression means there; none where its groups are not known."""
    try:
        return worked_out(client, Targets(texts=(text,)))
    except Refused as error:
        if error.status not in (400, 404):
            raise
        return NodeSet()


def asked_for(clients: Sequence[Client], targets: Targets) -> NodeSet:
    """Every node that is named, as far as anybody can tell which they are."""
    return NodeSet(
        {*targets.nodes, *(node for text in targets.texts for one in clients for node in meant_at(one, text))}
    )


def _apart(text: str) -> Sequence[str]:
    """What is only strung together can be known at different places, if there are groups in it."""
    if GROUP not in text or len(operands(text)) > 1:
        return (text.strip(),)
    return [part.strip() for part in _BETWEEN.split(text)]


def _known_here(text: str) -> NodeSet | None:
    """The nodes, None if it takes the server to know them; raises InvalidNodes."""
    if GROUP not in text:
        return None if _takes_whole_names(text) else NodeSet.parse(text)
    try:
        groups = list(_groups(text))
        own = [group for group in groups if _is_known(group)]
        if not own:
            return None
        if others := [group for group in groups if group not in own]:
            raise InvalidNodes(
                f"{text!r}: this machine's ClusterShell knows {', '.join(own)} and not {', '.join(others)}",
                hint="what the server knows must be in an expression of its own, as -m @ours -m @theirs",
            )
        found = str(WithGroups(text))
    except NodeSetException as error:
        raise InvalidNodes(f"{text!r}: {error}") from error
    if not found:
        raise InvalidNodes(f"{text!r} names no node")
    return NodeSet.parse(found)


def _is_known(group: str) -> bool:
    """One that nobody knows is an empty one to ClusterShell, and would be missed."""
    try:
        return bool(WithGroups(group))
    except (GroupResolverError, GroupSourceError, NodeSetExternalError):
        return False


def _takes_whole_names(text: str) -> bool:
    """Whether names with a domain meet names without one: which of them are the same node, the server knows."""
    parts = operands(text)
    return len(parts) > 1 and len({"." in name for _, part in parts for name in NodeSet.parse(part).names}) > 1


def _groups(text: str) -> Iterator[str]:
    """Each group that is named there."""
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
