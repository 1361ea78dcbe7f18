"""From the configuration to how images are broadcast; and to another configuration, while some are."""

from __future__ import annotations

from kadeploy.broadcast.allowance import Allowance
from kadeploy.broadcast.heads import Style
from kadeploy.broadcast.reception import Limits
from kadeploy.config.broadcast import BroadcastSection
from kadeploy.domain.node import Site

MEGABYTE = 1_000_000


def style_of(wanted: BroadcastSection, site: Site, before: Style | None = None) -> Style:
    """What the server may send in all is shared with the broadcasts that began in the style of `before`: they go on."""
    allowance = before.allowance if before else Allowance()
    allowance.rate = int(wanted.server_rate * MEGABYTE)
    limits = Limits(
        stall=wanted.silence,
        spool_share=wanted.memory_share,
        spool_least=wanted.memory_least * MEGABYTE,
        rate=int(wanted.node_rate * MEGABYTE),
        slow_share=wanted.slow_share,
    )
    return Style(
        racks={node.name: node.rack for node in site.nodes.values()},
        chains=wanted.chains,
        arity=wanted.tree_readers,
        limits=limits,
        allowance=allowance,
    )
