"""`manage_admin_pre_install`, `manage_admin_post_install`, `manage_user_post_install`: scripts in archives.

Each archive is fetched by every node, unpacked in memory, and its script run with the exported variables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kadeploy.domain.exported import Exported
from kadeploy.domain.image import LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


class Moment(StrEnum):
    """When, and whose; the values are Kadeploy3's names of the micro-steps."""

    ADMIN_BEFORE = "manage_admin_pre_install"
    ADMIN_AFTER = "manage_admin_post_install"
    USER_AFTER = "manage_user_post_install"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptArchive:
    """`script` is a path in the archive, with arguments; `none` only fetches and unpacks it."""

    file: LocalFile
    script: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArchives:
    """In their order; a node on which one fails does not run the next. `timeout` is for each."""

    moment: Moment
    archives: tuple[ScriptArchive, ...]
    exported: Exported
    timeout: float = 1800.0

    @property
    def name(self) -> str:
        return self.moment.value

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        results: list[Result] = []
        left = nodes
        for index, archive in enumerate(self.archives):
            done = await on_nodes(context, left, self._command(context, archive), self.timeout, part=str(index))
            results.append(done.result)
            context.tell(done.result.outputs)
            left = done.result.ok
            if not left:
                break
        return StepResult.of(nodes, Result.in_turn(*results))

    def _command(self, context: Context, archive: ScriptArchive) -> Callable[[str], Command]:
        site = context.services.site

        def command(name: str) -> Command:
            variables = self.exported.of(site.nodes[name], operation=context.operation, user=context.user)
            return Command(
                name="run_script",
                args={
                    "url": f"/files/{archive.file.sha256}",
                    "sha256": archive.file.sha256,
                    "script": archive.script,
                    "environment": variables,
                },
            )

        return command
