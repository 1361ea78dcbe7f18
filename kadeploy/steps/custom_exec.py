"""`custom_exec`: a user's or an administrator's command line, in the shell of each node."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.exported import Exported
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import told_by_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomExec:
    """`label` is the operation's own name. How long it may take is the plan's affair."""

    label: str
    command: str
    variables: Exported

    @property
    def name(self) -> str:
        return f"custom_exec:{self.label}"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        site = context.services.site

        def command(name: str) -> Command:
            variables = self.variables.of(site.nodes[name], operation=context.operation, user=context.user)
            return Command(name="run_command", args={"command": self.command, "environment": variables})

        return await told_by_nodes(context, nodes, command)
