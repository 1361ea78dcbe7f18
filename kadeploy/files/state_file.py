"""A small JSON file that is replaced as a whole: a reader finds the old one or the new one, never a part."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from kadeploy.errors import CacheProblem
from kadeploy.files.private import own

logger = logging.getLogger(__name__)


class StateFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._saving = asyncio.Lock()

    def load(self) -> dict[str, object]:
        """What was saved; empty when there is nothing, or nothing that can be read."""
        try:
            data = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            logger.warning("%s cannot be read, going on without what it remembers: %s", self._path, error)
            return {}
        return data if isinstance(data, dict) else {}

    async def save(self, state: Callable[[], Mapping[str, object]]) -> None:
        """Save the state as it is when its turn comes; raises CacheProblem."""
        async with self._saving:
            try:
                await asyncio.to_thread(self._replace, json.dumps(state()))
            except OSError as error:
                raise CacheProblem(f"{self._path} cannot be written: {error.strerror}") from error

    def _replace(self, text: str) -> None:
        partial = self._path.with_name(f"{self._path.name}.new")
        with open(partial, "w", encoding="utf-8", opener=own) as file:
            file.write(text)
        partial.rename(self._path)
