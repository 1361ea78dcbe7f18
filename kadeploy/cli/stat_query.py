"""What `kastat` is asked for, as the query of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Final

from kadeploy.cli.client import Query
from kadeploy.cli.given import Given
from kadeploy.cli.moments import past_moment
from kadeploy.cli.operation import KINDS
from kadeploy.cli.targets import Targets, read_targets

OPERATIONS: Final = ("deploy", "reboot", "power")
TEXTS: Final = {"user": "user", "cluster": "cluster", "environment": "environment", "step": "step"}
_SPAN: Final = re.compile(r"(\d+(\.\d+)?|(\d+(\.\d+)?[smhdw])+)\Z")


def filters(given: Given) -> dict[str, str | list[str]]:
    """Which operations and nodes count; what is wrong becomes a fault."""
    query: dict[str, str | list[str]] = {field: text for name, field in TEXTS.items() if (text := given.text(name))}
    if given.texts("machines") or given.texts("files"):
        targets = given.tried(lambda: read_targets(given.texts("machines"), given.texts("files"))) or Targets()
        query["nodes"] = targets.folded
    if (wid := given.text("wid")) is not None:
        given.need(wid[:2] in KINDS, f"-w {wid}: an operation's id begins with {', '.join(KINDS)}")
        query["wid"] = wid
    for name, letters in (("date_min", "-x"), ("date_max", "-y")):
        if (text := given.text(name)) is not None:
            told = given.tried(partial(past_moment, text, letters, now=datetime.now().astimezone()))
            query[name] = format_datetime(told.astimezone(UTC), usegmt=True) if told else ""
    for name, word in (("min_time", "--min-time"), ("max_time", "--max-time")):
        if (text := given.text(name)) is not None:
            given.need(_SPAN.match(text), f"{word} {text}: must be as 90 or 1h30m")
            query[name] = text
    if given.flag("failed"):
        query["failed"] = "true"
    return {**query, **_retries(given)}


def rows_query(given: Given) -> Query:
    """The same, with which rows and fields are wanted."""
    query = {**filters(given), **_listed(given, "fields"), **_listed(given, "sort")}
    limit = given.number("limit", "--limit", least=0)
    return {**query, **({"limit": str(limit)} if limit is not None else {})}


def _retries(given: Given) -> Mapping[str, str | list[str]]:
    least = given.number("min_retries", "-r", least=0)
    steps = [part.strip() for part in (given.text("retry_steps") or "").split(",") if part.strip()]
    given.need(all(step in ("1", "2", "3") for step in steps), "-s: macro-steps are 1, 2 and 3, as in -s 1,3")
    given.need(not steps or given.text("min_retries") is not None, "-s goes with -r N")
    return {
        **({"min_retries": str(least)} if least is not None else {}),
        **({"step_retries": steps} if steps else {}),
    }


def _listed(given: Given, name: str) -> Mapping[str, list[str]]:
    parts = [part.strip() for part in (given.text(name) or "").split(",") if part.strip()]
    return {name: parts} if parts else {}
