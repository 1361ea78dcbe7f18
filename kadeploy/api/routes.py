"""Every path of the API, on one screen, and what each asks of who calls it.

Kadeploy3's, and beyond them `events`, `journal`, `board`, `tokens`, `whoami`, `audit`, `ca`, `uploads`, `cache`, and
what watches the server. `described/answers.py` tells what each answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kadeploy.api.audit import AuditParameters, AuditResource
from kadeploy.api.cache import CacheResource, CleanParameters
from kadeploy.api.call import Call, Handler
from kadeploy.api.console import ConsoleParameters, ConsoleResource, FilterParameters
from kadeploy.api.console_ports import ConsolePorts
from kadeploy.api.deployment import Deployment, DeployParameters
from kadeploy.api.environments import (
    AddParameters,
    CheckParameters,
    DeleteParameters,
    DescriptionParameters,
    EnvironmentsResource,
    FindParameters,
    ModifyParameters,
    MoveParameters,
)
from kadeploy.api.health import HealthResource
from kadeploy.api.launching import LaunchAnswer, LaunchParameters
from kadeploy.api.nodes import NodesParameters, NodesResource
from kadeploy.api.parameters import Parameters
from kadeploy.api.power import Powering, SwitchParameters
from kadeploy.api.reboot import Rebooting, RebootParameters
from kadeploy.api.reload import ReloadResource
from kadeploy.api.rights import RightsParameters, RightsResource, for_whom
from kadeploy.api.server import ServerResource, Settings
from kadeploy.api.statistics import StatisticsParameters, StatisticsResource
from kadeploy.api.tokens import CreateParameters, ListParameters, TokensResource, made_token
from kadeploy.api.uploads import UploadParameters, UploadsResource
from kadeploy.api.workflows import DeleteParameters as DeleteOperation
from kadeploy.api.workflows import JournalParameters, StreamParameters, WithdrawParameters, Workflows
from kadeploy.domain.access import Access
from kadeploy.domain.state import OperationKind
from kadeploy.operations.assemble import UseCases

OPEN, READ, OPERATE, OVERSEE, ADMINISTER = Access


@dataclass(frozen=True, slots=True)
class Route:
    """`body` describes the parameters in OpenAPI; with nodes named, `with_nodes` is asked for instead of `access`.

    The handler of a route that `streams` reads the body itself, however large; one that `asks` changes nothing,
    whatever its method. What is `keyed` may be sent twice with an Idempotency-Key, and is done once; launches and
    uploads see to that themselves. For the audit log, `tells` says what of a deed its path and nodes do not."""

    method: str
    path: str
    access: Access
    does: str
    handler: Handler
    body: type[Parameters] | None = None
    with_nodes: Access | None = None
    streams: bool = False
    asks: bool = False
    keyed: bool = False
    tells: Callable[[Call, object], str] | None = None

    def needs(self, parameters: Mapping[str, object]) -> Access:
        return self.with_nodes if self.with_nodes and "nodes" in parameters else self.access

    def changes(self, parameters: Mapping[str, object]) -> bool:
        """Whether a request is to be written down: it is to change something."""
        return (self.method != "GET" and not self.asks) or self.needs(parameters) is OPERATE

    def is_dry(self, parameters: Mapping[str, object]) -> bool:
        """Whether nothing is to be changed: the handler knows of dry runs, and this is one."""
        known = self.body is not None and "dry_run" in self.body.model_fields
        return known and parameters.get("dry_run") not in (None, False, "false")


def routes(use_cases: UseCases, settings: Settings, ports: ConsolePorts) -> tuple[Route, ...]:
    """Both `/x` and `/x/` are answered for each."""
    server = ServerResource(use_cases.info, settings)
    nodes = NodesResource(use_cases.nodes)
    tokens = TokensResource(use_cases.tokens)
    return (
        Route("GET", "/version", OPEN, "The server's version", server.version),
        Route("GET", "/auth_headers_prefix", OPEN, "How the User header begins", server.headers_prefix),
        Route("GET", "/info", OPEN, "What the server can do", server.info),
        Route("GET", "/clusters", OPEN, "The clusters' names", server.clusters),
        Route("GET", "/ca", OPEN, "The authority of the server's certificate", server.authority),
        Route("GET", "/whoami", READ, "Who the server takes you for", tokens.whoami),
        Route("GET", "/tokens", READ, "Your tokens", tokens.listed, ListParameters),
        Route("POST", "/tokens", READ, "Make a token", tokens.create, CreateParameters, keyed=True, tells=made_token),
        Route("DELETE", "/tokens/{id}", READ, "Revoke a token", tokens.revoke),
        Route("POST", "/reload", ADMINISTER, "Read the configuration again", ReloadResource(use_cases.reload).reload),
        Route("GET", "/audit", OVERSEE, "Who did what", AuditResource(use_cases.audit).show, AuditParameters),
        Route("GET", "/nodes", READ, "What was last made of nodes", nodes.show, NodesParameters),
        Route("GET", "/nodes/{node}", READ, "What was last made of a node", nodes.show),
        *_statistics_routes(StatisticsResource(use_cases.statistics)),
        *_environment_routes(_environments(use_cases)),
        *_file_routes(use_cases),
        *_rights_routes(RightsResource(use_cases.rights, use_cases.clock)),
        *_console_routes(use_cases, ports),
        *_launch_routes(use_cases),
        *_watch_routes(use_cases, settings),
    )


def _watch_routes(use_cases: UseCases, settings: Settings) -> tuple[Route, ...]:
    health = HealthResource(use_cases.readiness, use_cases.metrics)
    return (
        Route("GET", "/health", OPEN, "Whether the server is there", health.health),
        Route("GET", "/ready", OPEN, "Whether it can work", health.ready),
        Route("GET", "/metrics", settings.metrics_access, "Its numbers, for Prometheus", health.metrics),
    )


def _statistics_routes(statistics: StatisticsResource) -> tuple[Route, ...]:
    return (
        Route("GET", "/stats", READ, "Statistics of past operations", statistics.show, StatisticsParameters),
        Route("GET", "/stats/{operation}", READ, "Those of a kind", statistics.show, StatisticsParameters),
    )


def _environments(use_cases: UseCases) -> EnvironmentsResource:
    return EnvironmentsResource(
        use_cases.environments, use_cases.recording, use_cases.environment_changes, use_cases.description_files
    )


def _environment_routes(envs: EnvironmentsResource) -> tuple[Route, ...]:
    one, version = "/environments/{user}/{name}", "/environments/{user}/{name}/{version}"
    return (
        Route("GET", "/environments", READ, "Find environments", envs.search, FindParameters),
        Route("GET", "/environments/schema", OPEN, "The JSON Schema of a description", envs.schema),
        Route(
            "GET",
            "/environments/description",
            READ,
            "Read those in a file of the server",
            envs.described,
            DescriptionParameters,
        ),
        Route("POST", "/environments", OPERATE, "Record an environment", envs.add, AddParameters, keyed=True),
        Route("POST", "/environments/check", READ, "Check descriptions", envs.check, CheckParameters, asks=True),
        Route("PUT", "/environments", ADMINISTER, "Move files of environments", envs.move_files, MoveParameters),
        Route("PUT", one, OPERATE, "Change an environment", envs.modify, ModifyParameters),
        Route("PUT", version, OPERATE, "Change a version", envs.modify, ModifyParameters),
        Route("DELETE", one, OPERATE, "Delete an environment", envs.delete, DeleteParameters),
        Route("DELETE", version, OPERATE, "Delete a version", envs.delete, DeleteParameters),
    )


def _file_routes(use_cases: UseCases) -> tuple[Route, ...]:
    uploads, cache, one = UploadsResource(use_cases.uploads), CacheResource(use_cases.contents), "/uploads/{id}"
    return (
        Route("GET", "/uploads", READ, "Your uploads, and what you may send", uploads.listed),
        Route("POST", "/uploads", OPERATE, "Announce a file, or go on with it", uploads.begin, UploadParameters),
        Route("GET", one, READ, "How much of it came", uploads.show),
        Route("PUT", one, OPERATE, "Send a part of it", uploads.append, streams=True),
        Route("DELETE", one, OPERATE, "Forget it", uploads.abandon),
        Route("GET", "/cache", OVERSEE, "The files kept, and who uses them", cache.show),
        Route("DELETE", "/cache", ADMINISTER, "Remove files that nobody uses", cache.clean, CleanParameters),
    )


def _rights_routes(rights: RightsResource) -> tuple[Route, ...]:
    of_user, on_node = "/rights/{user}", "/rights/{user}/{node}"
    return (
        Route("GET", "/rights", OVERSEE, "Everybody's rights", rights.show),
        Route(
            "POST", "/rights", ADMINISTER, "Grant rights", rights.grant, RightsParameters, keyed=True, tells=for_whom
        ),
        Route("GET", of_user, READ, "A user's rights", rights.show),
        Route("GET", on_node, READ, "A user's rights on a node", rights.show),
        Route("DELETE", of_user, ADMINISTER, "Revoke rights", rights.revoke, RightsParameters),
        Route("DELETE", on_node, ADMINISTER, "Revoke rights on a node", rights.revoke, RightsParameters),
    )


def _console_routes(use_cases: UseCases, ports: ConsolePorts) -> tuple[Route, ...]:
    """The stream of a console, a WebSocket, is beside this table."""
    consoles, one = ConsoleResource(use_cases.consoles, ports, use_cases.clock), "/console/{wid}"
    return (
        Route("POST", "/console", OPERATE, "Open a node's console", consoles.create, ConsoleParameters, keyed=True),
        Route("GET", "/console", READ, "List consoles", consoles.listed, FilterParameters),
        Route("GET", one, READ, "How it stands", consoles.show),
        Route("DELETE", one, OPERATE, "End it", consoles.delete),
        Route("GET", f"{one}/error", READ, "Why it has ended", consoles.error),
    )


def _launch_routes(use_cases: UseCases) -> tuple[Route, ...]:
    answer = LaunchAnswer(use_cases.logs, use_cases.repeats)
    kinds = {kind: Workflows(kind, use_cases) for kind in OperationKind}
    deployment, reboot = Deployment(use_cases.deploy, answer), Rebooting(use_cases.reboot, answer)
    power = Powering(use_cases.power, answer, kinds[OperationKind.POWER].listed)
    return (
        Route("POST", "/deployment", OPERATE, "Deploy", deployment.launch, DeployParameters),
        Route("POST", "/reboot", OPERATE, "Reboot", reboot.launch, RebootParameters),
        Route("PUT", "/power", OPERATE, "Switch on or off", power.switch, SwitchParameters),
        Route(
            "GET",
            "/power",
            READ,
            "Ask whether nodes are on; without nodes, list",
            power.ask_or_list,
            LaunchParameters,
            OPERATE,
        ),
        Route("GET", "/deployment", READ, "List deployments", kinds[OperationKind.DEPLOYMENT].listed),
        Route("GET", "/reboot", READ, "List reboots", kinds[OperationKind.REBOOT].listed),
        *(route for kind, workflows in kinds.items() for route in _operation_routes(f"/{kind}/{{wid}}", workflows)),
    )


def _operation_routes(path: str, workflows: Workflows) -> tuple[Route, ...]:
    return (
        Route("GET", path, READ, "How it stands", workflows.show),
        Route("DELETE", path, OPERATE, "Abort it; forget it when it has ended", workflows.delete, DeleteOperation),
        Route("DELETE", f"{path}/nodes", OPERATE, "Abort it on some nodes", workflows.withdraw, WithdrawParameters),
        Route("DELETE", f"{path}/nodes/{{node}}", OPERATE, "Abort it on a node", workflows.withdraw),
        Route("POST", f"{path}/resume", OPERATE, "Let nodes go on that are held", workflows.resume),
        Route("GET", f"{path}/logs", READ, "New log lines, once", workflows.logs),
        Route("GET", f"{path}/logs/{{cluster}}", READ, "New log lines of a cluster, once", workflows.logs),
        Route("GET", f"{path}/debugs", READ, "Traces of commands", workflows.debugs),
        Route("GET", f"{path}/debugs/{{node}}", READ, "Traces of a node's commands", workflows.debugs),
        Route("GET", f"{path}/state", READ, "Where each node is, and why it failed", workflows.state),
        Route("GET", f"{path}/status", READ, "Who is in which step", workflows.status),
        Route("GET", f"{path}/error", READ, "Why it failed as a whole", workflows.error),
        Route("GET", f"{path}/events", READ, "Its events, as they come", workflows.events, StreamParameters),
        Route("GET", f"{path}/journal", READ, "Its events, by pages", workflows.journal, JournalParameters),
        Route(
            "GET", f"{path}/expected", READ, "How long it should take, by what is known of the past", workflows.expected
        ),
        Route("GET", f"{path}/board", READ, "The live picture, with timings", workflows.board),
    )
