"""`localops` of a cluster's file: how images are sent there, as far as it is not as everywhere else."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator

from kadeploy.config.broadcast import TreeReaders
from kadeploy.config.decode import Section
from kadeploy.config.hooks import Command

ENVFILE: Final = "ENVFILE"


def _names_the_image(value: tuple[str, ...]) -> tuple[str, ...]:
    if value and not any(ENVFILE in word for word in value):
        raise ValueError(f"must hold {ENVFILE}, which stands for the image's file")
    return value


class BroadcastEnv(Section):
    """`cmd` is run once on this server, for BroadcastEnv's instance Custom. In it ENVFILE stands for the image,
    NODEFILE for a file with the nodes' addresses, DESTINATION for where it goes on the nodes, DECOMPRESS for the
    command that unpacks it, or cat with `decompress: false`. `tree_readers`: for the instance Tree, in place of what
    server.conf has for all clusters."""

    cmd: Annotated[Command, AfterValidator(_names_the_image)] = ()
    decompress: bool = True
    tree_readers: TreeReaders | None = None


class LocalOps(Section):
    broadcastenv: BroadcastEnv = BroadcastEnv()
