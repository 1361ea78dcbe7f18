"""What is wrong with a launch, all at once: what this machine can see, and what the server says of the rest.

Who has mistyped a timeout hears at the same time that a node is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

from kadeploy.cli.client import Client
from kadeploy.cli.every_server import clients, owners
from kadeploy.cli.given import Given
from kadeploy.cli.launch import Launch, ask
from kadeploy.cli.refused import Refused
from kadeploy.cli.targets import Targets
from kadeploy.cli.tool import connected
from kadeploy.errors import Faults, InvalidNodes, KadeployError

MakeLaunch = Callable[[Client, Targets], Launch]


def check(given: Given, targets: Targets, make: MakeLaunch) -> None:
    """Raises Faults if there are any here. The server is asked then only, and launches nothing; with -M each of them
    is, of its own nodes. Where no nodes were named at all nobody is."""
    if given.faults and (given.texts("machines") or given.texts("files")):
        with suppress(KadeployError, Faults):  # nobody may be there; what is wrong here is told all the same
            said = _everywhere if given.flag("multi_server") else _at_one
            given.faults += said(given, targets, make)
    given.check()


def _at_one(given: Given, targets: Targets, make: MakeLaunch) -> list[str]:
    with connected(given) as client:
        return [*_said(client, targets, make)]


def _everywhere(given: Given, targets: Targets, make: MakeLaunch) -> list[str]:
    with ExitStack() as stack:
        those = clients(given, stack)
        try:
            parts = owners(those, targets)
        except InvalidNodes as error:
            return [str(error)]
        return [
            f"[{one.server.name}] {fault}"
            for one in those
            if one.server.name in parts
            for fault in _said(one, Targets(nodes=parts[one.server.name]), make)
        ]


def _said(client: Client, targets: Targets, make: MakeLaunch) -> Iterator[str]:
    launch = make(client, targets)
    if launch.error is not None:
        yield from launch.error.faults
    try:
        ask(client, launch)
    except Refused as error:
        yield from error.faults
