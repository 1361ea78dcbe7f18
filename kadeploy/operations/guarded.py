"""What stands on rights, put together: who may do what, consoles, and what follows when rights end."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.operations.consoles import ConsolePolicy, Consoles
from kadeploy.operations.lost_rights import LostRights
from kadeploy.operations.open_lines import KeepOf
from kadeploy.operations.permission import Permission
from kadeploy.operations.rights import Rights
from kadeploy.operations.selection import Selection
from kadeploy.operations.waiting_room import WaitingRoom
from kadeploy.ports import store
from kadeploy.ports.clock import Clock
from kadeploy.ports.console import Consoles as Lines
from kadeploy.ports.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    rights: Rights
    lost_rights: LostRights
    consoles: Consoles


def guarded(
    *,
    rights: store.Rights,
    operations: store.Operations,
    engine: Engine,
    clock: Clock,
    selection: Selection,
    permission: Permission,
    waiting_room: WaitingRoom,
    administrators: frozenset[str],
    lines: Lines,
    consoles: ConsolePolicy,
    keep_of: KeepOf,
) -> Guarded:
    attended = Consoles(
        lines=lines, selection=selection, permission=permission, clock=clock, policy=consoles, keep_of=keep_of
    )
    lost = LostRights(
        rights=rights,
        permission=permission,
        operations=operations,
        engine=engine,
        waiting_room=waiting_room,
        clock=clock,
        close_consoles=attended.close_without_rights,
    )
    return Guarded(
        rights=Rights(rights=rights, selection=selection, lost=lost, administrators=administrators, clock=clock),
        lost_rights=lost,
        consoles=attended,
    )
