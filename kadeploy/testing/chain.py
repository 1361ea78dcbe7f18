"""A chain of real relay processes, for tests and benchmarks: start, orders, signals, outcomes."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from kadeploy.broadcast.digests import best_of
from kadeploy.broadcast.manifest import Manifests
from kadeploy.broadcast.order import Member
from kadeploy.broadcast.reception import DEFAULTS, Outcome, Progress, Reception
from kadeploy.broadcast.sink import SinkOrder
from kadeploy.broadcast.source import Head
from kadeploy.testing.namespaces import Host

LONGEST = 30.0  # seconds any wait of a test may take


_LACKING = "import sys; sys.modules[{!r}] = None; from kadeploy.broadcast.standalone import leave; leave()"


class RelayProcess:
    """One node. `namespace`: the network namespace it lives in; `lacks`: a module that its Python has not."""

    def __init__(self, name: str, *, host: str = "127.0.0.1", namespace: str = "", lacks: str = "") -> None:
        inside = ["ip", "netns", "exec", namespace] if namespace else []
        program = ["-c", _LACKING.format(lacks)] if lacks else ["-m", "kadeploy.broadcast.standalone"]
        self.process = subprocess.Popen(
            [*inside, sys.executable, *program, "--host", host],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.name, self.host = name, host
        self.progress: Progress | None = None
        self.progressed_at = 0.0  # when it said so; the last time is when its sink was through
        self.ended_at = 0.0
        self._outcome: queue.Queue[Outcome | None] = queue.Queue()
        self._advanced = threading.Condition()
        self._place: queue.Queue[tuple[int, Sequence[str]]] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @cached_property
    def member(self) -> Member:
        """Its place, as soon as it has one."""
        return Member(name=self.name, host=self.host, port=self._opened[0])

    @property
    def digests(self) -> Sequence[str]:
        """Those it says that it knows."""
        return self._opened[1]

    @cached_property
    def _opened(self) -> tuple[int, Sequence[str]]:
        return self._place.get(timeout=LONGEST)

    def order(self, orders: Reception, sink: SinkOrder) -> None:
        assert self.process.stdin is not None
        line = json.dumps({"orders": orders.to_json(), "sink": sink.to_json()}) + "\n"
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()

    def wait_progress(self, enough: Callable[[Progress], bool], timeout: float = LONGEST) -> None:
        with self._advanced:
            assert self._advanced.wait_for(lambda: self.progress is not None and enough(self.progress), timeout)

    def wait_begun(self) -> None:
        """Some bytes have arrived, by its own first report."""
        self.wait_progress(lambda progress: progress.received > 0)

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def outcome(self, timeout: float = LONGEST) -> Outcome | None:
        """None when it died."""
        return self._outcome.get(timeout=timeout)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def processor_seconds(self) -> float:
        """Used so far; a process that has ended keeps its figures until `end`."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def most_memory(self) -> int:
        """Bytes in memory at most, so far (VmHWM of proc_pid_status(5))."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) << 10

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._listener.join()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        last = None
        for line in self.process.stdout:
            said: dict[str, Any] = json.loads(line)
            if "port" in said:
                self._place.put((said["port"], said["digests"]))
            if "progress" in said:
                with self._advanced:
                    self.progress = Progress.from_json(said["progress"])
                    self.progressed_at = time.monotonic()
                    self._advanced.notify_all()
            if "outcome" in said:
                last = Outcome.from_json(said["outcome"])
                self.ended_at = time.monotonic()
        self._outcome.put(last)


@contextlib.contextmanager
def relays(count: int, hosts: Sequence[Host] = ()) -> Iterator[list[RelayProcess]]:
    """node-1, node-2, ... on loopback, or one on each host."""
    nodes: list[RelayProcess] = []
    try:
        for number in range(count):
            where = {"host": hosts[number].address, "namespace": hosts[number].namespace} if hosts else {}
            nodes.append(RelayProcess(f"node-{number + 1}", **where))
        for node in nodes:
            assert node.member
        yield nodes
    finally:
        for node in nodes:
            node.end()


@contextlib.contextmanager
def started(head: Head) -> Iterator[Head]:
    head.start()
    try:
        yield head
    finally:
        head.stop()


def give_orders(
    head: Head,
    nodes: Sequence[RelayProcess],
    sink: Callable[[str], SinkOrder],
    *,
    host: str = "127.0.0.1",
    manifests: Manifests | None = None,
    **changes: Any,
) -> dict[str, Reception]:
    """The whole chain to every node, each with its sink; `changes` to their limits. `host` is the head's. All check by
    the head's manifest, or each by the best of these `manifests`."""
    theirs = {node.name: manifests.by(best_of(node.digests)) for node in nodes} if manifests else {}
    limits = replace(DEFAULTS, **changes)
    orders = head.orders([node.member for node in nodes], host=host, limits=limits, manifests=theirs)
    for node in nodes:
        node.order(orders[node.name], sink(node.name))
    return orders
