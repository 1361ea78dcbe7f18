"""`NodeSet`: an immutable set of node names that parses from and folds to the field's range syntax.

The syntax is ClusterShell's (several brackets, steps, padding), which contains Kadeploy3's. ClusterShell
is used to parse and fold only: in between a node set is a frozenset, so that splitting ten thousand
nodes costs what set algebra costs. Iteration is in natural order (node-2 before node-10).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from ClusterShell.NodeSet import NodeSet as Folded
from ClusterShell.NodeSet import NodeSetException
from ClusterShell.NodeUtils import (
    GroupResolver,
    GroupResolverError,
    GroupSource,
    GroupSourceError,
    GroupSourceQueryFailed,
)

from kadeploy.domain.missing import NO_NODES
from kadeploy.errors import InvalidNodes

_DIGITS: Final = re.compile(r"(\d+)")
_BRACKETS: Final = re.compile(r"\[([^\]]*)\]")
_PIECE: Final = re.compile(r"(?:\[[^\]]*\]?|[^,\[])+")
_RANGE: Final = re.compile(r"(\d{1,18})-(\d{1,18})")
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_PLAIN: Final = r"[1-9]\d{0,8}"  # no zeros before it, which are part of a name
_AFTER: Final = r"((?:[A-Za-z._-][A-Za-z0-9._-]*)?)"
_ONE_NUMBER: Final = re.compile(rf"([A-Za-z][A-Za-z._-]*)({_PLAIN}){_AFTER}\Z")
_ONE_RANGE: Final = re.compile(
    rf"([A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z._-])?)\[({_PLAIN}(?:-{_PLAIN})?(?:,{_PLAIN}(?:-{_PLAIN})?)*)\]{_AFTER}(?<=[A-Za-z0-9\]])\Z"
)
_WILD: Final = re.compile(r"[*?]")
_OPERAND: Final = re.compile(r"(?:\[[^\]]*\]?|[^,!&^\[])+")
OPERATORS: Final[Mapping[str, Callable[[frozenset[str], frozenset[str]], frozenset[str]]]] = {
    ",": frozenset.union,
    "!": frozenset.difference,
    "&": frozenset.intersection,
    "^": frozenset.symmetric_difference,
}
"""What is between two operands; an expression is read from left to right."""
LARGEST: Final = 100_000  # names in one expression: a slip such as node-[1-99999999] must not fill the memory


@lru_cache(maxsize=50_000)
def natural_key(name: str) -> tuple[object, ...]:
    """Sort key that orders numbers inside names by value."""
    parts = _DIGITS.split(name)
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts))


class _Groups(GroupSource):  # type: ignore[misc]
    """A group that there is none of is a fault: ClusterShell takes it for an empty one."""

    def resolv_map(self, group: str) -> str:
        if group not in self.groups:
            raise GroupSourceQueryFailed(f"there is no group @{group}", self)
        return str(self.groups[group])


class NodeSet:
    """An immutable, hashable set of node names."""

    __slots__ = ("_folded", "_in_order", "_names")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = names if isinstance(names, frozenset) else frozenset(names)
        self._folded: str | None = None  # folding ten thousand names takes a tenth of a second
        self._in_order: tuple[str, ...] | None = None  # and ordering them a hundredth

    @classmethod
    def parse(cls, *texts: str) -> NodeSet:
        """Unfold range expressions; raises InvalidNodes with the faulty text."""
        names: set[str] = set()
        for text in texts:
            names.update(_unfold(text))
        return cls(names)

    @classmethod
    def of_groups(cls, text: str, groups: Mapping[str, str]) -> NodeSet:
        """Unfold an expression that may have groups in it, as @rack1 or @rack[1-3]!node-7; raises InvalidNodes."""
        if (count := _count(text)) > LARGEST:
            raise InvalidNodes(f"{text!r} names {count} groups or nodes, more than {LARGEST}")
        resolver = GroupResolver(_Groups("site", groups=dict(groups)))
        hint = f"the groups are {', '.join(sorted(groups)[:20])}" if groups else "there are no groups here"
        try:
            names = list(Folded(text, resolver=resolver))
        except (NodeSetException, GroupResolverError, GroupSourceError, ValueError) as error:
            said = str(error).partition(': "')[0]  # it ends with the text, or the part of it, again
            raise InvalidNodes(f"{text!r} is not a node range: {said}", hint=hint) from error
        if not names:
            raise InvalidNodes(f"{text!r} names no node", hint=hint)
        if strange := next((name for name in names if not _NAME.match(name)), None):
            raise InvalidNodes(f"{strange!r} is not a node name")
        return cls(names)

    @property
    def names(self) -> frozenset[str]:
        return self._names

    def first(self) -> str:
        """The first name in natural order; raises ValueError on an empty set."""
        return min(self._names, key=natural_key)

    def __str__(self) -> str:
        if self._folded is None:
            self._folded = _fold(self._names)
        return self._folded

    def __repr__(self) -> str:
        return f"NodeSet({str(self)!r})"

    def __iter__(self) -> Iterator[str]:
        if self._in_order is None:
            self._in_order = tuple(sorted(self._names, key=natural_key))
        return iter(self._in_order)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeSet) and self._names == other._names

    def __hash__(self) -> int:
        return hash(self._names)

    def __or__(self, other: NodeSet) -> NodeSet:
        return NodeSet(self._names | other._names)

    def __and__(self, other: NodeSet) -> NodeSet:
        return NodeSet(self._names & other._names)

    def __sub__(self, other: NodeSet) -> NodeSet:
        return NodeSet(self._names - other._names)

    def __le__(self, other: NodeSet) -> bool:
        return self._names <= other._names


def operands(text: str) -> Sequence[tuple[str, str]]:
    """Each operand with the operator before it, the first with a comma; raises InvalidNodes where one is missing.

    An expression without operators but commas is one operand.
    """
    if not set(_BRACKETS.sub("", text)) & {"!", "&", "^"}:
        return ((",", text),)
    found, operator, rest = [], ",", text.strip()
    while True:
        operand = _OPERAND.match(rest)
        if operand is None or not operand.group().strip():
            raise InvalidNodes(f"{text!r} is not a node range: a node or group is missing beside an operator")
        found.append((operator, operand.group().strip()))
        rest = rest[operand.end() :]
        if not rest:
            return found
        operator, rest = rest[0], rest[1:]


def _fold(names: frozenset[str]) -> str:
    """As ClusterShell does; names that differ in their first number only, as most sets' do, are folded here, in a
    tenth of the time."""
    around: set[tuple[str, str]] = set()
    numbers: list[int] = []
    for name in names:
        found = _ONE_NUMBER.match(name)
        if found is None:
            break
        around.add((found.group(1), found.group(3)))
        numbers.append(int(found.group(2)))
    if len(numbers) != len(names) or len(around) != 1:
        return str(Folded.fromlist(sorted(names), resolver=False)) if names else ""
    before, after = around.pop()
    ranges = ",".join(_ranges(sorted(numbers)))
    return f"{before}{ranges}{after}" if len(numbers) == 1 else f"{before}[{ranges}]{after}"


def _ranges(numbers: list[int]) -> Iterator[str]:
    """`1-3`, `5`, of numbers in their order."""
    first = last = numbers[0]
    for number in [*numbers[1:], -1]:
        if number == last + 1:
            last = number
            continue
        yield str(first) if first == last else f"{first}-{last}"
        first = last = number


def _unfold_plainly(text: str) -> list[str] | None:
    """The names of the one plain range that most expressions are; None when it is anything else."""
    found = _ONE_RANGE.match(text)
    if found is None:
        return None
    names: list[str] = []
    for piece in found.group(2).split(","):
        low, _, high = piece.partition("-")
        if high and int(high) < int(low):
            return None
        names += [f"{found.group(1)}{number}{found.group(3)}" for number in range(int(low), int(high or low) + 1)]
    return names


def _unfold(text: str) -> Iterable[str]:
    stripped = text.strip()
    if not stripped:
        raise InvalidNodes(NO_NODES, hint="name at least one node, as in node-[1-3]")
    if "@" in stripped:
        raise InvalidNodes(f"{stripped!r} is not a node range", hint="groups (@name) are not known here")
    if wild := _WILD.search(stripped):  # ClusterShell would ask the groups that this machine has for all of its nodes
        raise InvalidNodes(f"{stripped!r} is not a node range", hint=f"{wild.group()} stands for nothing here")
    if (count := _count(stripped)) > LARGEST:
        raise InvalidNodes(f"the range {stripped!r} names {count} nodes, more than {LARGEST}")
    if (plain := _unfold_plainly(stripped)) is not None:
        return plain
    try:
        folded = Folded(stripped, resolver=False)
    except (NodeSetException, ValueError) as error:  # a range such as [0-1-] is the latter
        raise InvalidNodes(f"{stripped!r} is not a node range: {error}") from error
    if not folded:
        raise InvalidNodes(f"the range {stripped!r} names no node")
    names = list(folded)
    for name in names:
        if not _NAME.match(name):
            raise InvalidNodes(f"{name!r} is not a node name")
    return names


def _count(text: str) -> int:
    """How many names the expression can unfold to at most, without unfolding it."""
    return sum(_count_name(piece.group()) for piece in _PIECE.finditer(text))


def _count_name(name: str) -> int:
    count = 1
    for group in _BRACKETS.findall(name):
        ranges = [(int(low), int(high)) for low, high in _RANGE.findall(group)]
        count *= max(1, group.count(",") + 1 - len(ranges) + sum(high - low + 1 for low, high in ranges if high >= low))
    return count
