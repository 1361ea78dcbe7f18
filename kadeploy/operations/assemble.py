"""The use cases, put together from ports: one place, so that a daemon and a test have the same ones."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.node import Site
from kadeploy.operations.boards import Boards
from kadeploy.operations.deploy import Deploy
from kadeploy.operations.environment_changes import EnvironmentChanges
from kadeploy.operations.environments import Environments
from kadeploy.operations.events import EventLog
from kadeploy.operations.info import Info
from kadeploy.operations.launch import Launcher
from kadeploy.operations.logs import Logs
from kadeploy.operations.nodes import Nodes
from kadeploy.operations.outcomes import NodeStates
from kadeploy.operations.permission import Permission
from kadeploy.operations.pins import PinRelease
from kadeploy.operations.power import Power
from kadeploy.operations.reboot import Reboot
from kadeploy.operations.rights import Rights
from kadeploy.operations.running import Running
from kadeploy.operations.selection import Selection
from kadeploy.ports import store
from kadeploy.ports.clock import Clock
from kadeploy.ports.engine import Engine
from kadeploy.ports.files import Files


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the use cases stand on. `events` is made first, since the engine reports to it."""

    site: Site
    operations: store.Operations
    journal: store.Journal
    nodes: store.Nodes
    environments: store.Environments
    rights: store.Rights
    files: Files
    engine: Engine
    events: EventLog
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the configuration decides. `listed_for` is in seconds."""

    administrators: frozenset[str]
    rights_enforced: bool = True
    listed_for: float = 360 * 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    deploy: Deploy
    reboot: Reboot
    power: Power
    running: Running
    boards: Boards
    logs: Logs
    events: EventLog
    nodes: Nodes
    environments: Environments
    environment_changes: EnvironmentChanges
    rights: Rights
    info: Info
    clock: Clock


def assemble(ports: Ports, policy: Policy) -> UseCases:
    """Also makes node states and pinned files follow the events; so call it once for an event log."""
    selection = Selection(ports.site)
    permission = Permission(ports.rights, enforced=policy.rights_enforced)
    states = NodeStates(ports.operations, ports.nodes)
    ports.events.listen(states)
    ports.events.listen(PinRelease(ports.files))
    boards, logs = Boards(ports.journal, ports.events), Logs(ports.journal)
    environments = Environments(environments=ports.environments, files=ports.files)
    launcher = Launcher(
        operations=ports.operations, states=states, engine=ports.engine, files=ports.files, clock=ports.clock
    )
    return UseCases(
        deploy=Deploy(
            site=ports.site,
            selection=selection,
            permission=permission,
            environments=environments,
            files=ports.files,
            launcher=launcher,
        ),
        reboot=Reboot(
            site=ports.site, selection=selection, permission=permission, files=ports.files, launcher=launcher
        ),
        power=Power(site=ports.site, selection=selection, permission=permission, launcher=launcher),
        running=Running(
            operations=ports.operations,
            engine=ports.engine,
            boards=boards,
            logs=logs,
            clock=ports.clock,
            listed_for=policy.listed_for,
        ),
        boards=boards,
        logs=logs,
        events=ports.events,
        nodes=Nodes(selection=selection, nodes=ports.nodes),
        environments=environments,
        environment_changes=EnvironmentChanges(environments=ports.environments, recording=environments),
        rights=Rights(
            rights=ports.rights,
            selection=selection,
            permission=permission,
            operations=ports.operations,
            engine=ports.engine,
            administrators=policy.administrators,
        ),
        info=Info(ports.site),
        clock=ports.clock,
    )
