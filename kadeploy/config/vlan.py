"""`network.vlan` of server.conf: the command that moves nodes between VLANs."""

from __future__ import annotations

from kadeploy.config.decode import Section
from kadeploy.config.hooks import Command


class VlanSection(Section):
    """In `set_cmd` NODES stands for `-m NODE` for each of them, VLAN_ID and USER for what they say; empty for none.
    `hostname_suffix`, with VLAN_ID in it, makes a node's name in a VLAN."""

    set_cmd: Command = ()
    hostname_suffix: str = ""
