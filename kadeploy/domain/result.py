"""`Result`: what became of each node in a step. A node's failure is a reason here, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.plain_text import plain

NO_ANSWER = "no answer"
KEPT_BYTES = 4096  # of what one node said, or of why it failed


def capped(text: str) -> str:
    """The end of a text that is too long, which is where a failing command says why; nothing that terminals obey."""
    text = plain(text)
    content = text.encode()
    if len(content) <= KEPT_BYTES:
        return text
    return "… " + content[4 - KEPT_BYTES :].decode(errors="ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Nodes that passed, a reason for each that failed, and what nodes said (`outputs`)."""

    ok: NodeSet = field(default_factory=NodeSet)
    ko: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def failed(cls, nodes: NodeSet, reason: str) -> Result:
        return cls(ko=dict.fromkeys(nodes, capped(reason)))

    @classmethod
    def merge(cls, *results: Result) -> Result:
        """Join results over disjoint or overlapping sets; a node that failed anywhere failed."""
        ok: set[str] = set()
        ko: dict[str, str] = {}
        outputs: dict[str, str] = {}
        for result in results:
            ok.update(result.ok.names)
            ko.update(result.ko)
            outputs.update(result.outputs)
        return cls(ok=NodeSet(ok - ko.keys()), ko=ko, outputs=outputs)

    @classmethod
    def in_turn(cls, *results: Result) -> Result:
        """Join the results of one thing after the other: who passed the last one passed."""
        joined = cls.merge(*results)
        return cls(ok=results[-1].ok if results else NodeSet(), ko=joined.ko, outputs=joined.outputs)

    def settle(self, nodes: NodeSet) -> Result:
        """Exactly these nodes: one in neither set failed with *no answer*, one in both failed."""
        ko = {name: capped(self.ko[name]) for name in nodes if name in self.ko}
        ok = NodeSet((self.ok.names & nodes.names) - ko.keys())
        ko.update(dict.fromkeys(nodes.names - ok.names - ko.keys(), NO_ANSWER))
        outputs = {name: capped(text) for name, text in self.outputs.items() if name in nodes}
        return Result(ok=ok, ko=ko, outputs=outputs)

    def without(self, nodes: NodeSet) -> Result:
        """As if these nodes had not been there."""
        return Result(
            ok=self.ok - nodes,
            ko={name: reason for name, reason in self.ko.items() if name not in nodes},
            outputs={name: text for name, text in self.outputs.items() if name not in nodes},
        )

    def to_json(self) -> dict[str, object]:
        return {"ok": list(self.ok), "ko": dict(self.ko), "outputs": dict(self.outputs)}
