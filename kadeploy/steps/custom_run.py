"""`custom_run`: a script is sent to each node and run there."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from kadeploy.domain.custom import NodeFile
from kadeploy.domain.exported import Exported, substitute
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import told_by_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomRun:
    """`label` is the operation's own name. `params` are the script's arguments, as words of a shell; a variable in a
    word stays one word, whatever is in it. How long it may take is the plan's affair."""

    label: str
    file: NodeFile
    params: str
    variables: Exported

    @property
    def name(self) -> str:
        return f"custom_run:{self.label}"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        site = context.services.site
        words = shlex.split(self.params)

        def command(name: str) -> Command:
            variables = self.variables.of(site.nodes[name], operation=context.operation, user=context.user)
            arguments = [substitute(word, variables) for word in words]
            return Command(
                name="run_file", args={**self.file.arguments(), "arguments": arguments, "environment": variables}
            )

        return await told_by_nodes(context, nodes, command)
