"""With which command a node's console is reached: the administrators' own, else what its BMC offers."""

from __future__ import annotations

from kadeploy.domain.node import Bmc, BmcKind, Node


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
    """ipmitool(1), serial over LAN; the password is left to the environment (-E). Its own escape character is one that
    nobody types: `~` behind a newline is for the node."""
    where = ("-I", "lanplus", "-H", bmc.address, "-p", str(bmc.port), "-U", bmc.user, "-E")
    return ("ipmitool", *where, "-e", "\x1d", "sol", verb)
