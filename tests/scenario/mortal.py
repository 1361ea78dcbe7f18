"""Work in a process of its own, which may end by SIGKILL: no handler runs, no cancellation, nothing that Python does at
an end, so that nothing is left of it but what is on the disk.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from typing import NoReturn, TypeVar, TypeVarTuple

from kadeploy.testing.clock import run_jumping

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PROCESSES = multiprocessing.get_context("forkserver")
# What takes long to load is loaded once, in the process that all others are forked from.
PROCESSES.set_forkserver_preload(["tests.scenario.killed_visit", "tests.scenario.killed_storm"])
LONGEST = 60.0  # seconds


def life(serve: Callable[[*Ts], Coroutine[object, object, T]], *args: *Ts) -> T | None:
    """What it tells at its end, on the jumping clock; None if it was killed."""
    receiving, sending = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_live, args=(sending, serve, *args))
    process.start()
    sending.close()
    try:
        told: T | None = receiving.recv() if receiving.poll(LONGEST) else None
    except EOFError:
        told = None
    finally:
        receiving.close()
        process.join(LONGEST)
        if process.is_alive():
            process.kill()
            process.join()
    assert process.exitcode == (0 if told else -signal.SIGKILL), process.exitcode
    return told


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL is not survived")


def _live(told: Connection, serve: Callable[[*Ts], Coroutine[object, object, T]], *args: *Ts) -> None:
    told.send(run_jumping(serve(*args)))
    told.close()
