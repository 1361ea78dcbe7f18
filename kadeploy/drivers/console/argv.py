"""With which command a node's console is reached: the administrators' own, else what its BMC offers."""

from __future__ import annotations

from kadeploy.domain.node import Bmc, BmcKind, Node
from kadeploy.drivers.ipmitool import words_to


def way_to(node: Node) -> tuple[str, ...]:
    """Argv; empty when there is no way.

    Node names, the only part of a line that is not the administrators' own, mean nothing to a shell.
    """
    if node.console is not None:
        return ("/bin/sh", "-c", node.console.for_node(node.name))
    if node.bmc is not None and node.bmc.driver is BmcKind.IPMI:
        return sol(node.bmc, "activate")
    return ()


def sol(bmc: Bmc, verb: str) -> tuple[str, ...]:
    """Serial over LAN. Its own escape character is one that nobody types: `~` behind a newline is for the node."""
    return ("ipmitool", *words_to(bmc), "-e", "\x1d", "sol", verb)
