"""The use cases, put together from ports: one place, so that a daemon and a test have the same ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from kadeploy.errors import InvalidWorkflow
from kadeploy.operations.answered import Answered
from kadeploy.operations.audit import AuditTrail
from kadeploy.operations.boards import Boards
from kadeploy.operations.checksums import Checksums
from kadeploy.operations.consoles import Consoles
from kadeploy.operations.deploy import Deploy
from kadeploy.operations.description_files import DescriptionFiles
from kadeploy.operations.environment_changes import EnvironmentChanges
from kadeploy.operations.environment_recording import Recording
from kadeploy.operations.environments import Environments
from kadeploy.operations.events import EventLog
from kadeploy.operations.foresight import Foresight
from kadeploy.operations.foundation import Policy, Ports
from kadeploy.operations.groups import Groups
from kadeploy.operations.guarded import Guarded, guarded
from kadeploy.operations.hooks import EndHooks
from kadeploy.operations.info import Info
from kadeploy.operations.kept_uploads import KeptUploads
from kadeploy.operations.last_environments import LastEnvironments
from kadeploy.operations.launch import Launcher
from kadeploy.operations.logs import Logs
from kadeploy.operations.lost_rights import LostRights
from kadeploy.operations.metrics import Metrics
from kadeploy.operations.nodes import Nodes
from kadeploy.operations.outcomes import NodeStates
from kadeploy.operations.permission import Permission
from kadeploy.operations.pins import PinRelease
from kadeploy.operations.power import Power
from kadeploy.operations.readiness import Readiness
from kadeploy.operations.reboot import Reboot
from kadeploy.operations.repeats import Repeats
from kadeploy.operations.retention import Retention
from kadeploy.operations.rights import Rights
from kadeploy.operations.running import Running
from kadeploy.operations.selection import Selection
from kadeploy.operations.statistics import Statistics
from kadeploy.operations.tokens import Tokens
from kadeploy.operations.vlans import Vlans
from kadeploy.operations.waiting_room import WaitingRoom
from kadeploy.ports import store
from kadeploy.ports.clock import Clock
from kadeploy.ports.files import Contents, Uploads
from kadeploy.ports.reload import Reload


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
    checksums: Checksums
    recording: Recording
    description_files: DescriptionFiles
    permission: Permission
    rights: Rights
    lost_rights: LostRights
    consoles: Consoles
    tokens: Tokens
    audit: AuditTrail
    info: Info
    hooks: EndHooks
    node_states: NodeStates
    repeats: Repeats
    answered: Answered
    journal: store.Journal
    metrics: Metrics
    readiness: Readiness
    waiting_room: WaitingRoom
    retention: Retention
    statistics: Statistics
    uploads: Uploads
    contents: Contents
    kept_uploads: KeptUploads
    reload: Reload
    selection: Selection
    foresight: Foresight
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
    checksums: Checksums
    vlans: Vlans
    launcher: Launcher


def assemble(ports: Ports, policy: Policy) -> UseCases:
    """Also makes node states, pinned files and the audit log follow the events; so call it once for an event log."""
    kept_uploads = KeptUploads(ports.environments, ports.uploads)
    ports = replace(ports, environments=kept_uploads)
    parts, pins = _parts(ports, policy), PinRelease(ports.files)
    metrics = Metrics(operations=ports.operations, nodes=ports.nodes, gauges=ports.gauges)
    for listener in (parts.states, parts.waiting_room, pins, parts.hooks, parts.trail.ended, metrics):
        ports.events.listen(listener)
    repeats = Repeats(ports.operations)
    boards, logs = Boards(ports.journal, ports.events), Logs(ports.journal)
    on_rights = _on_rights(ports, parts, policy)
    return UseCases(
        deploy=_deploy(ports, parts, policy),
        reboot=_reboot(ports, parts),
        power=Power(site=ports.site, selection=parts.selection, permission=parts.permission, launcher=parts.launcher),
        running=_running(ports, parts, policy, logs),
        boards=boards,
        logs=logs,
        events=ports.events,
        nodes=Nodes(selection=parts.selection, nodes=ports.nodes),
        environments=parts.environments,
        environment_changes=EnvironmentChanges(environments=ports.environments, checksums=parts.checksums),
        checksums=parts.checksums,
        recording=Recording(environments=ports.environments, checksums=parts.checksums),
        description_files=DescriptionFiles(ports.texts),
        permission=parts.permission,
        rights=on_rights.rights,
        lost_rights=on_rights.lost_rights,
        consoles=on_rights.consoles,
        tokens=Tokens(ports.api_tokens, ports.clock, policy.tokens),
        audit=parts.trail,
        info=Info(ports.site),
        hooks=parts.hooks,
        node_states=parts.states,
        repeats=repeats,
        answered=Answered(ports.answers, repeats, ports.clock),
        journal=ports.journal,
        metrics=metrics,
        readiness=Readiness(ports.parts),
        waiting_room=parts.waiting_room,
        retention=_retention(ports, policy),
        statistics=Statistics(ports.statistics, parts.selection, ports.clock),
        uploads=ports.uploads,
        contents=ports.contents,
        kept_uploads=kept_uploads,
        reload=ports.reload,
        selection=parts.selection,
        foresight=Foresight(ports.site, ports.statistics),
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
        permission=Permission(
            ports.rights,
            Groups(policy.groups, ports.system_groups, counts=policy.system_groups),
            ports.clock,
            enforced=policy.rights_enforced,
        ),
        states=NodeStates(ports.operations, ports.nodes),
        waiting_room=waiting_room,
        hooks=hooks,
        trail=AuditTrail(audit=ports.audit, operations=ports.operations, selection=selection, clock=ports.clock),
        environments=Environments(environments=ports.environments),
        checksums=Checksums(ports.files, policy.archives),
        vlans=Vlans(ports.vlan),
        launcher=Launcher(
            site=ports.site,
            operations=ports.operations,
            events=ports.events,
            waiting_room=waiting_room,
            engine=ports.engine,
            files=ports.files,
            hooks=hooks,
            statistics=ports.statistics,
            clock=ports.clock,
        ),
    )


def _retention(ports: Ports, policy: Policy) -> Retention:
    return Retention(
        ports.operations,
        ports.statistics,
        ports.engine,
        ports.clock,
        kept_for=policy.kept_for,
        statistics_kept_for=policy.statistics_kept_for,
    )


def _deploy(ports: Ports, parts: _Parts, policy: Policy) -> Deploy:
    return Deploy(
        site=ports.site,
        selection=parts.selection,
        permission=parts.permission,
        environments=parts.environments,
        files=ports.files,
        limits=policy.archives,
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


def _running(ports: Ports, parts: _Parts, policy: Policy, logs: Logs) -> Running:
    return Running(
        selection=parts.selection,
        operations=ports.operations,
        engine=ports.engine,
        waiting_room=parts.waiting_room,
        logs=logs,
        clock=ports.clock,
        listed_for=policy.listed_for,
    )


def _on_rights(ports: Ports, parts: _Parts, policy: Policy) -> Guarded:
    return guarded(
        rights=ports.rights,
        operations=ports.operations,
        engine=ports.engine,
        clock=ports.clock,
        selection=parts.selection,
        permission=parts.permission,
        waiting_room=parts.waiting_room,
        administrators=policy.administrators,
        lines=ports.consoles,
        consoles=policy.consoles,
        keep_of=ports.keep_console,
    )


async def _is_recorded(operations: store.Operations, operation_id: str) -> bool:
    try:
        await operations.get(operation_id)
    except InvalidWorkflow:
        return False
    return True
