"""`send_key`, `send_key_in_deploy_env`: the user's keys may log in as root."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class SendKey:
    """To the system in `tree`; `/` is the minimal environment itself."""

    tree: str
    authorized_keys: str
    timeout: float = 60.0

    @property
    def name(self) -> str:
        return "send_key_in_deploy_env" if self.tree == "/" else "send_key"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        send = Command(name="authorize", args={"tree": self.tree, "keys": self.authorized_keys})
        return await on_nodes(context, nodes, lambda _: send, self.timeout)
