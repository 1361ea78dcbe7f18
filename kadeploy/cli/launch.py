"""`Launch`: the request that starts an operation, and sending it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from kadeploy.cli.client import AnswerLost, Client, Json, Query
from kadeploy.cli.given import Given
from kadeploy.cli.local_files import with_files_sent
from kadeploy.cli.refused import Refused
from kadeploy.cli.targets import Targets
from kadeploy.domain.state import OperationKind
from kadeploy.errors import NotFound, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """The request that starts an operation: with a body, or, as Kadeploy3 wants it of a power status, a query. What it
    names and was not found is refused by the server, and known here already."""

    kind: OperationKind
    method: str = "POST"
    body: Json = field(default_factory=dict)
    query: Query | None = None
    is_found: bool = True


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
    """The answer, when the files of this machine that it names were sent; what is strange in the request is told where
    errors go."""
    body = with_files_sent(client, launch.body)
    try:
        if launch.query is not None:
            return client.once("GET", f"/{launch.kind}", query=launch.query)
        answer = client.once(launch.method, f"/{launch.kind}/", body=body)
        for warning in cast(Sequence[str], answer.get("warnings", ())) if isinstance(answer, Mapping) else ():
            print(f"warning: {warning}", file=sys.stderr)
        return answer
    except Refused as error:
        if launch.is_found:
            raise
        raise Refused(error.message, status=NotFound.status, code=None) from error
    except AnswerLost as error:
        raise Unavailable(error.message, hint=_unknown(launch)) from error
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"interrupted before the server had answered; {_unknown(launch)}") from error


def _unknown(launch: Launch) -> str:
    letter = {"deployment": "d", "reboot": "r", "power": "p"}[launch.kind]
    return f"whether the operation was launched is not known: kanodes -{letter} shows it"
