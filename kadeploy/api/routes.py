"""Every path of the API, on one screen: Kadeploy3's, and beyond it `events` and `board`."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.api.call import Handler
from kadeploy.api.deployment import Deployment, DeployParameters
from kadeploy.api.environments import AddParameters, DeleteParameters, EnvironmentsResource, ModifyParameters
from kadeploy.api.launching import LaunchAnswer
from kadeploy.api.nodes import NodesResource
from kadeploy.api.parameters import Parameters
from kadeploy.api.power import Powering, SwitchParameters
from kadeploy.api.reboot import Rebooting, RebootParameters
from kadeploy.api.rights import RightsParameters, RightsResource
from kadeploy.api.server import ServerResource, Settings
from kadeploy.api.workflows import Workflows
from kadeploy.domain.state import OperationKind
from kadeploy.operations.assemble import UseCases


@dataclass(frozen=True, slots=True)
class Route:
    """`body` describes the parameters in OpenAPI; `is_open`: asked without authentication."""

    method: str
    path: str
    does: str
    handler: Handler
    body: type[Parameters] | None = None
    is_open: bool = False


def routes(use_cases: UseCases, settings: Settings) -> tuple[Route, ...]:
    """Both `/x` and `/x/` are answered for each."""
    server = ServerResource(use_cases.info, settings)
    nodes = NodesResource(use_cases.nodes)
    envs = EnvironmentsResource(use_cases.environments, use_cases.environment_changes)
    rights = RightsResource(use_cases.rights)
    answer = LaunchAnswer(use_cases.logs)
    kinds = {kind: Workflows(kind, use_cases) for kind in OperationKind}
    deployment, reboot = Deployment(use_cases.deploy, answer), Rebooting(use_cases.reboot, answer)
    power = Powering(use_cases.power, answer, kinds[OperationKind.POWER].listed)
    return (
        Route("GET", "/version", "The server's version", server.version, is_open=True),
        Route("GET", "/auth_headers_prefix", "How the User header begins", server.headers_prefix, is_open=True),
        Route("GET", "/info", "What the server can do", server.info, is_open=True),
        Route("GET", "/clusters", "The clusters' names", server.clusters, is_open=True),
        Route("GET", "/nodes", "What was last made of nodes", nodes.show),
        Route("GET", "/nodes/{node}", "What was last made of a node", nodes.show),
        Route("GET", "/environments", "Find environments", envs.search),
        Route("POST", "/environments", "Record an environment", envs.add, AddParameters),
        Route("PUT", "/environments", "Move the files of environments", envs.move_files),
        Route("PUT", "/environments/{user}/{name}", "Change an environment", envs.modify, ModifyParameters),
        Route("PUT", "/environments/{user}/{name}/{version}", "Change a version", envs.modify, ModifyParameters),
        Route("DELETE", "/environments/{user}/{name}", "Delete an environment", envs.delete, DeleteParameters),
        Route("DELETE", "/environments/{user}/{name}/{version}", "Delete a version", envs.delete, DeleteParameters),
        Route("GET", "/rights", "Everybody's rights", rights.show),
        Route("POST", "/rights", "Grant rights", rights.grant, RightsParameters),
        Route("GET", "/rights/{user}", "A user's rights", rights.show),
        Route("GET", "/rights/{user}/{node}", "A user's rights on a node", rights.show),
        Route("DELETE", "/rights/{user}", "Revoke rights", rights.revoke, RightsParameters),
        Route("DELETE", "/rights/{user}/{node}", "Revoke rights on a node", rights.revoke, RightsParameters),
        Route("POST", "/deployment", "Deploy", deployment.launch, DeployParameters),
        Route("POST", "/reboot", "Reboot", reboot.launch, RebootParameters),
        Route("PUT", "/power", "Switch on or off", power.switch, SwitchParameters),
        Route("GET", "/power", "Ask whether nodes are on; without nodes, list", power.ask_or_list),
        Route("GET", "/deployment", "List deployments", kinds[OperationKind.DEPLOYMENT].listed),
        Route("GET", "/reboot", "List reboots", kinds[OperationKind.REBOOT].listed),
        *(route for kind, workflows in kinds.items() for route in _operation_routes(f"/{kind}/{{wid}}", workflows)),
    )


def _operation_routes(path: str, workflows: Workflows) -> tuple[Route, ...]:
    return (
        Route("GET", path, "How it stands", workflows.show),
        Route("DELETE", path, "Abort it; forget it when it has ended", workflows.delete),
        Route("GET", f"{path}/logs", "New log lines, once", workflows.logs),
        Route("GET", f"{path}/logs/{{cluster}}", "New log lines of a cluster, once", workflows.logs),
        Route("GET", f"{path}/debugs", "Traces of commands", workflows.debugs),
        Route("GET", f"{path}/debugs/{{node}}", "Traces of a node's commands", workflows.debugs),
        Route("GET", f"{path}/state", "Where each node is, and why it failed", workflows.state),
        Route("GET", f"{path}/status", "Who is in which step", workflows.status),
        Route("GET", f"{path}/error", "Why it failed as a whole", workflows.error),
        Route("GET", f"{path}/events", "Its events, as they come", workflows.events),
        Route("GET", f"{path}/board", "The live picture, with timings", workflows.board),
    )
