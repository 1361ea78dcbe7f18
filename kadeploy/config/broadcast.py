"""`broadcast` of server.conf: how images are sent."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from kadeploy.config.decode import Section

MOST_READERS: Final = 64
TreeReaders = Annotated[int, Field(ge=2, le=MOST_READERS)]


class BroadcastSection(Section):
    """Links are in Mbit a second, rates in MB a second, 0 for not known or no limit; times in seconds."""

    server_link: Annotated[float, Field(ge=0)] = 0.0
    """What this server's own link carries, and `node_link` that of a node."""
    node_link: Annotated[float, Field(ge=0)] = 0.0
    server_rate: Annotated[float, Field(ge=0)] = 0.0
    """All broadcasts together send at most so much from this server, in equal shares."""
    node_rate: Annotated[float, Field(ge=0)] = 0.0
    """Each node passes on at most so much."""
    memory_share: Annotated[float, Field(gt=0, le=0.9)] = 0.5
    """Of a node's free memory, for what it has received and not yet written."""
    memory_least: Annotated[int, Field(ge=16)] = 256
    """MB that it takes in any case."""
    silence: Annotated[float, Field(ge=0.5, le=60)] = 2.0
    """One who says nothing for so long is dead."""
    standstill: Annotated[float, Field(ge=10)] = 600.0
    """A node that has neither received nor written anything for so long is given up, though its agent answers."""
    slow_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    """A node that makes the others slower by more than this share goes to the end of the chain; 0: none does."""

    tree_readers: TreeReaders = 2
    """With the instance Tree, so many nodes have the image from each one, and from this server, at once."""

    @property
    def chains(self) -> int:
        """How many the server can feed at once, each as fast as a node's link."""
        return max(1, int(self.server_link // self.node_link)) if self.node_link else 1
