"""The use cases, put together from ports: one place, so that a daemon and a test have the same ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from kadeploy.domain.node import Site
from kadeploy.errors import InvalidWorkflow
from kadeploy.operations.audit import AuditTrail
from kadeploy.operations.boards import Boards
from kadeploy.operations.deploy import Deploy
from kadeploy.operations.environment_changes import EnvironmentChanges
from kadeploy.operations.environments import Environments
from kadeploy.operations.events import EventLog
from kadeploy.operations.hooks import EndHooks
from kadeploy.operations.info import Info
from kadeploy.operations.last_environments import LastEnvironments
from kadeploy.operations.launch import Launcher
from kadeploy.operations.logs import Logs
from kadeploy.operations.nodes import Nodes
from kadeploy.operations.outcomes import NodeStates
from kadeploy.operations.permission import Permission
from kadeploy.operations.pins import PinRelease
from kadeploy.operations.power import Power
from kadeploy.operations.reboot import Reboot
from kadeploy.operations.retention import Retention
from kadeploy.operations.rights import Rights
from kadeploy.operations.running import Running
from kadeploy.operations.selection import Selection
from kadeploy.operations.tokens import Lifetimes, Tokens
from kadeploy.operations.vlans import Vlans
from kadeploy.operations.waiting_room import WaitingRoom
from kadeploy.ports import store
from kadeploy.ports.clock import Clock
from kadeploy.ports.engine import Engine
from kadeploy.ports.files import Files
from kadeploy.ports.hooks import Hooks
from kadeploy.ports.vlan import Vlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the use cases stand on. `events` is made first, since the engine reports to it."""

    site: Site
    operations: store.Operations
    journal: store.Journal
    nodes: store.Nodes
    environments: store.Environments
    rights: store.Rights
    api_tokens: store.ApiTokens
    audit: store.Audit
    files: Files
    engine: Engine
    events: EventLog
    hooks: Hooks
    due_hooks: store.DueHooks
    clock: Clock
    vlan: Vlan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the configuration decides. `listed_for` and `kept_for` are in seconds."""

    administrators: frozenset[str]
    tokens: Lifetimes = field(default_factory=Lifetimes)
    rights_enforced: bool = True
    listed_for: float = 360 * 60.0
    kept_for: float = 30 * 86400.0
    hooks_always: bool = False


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
    tokens: Tokens
    audit: AuditTrail
    info: Info
    hooks: EndHooks
    node_states: NodeStates
    waiting_room: WaitingRoom
    retention: Retention
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What several use cases share."""

    selection: Selection
    permission: Permission
    states: NodeStates
    waiting_room: WaitingRoom
    hooks: EndHooks
    trail: AuditTrail
    environments: Environments
    vlans: Vlans
    launcher: Launcher


def assemble(ports: Ports, policy: Policy) -> UseCases:
    """Also makes node states, pinned files and the audit log follow the events; so call it once for an event log."""
    parts = _parts(ports, policy)
    for listener in (parts.states, parts.waiting_room, PinRelease(ports.files), parts.hooks, parts.trail.ended):
        ports.events.listen(listener)
    boards, logs = Boards(ports.journal, ports.events), Logs(ports.journal)
    return UseCases(
        deploy=_deploy(ports, parts),
        reboot=_reboot(ports, parts),
        power=Power(site=ports.site, selection=parts.selection, permission=parts.permission, launcher=parts.launcher),
        running=Running(
            selection=parts.selection,
            operations=ports.operations,
            engine=ports.engine,
            waiting_room=parts.waiting_room,
            boards=boards,
            logs=logs,
            clock=ports.clock,
            listed_for=policy.listed_for,
        ),
        boards=boards,
        logs=logs,
        events=ports.events,
        nodes=Nodes(selection=parts.selection, nodes=ports.nodes),
        environments=parts.environments,
        environment_changes=EnvironmentChanges(environments=ports.environments, recording=parts.environments),
        rights=_rights(ports, parts, policy),
        tokens=Tokens(ports.api_tokens, ports.clock, policy.tokens),
        audit=parts.trail,
        info=Info(ports.site),
        hooks=parts.hooks,
        node_states=parts.states,
        waiting_room=parts.waiting_room,
        retention=Retention(ports.operations, ports.engine, ports.clock, kept_for=policy.kept_for),
        clock=ports.clock,
    )


def _parts(ports: Ports, policy: Policy) -> _Parts:
    selection = Selection(ports.site)
    waiting_room = WaitingRoom(ports.operations, ports.engine)
    hooks = EndHooks(
        hooks=ports.hooks,
        due=ports.due_hooks,
        is_recorded=partial(_is_recorded, ports.operations),
        journal=ports.journal,
        events=ports.events,
        clock=ports.clock,
        always=policy.hooks_always,
    )
    return _Parts(
        selection=selection,
        permission=Permission(ports.rights, enforced=policy.rights_enforced),
        states=NodeStates(ports.operations, ports.nodes),
        waiting_room=waiting_room,
        hooks=hooks,
        trail=AuditTrail(audit=ports.audit, operations=ports.operations, selection=selection, clock=ports.clock),
        environments=Environments(environments=ports.environments, files=ports.files),
        vlans=Vlans(ports.vlan),
        launcher=Launcher(
            site=ports.site,
            operations=ports.operations,
            events=ports.events,
            waiting_room=waiting_room,
            engine=ports.engine,
            files=ports.files,
            hooks=hooks,
            clock=ports.clock,
        ),
    )


def _deploy(ports: Ports, parts: _Parts) -> Deploy:
    return Deploy(
        site=ports.site,
        selection=parts.selection,
        permission=parts.permission,
        environments=parts.environments,
        files=ports.files,
        vlans=parts.vlans,
        launcher=parts.launcher,
    )


def _reboot(ports: Ports, parts: _Parts) -> Reboot:
    return Reboot(
        site=ports.site,
        selection=parts.selection,
        permission=parts.permission,
        environments=parts.environments,
        last=LastEnvironments(nodes=ports.nodes, environments=ports.environments),
        vlans=parts.vlans,
        files=ports.files,
        launcher=parts.launcher,
    )


def _rights(ports: Ports, parts: _Parts, policy: Policy) -> Rights:
    return Rights(
        rights=ports.rights,
        selection=parts.selection,
        permission=parts.permission,
        operations=ports.operations,
        engine=ports.engine,
        administrators=policy.administrators,
    )


async def _is_recorded(operations: store.Operations, operation_id: str) -> bool:
    try:
        await operations.get(operation_id)
    except InvalidWorkflow:
        return False
    return True
