"""The audit log as a file too, one JSON object a line, for programs that gather logs.

The file is opened for each line, so that it may be moved away at any moment, as logrotate does.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

from kadeploy.domain.audit import AuditEntry, to_json
from kadeploy.ports.store import Audit


class FiledAudit:
    """Implements ports.store.Audit on another one; a line is written even when the other cannot be. Without a `file`,
    which may change at any time, there is the other one only."""

    def __init__(self, audit: Audit, file: Path | None) -> None:
        self._audit = audit
        self.file = file

    async def add(self, entry: AuditEntry) -> None:
        """Raises OSError when the file cannot be written."""
        try:
            if self.file is not None:
                await asyncio.to_thread(_append, self.file, entry)
        finally:
            await self._audit.add(entry)

    async def read(
        self, *, user: str | None = None, since: float = 0.0, node: str | None = None, limit: int = 1000
    ) -> Sequence[AuditEntry]:
        return await self._audit.read(user=user, since=since, node=node, limit=limit)


def _append(file: Path, entry: AuditEntry) -> None:
    line = json.dumps(to_json(entry), ensure_ascii=False) + "\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        os.write(descriptor, line.encode())  # one write: lines of several servers do not mix
    finally:
        os.close(descriptor)
