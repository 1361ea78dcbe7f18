"""`Ticket`: where a node set is in its plan. It is all that a node set's durable workflow is started with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import cast

from kadeploy.domain.nodeset import NodeSet
from kadeploy.engine.plan import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """`set` names the node set inside its cluster: `0`, its children `0.1`, `0.2`…

    `began` is when it entered the current attempt and `entered` when it entered the current step, in seconds
    since the epoch; a node set that stays in a step while others go on keeps both, and `strength`, which is how many
    nodes entered the attempt together: what timeouts count. `excused` is how many seconds of the attempt are not
    counted, since the set had to wait for somebody. `children` counts the sets that have left this one. `asked` is what
    nodes that are late in this step know it by, from the set that they were in.
    """

    operation: str
    cluster: str
    set: str
    place: Place
    nodes: NodeSet
    began: float
    entered: float
    strength: int
    excused: float = 0.0
    children: int = 0
    asked: str = ""

    @property
    def workflow_id(self) -> str:
        """Unique and the same after a restart, so that a set is never started twice."""
        return f"{self.operation}/{self.cluster}/{self.set}"

    @property
    def key(self) -> str:
        """Names this visit of a step for ever."""
        return f"{self.workflow_id}/{self.place}"

    @property
    def known_as(self) -> str:
        """What nodes know this visit by: the same for those that are late in it."""
        return self.asked or self.key

    def moved(self, place: Place, nodes: NodeSet, *, at: float, born: int = 0) -> Ticket:
        """The same set, entering another step at that time, after `born` more sets have left it."""
        onward = replace(self, place=place, nodes=nodes, entered=at, children=self.children + born, asked="")
        if place.step or place.again:
            return onward
        return replace(onward, began=at, strength=len(nodes), excused=0.0)

    def waited(self, *, until: float) -> Ticket:
        """The same set, about to begin its step: the time since it came here does not count."""
        if self.place.step == 0 and self.place.again == 0:
            return replace(self, began=until, entered=until)
        return replace(self, entered=until, excused=self.excused + until - self.entered)

    def child(self, index: int, place: Place, nodes: NodeSet, *, at: float) -> Ticket:
        """A set that leaves this one; one that stays in the same step keeps the times."""
        named = replace(self, set=f"{self.set}.{index}", children=0)
        if place == self.place:
            return replace(named, nodes=nodes, asked=self.known_as)
        return named.moved(place, nodes, at=at)

    def to_json(self) -> dict[str, object]:
        return {**asdict(replace(self, nodes=NodeSet())), "nodes": str(self.nodes), "place": asdict(self.place)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Ticket:
        known = dict(data)
        known["nodes"] = NodeSet.parse(str(data["nodes"]))
        known["place"] = Place(**cast(Mapping[str, int], data["place"]))
        return cls(**known)  # type: ignore[arg-type]
