"""Where no node has a console, and nothing of one is kept."""

from __future__ import annotations

from collections.abc import Callable

from kadeploy.errors import Forbidden
from kadeploy.ports.console import Line


class NoConsoles:
    """Implements ports.console.Consoles."""

    def has(self, node: str) -> bool:
        return False

    async def open(self, node: str) -> Line:
        raise Forbidden(f"no console is configured for {node}")


def keep_nothing(node: str) -> Callable[[bytes], None]:
    return lambda said: None
