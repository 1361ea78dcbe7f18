"""From the nodes a request names to nodes of the site: ranges unfolded, short names completed, doubles merged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from kadeploy.domain.missing import NO_NODES
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import LARGEST, OPERATORS, NodeSet, operands
from kadeploy.errors import InvalidNodes

GROUP: Final = "@"
_SHOWN: Final = 10  # names told in an error; a slip in a range must not fill the screen
_FOLDED: Final = 100  # names of an error that are folded
_SEARCHED: Final = 200  # names of one request that are looked for inside the names of nodes, which takes a while

_Expression = Sequence[tuple[str, NodeSet]]
"""Operands, each with the operator before it."""


class Selection:
    """`@NAME` is a group of the site, or a cluster. A name is a node's own, or its part before the first dot, or any
    part of it that only one node has."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._names: Collection[str] = ()
        self._short: dict[str, list[str]] = {}
        self._joined = ""
        self._groups: Mapping[str, str] = {}
        self.look_again()

    def look_again(self) -> None:
        """The site's nodes have changed."""
        self._names, self._short = frozenset(self._site.nodes), {}
        for name in self._site.nodes:
            self._short.setdefault(name.partition(".")[0], []).append(name)
        self._groups = {
            **{cluster: str(nodes) for cluster, nodes in self._site.by_cluster(self.every()).items()},
            **self._site.groups,
        }
        self._joined = "\n".join(["", *self._site.nodes, ""])

    @property
    def groups(self) -> Mapping[str, str]:
        """What each name stands for after an @."""
        return self._groups

    def every(self) -> NodeSet:
        return NodeSet(self._names)

    def resolve(self, texts: Sequence[str]) -> NodeSet:
        """Raises InvalidNodes with everything that is wrong: bad ranges, unknown names, names of several nodes."""
        if not texts:
            raise InvalidNodes(NO_NODES, hint="name at least one node, as in node-[1-3]")
        found, faults = self._look_up(texts)
        if faults:
            raise InvalidNodes("; ".join(faults))
        return found

    def known(self, texts: Sequence[str]) -> NodeSet:
        """The nodes that are meant, without those nobody knows; raises InvalidNodes for bad ranges only."""
        expressions, faults = _unfolded(texts, self._groups)
        if faults:
            raise InvalidNodes("; ".join(faults))
        meant = self._meant(_every_name(expressions.values()))
        return NodeSet(name for each in expressions.values() for name in _worked_out(each, meant))

    def _look_up(self, texts: Sequence[str]) -> tuple[NodeSet, list[str]]:
        expressions, faults = _unfolded(texts, self._groups)
        meant = self._meant(_every_name(expressions.values()))
        unknown = NodeSet(name for name, nodes in meant.items() if not nodes)
        if unknown:
            faults.append(f"there is no node {_shortened(unknown)} here")
        faults += [
            f"{name} could be {', '.join(nodes[:_SHOWN])}{', …' * (len(nodes) > _SHOWN)}: write more of its name"
            for name, nodes in meant.items()
            if len(nodes) > 1
        ]
        found: set[str] = set()
        for text, each in expressions.items():
            names = _worked_out(each, meant)
            if not names and not faults:
                faults.append(f"{text!r} names no node")
            found |= names
        return NodeSet(found), faults

    def _meant(self, asked: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """The nodes that each name could be."""
        meant: dict[str, Sequence[str]] = {}
        left = _SEARCHED
        for name in asked:
            meant[name] = (name,) if name in self._names else self._short.get(name, ())
            if not meant[name] and left:
                left -= 1
                meant[name] = tuple(self._holding(name))
        return meant

    def _holding(self, part: str) -> Iterator[str]:
        """Every node whose name has that part: one search in all names joined, for ten thousand nodes are many."""
        at = self._joined.find(part)
        while at >= 0:
            begin, end = self._joined.rfind("\n", 0, at) + 1, self._joined.find("\n", at)
            yield self._joined[begin:end]
            at = self._joined.find(part, end)


def _unfolded(texts: Sequence[str], groups: Mapping[str, str]) -> tuple[Mapping[str, _Expression], list[str]]:
    """Each text's operands, and what is wrong with ranges. The names are counted before doubles are merged: it is the
    unfolding that takes long, and a request can hold many ranges."""
    expressions: dict[str, _Expression] = {}
    faults: list[str] = []
    count = 0
    for text in dict.fromkeys(texts):
        try:
            expression = [(operator, _named(operand, groups)) for operator, operand in operands(text)]
        except InvalidNodes as error:
            faults.append(str(error))
            continue
        count += sum(len(names) for _, names in expression)
        if count > LARGEST:
            return {}, [*faults, f"the node list names more than {LARGEST} nodes"]
        expressions[text] = expression
    return expressions, faults


def _named(operand: str, groups: Mapping[str, str]) -> NodeSet:
    return NodeSet.of_groups(operand, groups) if GROUP in operand else NodeSet.parse(operand)


def _every_name(expressions: Iterable[_Expression]) -> NodeSet:
    return NodeSet(name for expression in expressions for _, nodes in expression for name in nodes.names)


def _worked_out(expression: _Expression, meant: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Worked out on nodes' own names: what is written short in one operand is the same node in another."""
    found: frozenset[str] = frozenset()
    for operator, nodes in expression:
        found = OPERATORS[operator](found, frozenset(name for asked in nodes.names for name in meant[asked][:1]))
    return found


def _shortened(nodes: NodeSet) -> str:
    # Names that nobody has checked can differ in many numbers: to fold a few thousand of these takes half a minute.
    text = str(nodes if len(nodes) <= _FOLDED else NodeSet(islice(nodes, _FOLDED)))
    return text if len(text) <= 300 and len(nodes) <= _FOLDED else f"{text[:300]}… ({len(nodes)} nodes)"
