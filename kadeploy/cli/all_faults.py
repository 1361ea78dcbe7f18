"""What is wrong with a launch, all at once: what this machine can see, and what the server says of the rest.

Who has mistyped a timeout hears at the same time that a node is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kadeploy.cli.client import Client
from kadeploy.cli.given import Given
from kadeploy.cli.launch import Launch
from kadeploy.cli.local_files import names_files
from kadeploy.cli.refused import Refused, explained
from kadeploy.cli.targets import Targets
from kadeploy.cli.tool import connected
from kadeploy.errors import Faults, KadeployError


def check(given: Given, targets: Targets, make: Callable[[Client, Targets], Launch]) -> None:
    """Raises Faults if there are any here. The server is asked then only, and launches nothing; what it cannot judge,
    for the nodes or the environment are not known or their files would have to be sent first, it is not asked."""
    if given.faults and targets and not given.flag("multi_server"):
        given.faults += _said(given, targets, make)
    given.check()


def _said(given: Given, targets: Targets, make: Callable[[Client, Targets], Launch]) -> Sequence[str]:
    try:
        with connected(given) as client:
            launch = make(client, targets)
            if launch.query is not None:
                client.get(f"/{launch.kind}", {**launch.query, "dry_run": "true"})
            elif not names_files(launch.body):
                client.send(launch.method, f"/{launch.kind}/", {**launch.body, "dry_run": True})
    except Refused as error:
        first, *rest = error.message.split("\n")
        return [line.strip() for line in rest if line.strip()] if first.endswith("faults:") else [explained(error)]
    except (KadeployError, Faults):  # it may not be there; what is wrong here is told all the same
        pass
    return ()
