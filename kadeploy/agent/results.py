"""What became of every command of this boot, kept on (memory) disk.

It is written before a command starts and when it ends, so that a reconnect or the death of the agent loses
nothing: a repeated key is answered with its first result, one that was running when the agent died has failed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from kadeploy.domain.meeting import Ended

KEPT = 500  # acknowledged results remembered; a deployment is some twenty


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`ended` is None while it runs."""

    key: str
    name: str
    ended: Ended | None = None
    acknowledged: bool = False


class Results:
    """The records, in memory and in one file each, in the order they began."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for unfinished in folder.glob("*.new"):
            unfinished.unlink()
        paths = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        self._records = {record.key: record for record in map(_read, paths)}
        for record in list(self._records.values()):
            if record.ended is None:
                reason = f"the agent was restarted while it ran {record.name}"
                self.end(Ended(key=record.key, ok=False, reason=reason))

    def of(self, key: str) -> Ended | None:
        """The result of a command that has ended."""
        record = self._records.get(key)
        return record.ended if record else None

    def unacknowledged(self) -> tuple[Ended, ...]:
        return tuple(record.ended for record in self._records.values() if record.ended and not record.acknowledged)

    def begin(self, key: str, name: str) -> None:
        self._keep(Record(key=key, name=name))
        acknowledged = [record.key for record in self._records.values() if record.acknowledged]
        for old in acknowledged[:-KEPT]:
            self.forget(old)

    def end(self, ended: Ended) -> None:
        self._keep(Record(key=ended.key, name=self._records[ended.key].name, ended=ended))

    def acknowledge(self, key: str) -> None:
        record = self._records.get(key)
        if record and record.ended and not record.acknowledged:
            self._keep(Record(key=key, name=record.name, ended=record.ended, acknowledged=True))

    def forget(self, key: str) -> None:
        """As if it had never been asked for: it may be run again."""
        self._records.pop(key, None)
        self._path(key).unlink(missing_ok=True)

    def _keep(self, record: Record) -> None:
        path = self._path(record.key)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(record)))
        new.replace(path)
        self._records[record.key] = record

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"


def _read(path: Path) -> Record:
    data = json.loads(path.read_text())
    ended = Ended(**data["ended"]) if data["ended"] else None
    return Record(key=data["key"], name=data["name"], ended=ended, acknowledged=data["acknowledged"])
