"""The port `Hooks`: a command on this server, told about the operation by words and by its environment.

No shell reads what a user chose: the command is a list of words from the configuration, in which WORKFLOW_ID is
replaced, and everything else is in variables.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kadeploy.domain.state import OperationKind
from kadeploy.ports.hooks import Ended
from kadeploy.process import loggable, run

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class CommandHooks:
    """`deadline` is in seconds for each command. Both may be changed: the next command goes by them."""

    commands: Mapping[OperationKind, Sequence[str]] = field(default_factory=dict)
    deadline: float = 20.0

    def has(self, kind: OperationKind) -> bool:
        return bool(self.commands.get(kind))

    async def run(self, ended: Ended) -> str:
        argv = [word.replace("WORKFLOW_ID", ended.operation) for word in self.commands[ended.kind]]
        finished = await run(argv, deadline=self.deadline, env=variables(ended))
        if finished.ok:
            log.info("%s: %s went well", ended.operation, loggable(argv))
            return ""
        log.warning("%s: %s: %s", ended.operation, loggable(argv), finished.reason)
        return finished.reason


def variables(ended: Ended) -> dict[str, str]:
    """What the command finds in its environment."""
    return {
        "KADEPLOY_OPERATION": ended.operation,
        "KADEPLOY_KIND": ended.kind.value,
        "KADEPLOY_USER": ended.user,
        "KADEPLOY_STATE": ended.state,
        "KADEPLOY_NODES_OK": ended.ok,
        "KADEPLOY_NODES_KO": ended.ko,
    }
