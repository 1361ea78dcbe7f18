"""Durable execution on DBOS: what a killed server was doing goes on when it is started again.

One operation is one workflow, and so is each node set in it, with an id of its own; one visit of a step by a node
set is one recorded step. The workflow functions only follow recorded answers, so that replaying them after a
restart leads to the same place. Nothing else imports dbos.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowHandleAsync

from kadeploy.domain.event import NodesAborted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.engine.carry_out import carry_out
from kadeploy.engine.runs import Runs
from kadeploy.engine.ticket import Ticket
from kadeploy.engine.walk import Json, walk
from kadeploy.errors import Unavailable

WORKFLOWS_VERSION: Final = "1"  # raised when a walk recorded by an older version could no longer be followed

LISTENING: Final = 0.05  # seconds: how often dbos looks for messages, which nobody sends here; closing waits for it
CONNECTIONS: Final = 2  # to SQLite, which has one writer at a time: those that wait for it sleep longer than they must

log = logging.getLogger(__name__)


class _Quick(sqlite3.Connection):
    """Flushes the disk at checkpoints only. The answers of visits are in our own record, which is flushed at every
    commit: after a power cut a workflow that has lost its last steps finds them there."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
            self.execute(f"PRAGMA {pragma}").close()


def _is_news(record: logging.LogRecord) -> bool:
    """A walk that goes on asks for the node sets that it has asked for before, which dbos warns of each time."""
    return not record.getMessage().startswith("Workflow already exists in queue")


class DurableEngine:
    """Implements ports.engine.Engine. `launch` must be called in the running event loop that is to do the work."""

    def __init__(self, runs: Runs, *, url: str) -> None:
        self._runs = runs
        self._is_running = False
        config: DBOSConfig = {
            "name": "kadeploy",
            "system_database_url": url,
            "application_version": WORKFLOWS_VERSION,
            "executor_id": "kadeployd",
            "log_level": "WARNING",
            "console_log_level": "WARNING",
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": LISTENING,
        }
        if url.startswith("sqlite"):
            config["sys_db_pool_size"] = CONNECTIONS
            config["db_engine_kwargs"] = {"connect_args": {"factory": _Quick}, "pool_pre_ping": False}
        logging.getLogger("dbos").addFilter(_is_news)
        DBOS(config=config)

        # dbos registers plain functions only
        async def operation(operation_id: str) -> None:
            await carry_out(operation_id, runs, _DbosRecorder(self))

        async def node_set(ticket: Json) -> str:
            own = Ticket.from_json(ticket)
            return await walk(own, await runs.of(own.operation), runs.performer, _DbosRecorder(self))

        self._operation = DBOS.workflow(name="operation")(operation)
        self._node_set = DBOS.workflow(name="node_set")(node_set)

    async def launch(self) -> None:
        """Open the database, and go on with what was unfinished."""
        DBOS.launch()
        self._is_running = True
        for operation_id in await self._runs.performer.operations.running():
            await self._runs.performer.control.release(operation_id)  # of nodes withdrawn when the server was killed
            await self.start(operation_id)

    async def close(self) -> None:
        """Stop; what is unfinished stays so, for the next launch."""
        self._is_running = False
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)

    async def check(self) -> None:
        """Raises Unavailable when it does not carry out anything, not yet or not any more."""
        if not self._is_running:
            raise Unavailable("the engine does not run")

    async def start(self, operation_id: str) -> None:
        with SetWorkflowID(operation_id):
            await DBOS.start_workflow_async(self._operation, operation_id)

    async def abort(self, operation_id: str, *, by: str, why: str = "") -> None:
        await self._runs.withdraw(operation_id, None, by=by, why=why)
        await self.start(operation_id)  # it may have got its nodes just now
        handle: WorkflowHandleAsync[None] = await DBOS.retrieve_workflow_async(operation_id)
        await handle.get_result()

    async def withdraw(self, operation_id: str, nodes: NodeSet, *, by: str, why: str = "") -> NodeSet:
        return await self._runs.withdraw(operation_id, nodes, by=by, why=why)

    async def overtaken(self, event: NodesAborted) -> None:
        await self._runs.overtaken(event)

    async def resume(self, operation_id: str, *, by: str) -> NodeSet:
        return await self._runs.resume(operation_id, by=by)

    async def forget(self, operation_ids: Sequence[str]) -> None:
        if operation_ids:
            await DBOS.delete_workflows_async(list(operation_ids), delete_children=True)

    async def branch(self, ticket: Ticket) -> WorkflowHandleAsync[str]:
        """Start a node set's workflow; the same id is never started twice."""
        with SetWorkflowID(ticket.workflow_id):
            return await DBOS.start_workflow_async(self._node_set, ticket.to_json())


class _DbosRecorder:
    """Implements engine.walk.Recorder for one workflow."""

    def __init__(self, engine: DurableEngine) -> None:
        self._engine = engine
        self._children: dict[str, WorkflowHandleAsync[str]] = {}

    async def once(self, name: str, work: Callable[[], Awaitable[Json]]) -> Json:
        async def step() -> Json:
            return await work()

        return await DBOS.run_step_async({"name": name}, step)

    async def branch(self, ticket: Ticket) -> None:
        self._children[ticket.workflow_id] = await self._engine.branch(ticket)

    async def told(self, child: Ticket) -> str:
        return await self._children.pop(child.workflow_id).get_result()

    async def join(self) -> None:
        for child in self._children.values():
            await child.get_result()
