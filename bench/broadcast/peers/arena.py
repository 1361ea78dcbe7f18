"""Hosts on which one way to send a file after the other is run: same links, same file, same judge."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kadeploy.testing.namespaces import Host, inside

LOOK = 0.02  # seconds between two looks


@dataclass(slots=True)
class Arena:
    """`hosts[0]` is the server. `victim`: the number of the node that is killed at `kill_at` seconds; 0: none."""

    hosts: Sequence[Host]
    image: Path
    directory: Path
    limit: float
    victim: int = 0
    kill_at: float = 0.0
    began: float = 0.0
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    nodes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)  # what dies with a node
    ended: dict[int, float] = field(default_factory=dict)  # seconds

    def start(self, number: int, *argv: str, directory: Path | None = None) -> subprocess.Popen[bytes]:
        """A process on a host, in a group of its own; the node dies with the last one started there."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.hosts[number].namespace, *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=directory or self.directory,
            start_new_session=True,
        )
        self.running.append(process)
        if number:
            self.nodes[number] = process
        return process

    def copy(self, number: int) -> Path:
        """Where a node is to have its copy."""
        return self.directory / f"copy-{number}"

    def wait_port(self, number: int, port: int) -> None:
        """Until somebody listens there."""
        with inside(self.hosts[number]):
            deadline = time.monotonic() + self.limit
            while time.monotonic() < deadline:
                with contextlib.suppress(OSError), socket.create_connection((self.hosts[number].address, port), 1.0):
                    return
                time.sleep(LOOK)

    @property
    def receivers(self) -> range:
        return range(1, len(self.hosts))

    @property
    def survivors(self) -> list[int]:
        return [number for number in self.receivers if number != self.victim]

    def begin(self) -> None:
        self.began = time.monotonic()

    def wait(self, is_done: Callable[[int], bool]) -> None:
        """Until every survivor is done, or the limit is over; the victim is killed when its time has come."""
        waiting = set(self.survivors)
        while waiting and (now := time.monotonic() - self.began) < self.limit:
            if self.victim and now >= self.kill_at and self.victim in self.nodes:
                kill(self.nodes.pop(self.victim))
            for number in [one for one in waiting if is_done(one)]:
                self.ended[number] = time.monotonic() - self.began
                waiting.discard(number)
            time.sleep(LOOK)

    def sent_by_server(self) -> int:
        """Bytes that have left the server's link."""
        listed = ["ip", "-n", self.hosts[0].namespace, "-s", "-j", "link", "show", "eth0"]
        said = subprocess.run(listed, capture_output=True, check=True).stdout
        return int(json.loads(said)[0]["stats64"]["tx"]["bytes"])


class Peer(Protocol):
    @property
    def needs(self) -> str:
        """A program that must be there; empty if none."""
        ...

    def run(self, arena: Arena) -> None:
        """Send the image to every node's `copy`; what is started through the arena is ended by it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`seconds` until the last one that completed; `complete` of `expected` nodes have every byte."""

    seconds: float
    complete: int
    expected: int
    server_bytes: int
    processor: float


def is_there(peer: Peer) -> bool:
    return not peer.needs or shutil.which(peer.needs) is not None


def race(peer: Peer, arena: Arena) -> Result:
    before = _processor()
    sent = arena.sent_by_server()
    with _tidied(arena):
        peer.run(arena)
        sent = arena.sent_by_server() - sent
    after = _processor()
    right = [number for number in arena.survivors if number in arena.ended and _same(arena.copy(number), arena.image)]
    return Result(
        seconds=max((arena.ended[number] for number in right), default=float("inf")),
        complete=len(right),
        expected=len(arena.survivors),
        server_bytes=sent,
        processor=after - before,
    )


def _processor() -> float:
    """Seconds of all that has ended, and of this process, where our own head is a thread."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextlib.contextmanager
def _tidied(arena: Arena) -> Iterator[None]:
    try:
        yield
    finally:
        for process in arena.running:
            kill(process)
        for process in arena.running:
            process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _same(copy: Path, image: Path) -> bool:
    compared = subprocess.run(["cmp", "-s", copy, image], check=False)
    return compared.returncode == 0
