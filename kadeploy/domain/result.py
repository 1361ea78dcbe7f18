"""`Result`: what became of each node in a step. A node's failure is a reason here, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kadeploy.domain.nodeset import NodeSet

NO_ANSWER = "no answer"
REASON_LIMIT = 2000  # characters kept of one node's reason: its end


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Nodes that passed, a reason for each that failed, and what nodes said (`outputs`)."""

    ok: NodeSet = field(default_factory=NodeSet)
    ko: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def failed(cls, nodes: NodeSet, reason: str) -> Result:
        return cls(ko=dict.fromkeys(nodes, reason[-REASON_LIMIT:]))

    @classmethod
    def merge(cls, *results: Result) -> Result:
        """Join results over disjoint or overlapping sets; a node that failed anywhere failed."""
        ok = NodeSet().names
        ko: dict[str, str] = {}
        outputs: dict[str, str] = {}
        for result in results:
            ok |= result.ok.names
            ko.update(result.ko)
            outputs.update(result.outputs)
        return cls(ok=NodeSet(ok - ko.keys()), ko=ko, outputs=outputs)

    def settle(self, nodes: NodeSet) -> Result:
        """Exactly these nodes: one in neither set failed with *no answer*, one in both failed."""
        ko = {name: self.ko[name][-REASON_LIMIT:] for name in nodes if name in self.ko}
        ok = NodeSet((self.ok.names & nodes.names) - ko.keys())
        ko.update(dict.fromkeys(nodes.names - ok.names - ko.keys(), NO_ANSWER))
        return Result(ok=ok, ko=ko, outputs=self.outputs)

    def to_json(self) -> dict[str, object]:
        return {"ok": list(self.ok), "ko": dict(self.ko), "outputs": dict(self.outputs)}
