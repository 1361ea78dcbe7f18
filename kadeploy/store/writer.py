"""The one thread that writes: it commits together whatever has come in while the last commit was flushed.

Ten thousand nodes that ask for their boot token at once cost some dozens of disk flushes, not ten thousand.
Work is answered only after its commit. Work that fails is undone alone (a savepoint each); when the database
itself fails, nothing of the batch is recorded and all of it is told so.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from kadeploy.errors import DatabaseProblem
from kadeploy.store.sqlite import WRITES

_MOST: Final = 500  # pieces of work in one transaction


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Job:
    work: Callable[[Connection], Any]
    future: Future[Any] = field(default_factory=Future)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    value: Any = None
    error: Exception | None = None


class Writer:
    """Runs work in transactions, in the order in which it was given."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(**{WRITES: True})
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="database-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Connection], Any]) -> Future[Any]:
        """Have it done; a future that is cancelled before its turn is left out."""
        job = _Job(work=work)
        with self._closing:
            if self._closed:
                raise DatabaseProblem("the database is closed", hint="the server is stopping")
            self._jobs.put(job)
        return job.future

    def close(self) -> None:
        """Finish what was given, then end."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _serve(self) -> None:
        ending = False
        while not ending:
            batch, ending = self._collect()
            if batch:
                self._commit(batch)

    def _collect(self) -> tuple[list[_Job], bool]:
        batch: list[_Job] = []
        item = self._jobs.get()
        while item is not None:
            if item.future.set_running_or_notify_cancel():
                batch.append(item)
            if len(batch) == _MOST:
                return batch, False
            try:
                item = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, batch: Sequence[_Job]) -> None:
        try:
            with self._engine.connect() as connection, connection.begin():
                answers = [_attempt(connection, job, alone=len(batch) == 1) for job in batch]
        except Exception as error:
            answers = [_Answer(error=_first(error))] * len(batch)
        for job, answer in zip(batch, answers, strict=True):
            if answer.error is not None:
                job.future.set_exception(answer.error)
            else:
                job.future.set_result(answer.value)


def _attempt(connection: Connection, job: _Job, *, alone: bool) -> _Answer:
    try:
        with nullcontext() if alone else connection.begin_nested():
            return _Answer(value=job.work(connection))
    except Exception as error:
        if alone or (isinstance(error, DBAPIError) and not isinstance(error, IntegrityError)):
            raise  # what fails below SQL may have undone the others too
        return _Answer(error=error)


def _first(error: Exception) -> Exception:
    """What began it: SQLite undoes everything by itself when its disk is full, and then undoing fails too."""
    first = error
    link: BaseException | None = error if isinstance(error, DBAPIError) else None
    while link is not None:
        if isinstance(link, DBAPIError):
            first = link
        link = link.__context__
    return first
