"""`fetch_files`: what the operation needs of elsewhere is brought to this server, before anything is done to a node.

So a node whose image cannot be had keeps the system that it runs, and waits for its files in no window.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.awaited import WantedFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.step import Context, StepResult

_MIB: Final = 1024 * 1024
_FEW: Final = 100  # nodes, each of which is told of every hundredth part; of more, of every twentieth


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFiles:
    """The time it takes counts for no limit but its own; none unless the automaton gives one."""

    wanted: tuple[WantedFile, ...]

    name = "fetch_files"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        missing = [one for one in self.wanted if one.number not in context.fetched]
        if not missing:
            return StepResult(result=Result(ok=nodes))
        fetcher = context.services.fetcher
        if fetcher is None:
            return StepResult(result=Result.failed(nodes, "this server fetches no files"))
        try:
            with context.uncounted():
                async with asyncio.timeout(context.limit):
                    found = await fetcher.fetch(context.operation, missing, _in_parts(context, nodes))
        except TimeoutError:
            return StepResult(result=Result.failed(nodes, f"the files did not come within {context.limit:.0f} s"))
        context.keep(found)
        size = sum(one.file.size for one in found.values())
        context.decide(f"{_files(len(found))} here, {size / _MIB:.1f} MiB")
        return StepResult(result=Result(ok=nodes))


def _in_parts(context: Context, nodes: NodeSet) -> Callable[[int, int], None]:
    """Tell of every node how far the files are, not oftener than anybody looks."""
    parts = 100 if len(nodes) <= _FEW else 20
    told = -1

    def report(done: int, total: int) -> None:
        nonlocal told
        part = done * parts // total if total else 0
        if part != told:
            told = part
            for node in nodes:
                context.report(node, done, total)

    return report


def _files(count: int) -> str:
    return "1 file is" if count == 1 else f"{count} files are"
