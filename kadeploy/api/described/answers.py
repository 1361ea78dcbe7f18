"""What each path answers with 200. A path that is missing here is found by a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kadeploy.api.described import views


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """`model` is None for text; `media` are the content types that it may have."""

    says: str
    model: Any = None
    media: tuple[str, ...] = ("application/json", "application/x-yaml")
    streams: bool = False


def text(says: str, *media: str) -> Described:
    return Described(says=says, media=media or ("text/plain",))


def data(says: str, model: Any) -> Described:
    return Described(says=says, model=model)


_LAUNCHED: Final = data("What was begun, or with `dry_run` what would have been.", views.Launched | views.Planned)
_OPERATION: Final = data(
    "The short form is for who neither owns nor oversees it.", views.OperationLong | views.OperationShort
)
_OPERATIONS: Final = data("Newest last.", list[views.OperationLong | views.OperationShort])
_ENVIRONMENTS: Final = data("The descriptions.", list[views.EnvironmentView])
_ONE_OR_MORE: Final = data("The descriptions as they are now.", views.EnvironmentView | list[views.EnvironmentView])
_RIGHTS: Final = data("`{user: {node or *: [partitions or *]}}`; with `detailed` a list.", Any)
_LINES: Final = text("Lines `SECONDS.FRACTION|text`, each told once.")
_STATISTICS: Final = Described(
    says="Rows as CSV, or by `format` and `kind` as JSON or YAML.",
    model=Any,
    media=("text/csv", "application/json", "application/x-yaml"),
)
_DONE: Final = data("Of which operation or console.", views.Done)
_BY_KIND: Final = {"deployment": "POST", "reboot": "POST", "power": "PUT"}

_SERVER: Final[Mapping[tuple[str, str], Described]] = {
    ("GET", "/version"): text("The version."),
    ("GET", "/auth_headers_prefix"): text("`X-Kadeploy-` unless the site has another."),
    ("GET", "/info"): data("Automata, file systems and variables by cluster.", views.Info),
    ("GET", "/clusters"): data("The names.", list[str]),
    ("GET", "/ca"): text("A certificate in PEM."),
    ("GET", "/whoami"): data("Name, role, scope and groups.", views.WhoAmI),
    ("GET", "/tokens"): data("Without the tokens themselves.", list[views.Token]),
    ("POST", "/tokens"): data("The only answer with the token itself.", views.Token),
    ("DELETE", "/tokens/{id}"): data("The token that is no more.", views.Token),
    ("GET", "/audit"): data("Oldest first.", list[views.AuditEntry]),
    ("GET", "/nodes"): data(
        "With `list` the names, with `groups` what each group stands for, else each node's state by name; null for "
        "one never touched.",
        list[str] | dict[str, views.NodeState | str | None],
    ),
    ("GET", "/nodes/{node}"): data("As for all.", list[str] | dict[str, views.NodeState | None]),
    ("GET", "/health"): data("The server is there.", views.Health),
    ("GET", "/ready"): data("Every part is ready.", views.Readiness),
    ("GET", "/metrics"): text("Prometheus' text format 0.0.4."),
    ("GET", "/openapi.json"): Described(says="This document.", model=dict[str, Any], media=("application/json",)),
    ("GET", "/docs"): text("This document as a page.", "text/html"),
    ("GET", "/stats"): _STATISTICS,
    ("GET", "/stats/{operation}"): _STATISTICS,
}
_RECORDS: Final[Mapping[tuple[str, str], Described]] = {
    ("GET", "/environments"): _ENVIRONMENTS,
    ("GET", "/environments/schema"): data("A JSON Schema.", dict[str, Any]),
    ("GET", "/environments/description"): data(
        "The descriptions as they are written, not yet checked.", list[dict[str, Any]]
    ),
    ("POST", "/environments"): data("The description as it is recorded.", views.EnvironmentView),
    ("POST", "/environments/check"): data("What is wrong with each.", Any),
    ("PUT", "/environments"): _ENVIRONMENTS,
    ("PUT", "/environments/{user}/{name}"): _ONE_OR_MORE,
    ("PUT", "/environments/{user}/{name}/{version}"): _ONE_OR_MORE,
    ("DELETE", "/environments/{user}/{name}"): _ENVIRONMENTS,
    ("DELETE", "/environments/{user}/{name}/{version}"): _ENVIRONMENTS,
    ("GET", "/rights"): _RIGHTS,
    ("POST", "/rights"): _RIGHTS,
    ("GET", "/rights/{user}"): _RIGHTS,
    ("GET", "/rights/{user}/{node}"): _RIGHTS,
    ("DELETE", "/rights/{user}"): _RIGHTS,
    ("DELETE", "/rights/{user}/{node}"): _RIGHTS,
    ("GET", "/uploads"): data("Yours, and how much there may be.", views.Uploads),
    ("POST", "/uploads"): data("Where to send it, and how much of it is there.", views.UploadView),
    ("GET", "/uploads/{id}"): data("How much of it is there.", views.UploadView),
    ("PUT", "/uploads/{id}"): data("How much of it is there now.", views.UploadView),
    ("DELETE", "/uploads/{id}"): data("Which one.", dict[str, str]),
    ("GET", "/cache"): data("The most recently used first.", views.CacheContents),
    ("DELETE", "/cache"): data("What was removed.", views.CacheContents),
    ("POST", "/reload"): data("What is different now.", views.ReloadedView),
    ("POST", "/console"): data("Where it can be reached.", views.ConsoleOpened),
    ("GET", "/console"): data("Those that are open.", list[views.ConsoleView]),
    ("GET", "/console/{wid}"): data("How it stands.", views.ConsoleView),
    ("DELETE", "/console/{wid}"): _DONE,
    ("GET", "/console/{wid}/error"): text("Nothing: a console that has failed is an application error here."),
}


def _of_operations(kind: str) -> Mapping[tuple[str, str], Described]:
    one = f"/{kind}/{{wid}}"
    return {
        (_BY_KIND[kind], f"/{kind}"): _LAUNCHED,
        ("GET", f"/{kind}"): _OPERATIONS,
        ("GET", one): _OPERATION,
        ("DELETE", one): _DONE,
        ("DELETE", f"{one}/nodes"): data("The nodes that it ended for.", views.DoneOnNodes),
        ("DELETE", f"{one}/nodes/{{node}}"): data("The nodes that it ended for.", views.DoneOnNodes),
        ("POST", f"{one}/resume"): data("The nodes that go on.", views.DoneOnNodes),
        ("GET", f"{one}/logs"): _LINES,
        ("GET", f"{one}/logs/{{cluster}}"): _LINES,
        ("GET", f"{one}/debugs"): _LINES,
        ("GET", f"{one}/debugs/{{node}}"): _LINES,
        ("GET", f"{one}/state"): data("Each node by name.", dict[str, views.NodeStanding]),
        ("GET", f"{one}/status"): data("`{cluster: {macro: {micro: {nodes: {OK, KO, **}, time}}}}`.", dict[str, Any]),
        ("GET", f"{one}/error"): text("Nothing: an operation that failed as a whole is an application error here."),
        ("GET", f"{one}/events"): Described(
            says="Server-sent events, each with its number as `id`; the stream ends with the operation.",
            media=("text/event-stream",),
            streams=True,
        ),
        ("GET", f"{one}/journal"): data("A page of its events.", views.JournalPage),
        ("GET", f"{one}/expected"): data(
            "By cluster what a dry run tells in `expected`, in seconds; null where there are no statistics.",
            dict[str, Any],
        ),
        ("GET", f"{one}/board"): data("The live picture.", views.Board),
    }


ANSWERS: Final[Mapping[tuple[str, str], Described]] = {
    **_SERVER,
    **_RECORDS,
    **_of_operations("deployment"),
    **_of_operations("reboot"),
    **_of_operations("power"),
    ("GET", "/power"): data(
        "Without `nodes` the list; with them an operation that asks each whether it is on.",
        list[views.OperationLong | views.OperationShort] | views.Launched | views.Planned,
    ),
}
