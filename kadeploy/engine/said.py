"""What nodes said, as events: a thousand nodes often say the same, which is then kept once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kadeploy.domain.event import NodesSaid
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import capped
from kadeploy.engine.ticket import Ticket


def said_by(outputs: Mapping[str, str], ticket: Ticket, micro: str, at: float) -> Iterator[NodesSaid]:
    """One event for each text, capped; who said nothing is left out."""
    groups: dict[str, list[str]] = {}
    for node, text in outputs.items():
        if text.strip():
            groups.setdefault(capped(text.rstrip()), []).append(node)
    for text, nodes in groups.items():
        yield NodesSaid(
            operation=ticket.operation,
            at=at,
            cluster=ticket.cluster,
            set=ticket.set,
            micro=micro,
            nodes=str(NodeSet(nodes)),
            text=text,
        )
