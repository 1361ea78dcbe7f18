"""Machines of libvirt's test driver: they switch on and off in this process's memory, and nothing else."""

from __future__ import annotations

import libvirt

URI = "test:///default"  # shared by every connection of one process, while at least one is open
UUID = "0000000{index}-f6a4-8304-79aa-97f2502e193f"


def define(names: list[str]) -> libvirt.virConnect:
    connection = libvirt.open(URI)
    for index, name in enumerate(names):
        connection.defineXML(
            f"<domain type='test'><name>{name}</name><uuid>{UUID.format(index=index)}</uuid>"
            "<memory>1024</memory><os><type>hvm</type></os></domain>"
        )
    return connection
