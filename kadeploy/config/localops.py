"""`localops` of a cluster's file: the administrators' own way to send an image."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator

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
    command that unpacks it, or cat with `decompress: false`."""

    cmd: Annotated[Command, AfterValidator(_names_the_image)] = ()
    decompress: bool = True


class LocalOps(Section):
    broadcastenv: BroadcastEnv = BroadcastEnv()
