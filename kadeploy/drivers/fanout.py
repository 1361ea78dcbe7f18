"""One call over many nodes: the same act on each, a bounded number at a time, each node's failure its own.

A driver raises a `KadeployError` to say why its node failed. Anything else is a bug: it is logged with its
traceback, fails that node only, and the others never hear of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.errors import KadeployError

logger = logging.getLogger(__name__)


async def fan_out(nodes: NodeSet, act: Callable[[str], Awaitable[str]], *, limit: int) -> Result:
    """Run `act(node)` on every node, at most `limit` at once; what it returns, unless empty, is the node's output."""
    ko: dict[str, str] = {}
    outputs: dict[str, str] = {}

    async def work(names: Iterator[str]) -> None:
        for name in names:
            try:
                output = await act(name)
            except KadeployError as error:
                ko[name] = str(error)
            except Exception as error:
                logger.exception("%s: a driver failed in a way it should not", name)
                ko[name] = f"internal error: {type(error).__name__}: {error}"
            else:
                if output:
                    outputs[name] = output

    waiting = iter(nodes)  # shared: whichever worker is free takes the next
    async with asyncio.TaskGroup() as group:
        for _ in range(min(limit, len(nodes))):
            group.create_task(work(waiting))
    return Result(ok=NodeSet(nodes.names - ko.keys()), ko=ko, outputs=outputs)
