"""`Launch`: the request that starts an operation, and sending it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from kadeploy.cli.client import AnswerLost, Client, Json, Query
from kadeploy.cli.given import Given
from kadeploy.cli.local_files import PROMISED, names_files, with_files_promised, with_files_sent
from kadeploy.cli.refused import Refused, both
from kadeploy.cli.targets import Targets
from kadeploy.domain.missing import NO_ENVIRONMENT, NO_NODES
from kadeploy.domain.state import OperationKind
from kadeploy.errors import Faults, NotFound, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """The request that starts an operation: with a body, or, as Kadeploy3 wants it of a power status, a query. What it
    names and was not found is refused by the server, and known here already. The error is why something of it could
    not be had, which it is without."""

    kind: OperationKind
    method: str = "POST"
    body: Json = field(default_factory=dict)
    query: Query | None = None
    is_found: bool = True
    error: Refused | Faults | None = None


def common_fields(given: Given, targets: Targets) -> dict[str, object]:
    """The fields every launch may have; only what was asked for is sent."""
    wanted: dict[str, object] = {
        name: True for name in ("force", "wait_nodes", "dry_run", "hook", "debug") if given.flag(name)
    }
    if given.said("force") and not given.said("wait_nodes"):
        wanted.pop("wait_nodes", None)  # which is for whenever nothing else is said
    if (place := given.text("breakpoint")) is not None:
        wanted["breakpoint"] = place
    if (level := given.text("level")) and level in ("1", "2", "3", "4", "5"):
        wanted["verbose_level"] = int(level)
    return {**wanted, "nodes": targets.listed}


def send(client: Client, launch: Launch) -> object:
    """The answer, when the files of this machine that it names were sent, which is not before the server finds nothing
    wrong with all else; what is strange in the request is told where errors go."""
    try:
        if launch.error or names_files(launch.body):
            _refuse(client, launch)
        return _sent(client, launch, with_files_sent(client, launch.body))
    except Refused as error:
        if launch.is_found:
            raise
        raise Refused(error.message, status=NotFound.status, code=None) from error


def _sent(client: Client, launch: Launch, body: Json) -> object:
    try:
        if launch.query is not None:
            return client.once("GET", f"/{launch.kind}", query=launch.query)
        answer = client.once(launch.method, f"/{launch.kind}/", body=body)
        for warning in cast(Sequence[str], answer.get("warnings", ())) if isinstance(answer, Mapping) else ():
            print(f"warning: {warning}", file=sys.stderr)
        return answer
    except AnswerLost as error:
        raise Unavailable(error.message, hint=_unknown(launch)) from error
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"interrupted before the server had answered; {_unknown(launch)}") from error


def ask(client: Client, launch: Launch) -> None:
    """Raises Refused with what the server finds wrong, which launches nothing. Of what is left out, and of files that
    are still to be sent, it knows nothing, and need not."""
    known = [PROMISED]
    known += [] if launch.body.get("nodes") else [NO_NODES]
    known += [] if "environment" in launch.body else [NO_ENVIRONMENT]
    try:
        if launch.query is not None:
            client.get(f"/{launch.kind}", {**launch.query, "dry_run": "true"})
        else:
            client.send(launch.method, f"/{launch.kind}/", {**with_files_promised(launch.body), "dry_run": True})
    except Refused as error:
        if left := error.without(known):
            raise left from error


def _refuse(client: Client, launch: Launch) -> None:
    """Raises all that is wrong, if anything is."""
    if launch.error is None:
        return ask(client, launch)
    try:
        ask(client, launch)
    except Refused as error:
        raise both(launch.error, error) from error
    except Unavailable:  # what is wrong here is told all the same
        pass
    raise launch.error


def _unknown(launch: Launch) -> str:
    letter = {"deployment": "d", "reboot": "r", "power": "p"}[launch.kind]
    return f"whether the operation was launched is not known: kanodes -{letter} shows it"
