"""dnsmasq as a child of the daemon: started again when it dies, ended with the daemon.

A daemon that was killed leaves its dnsmasq behind, which goes on serving; the next daemon finds it by its pidfile,
makes sure that it is that one, and replaces it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from kadeploy import process
from kadeploy.errors import BadConfiguration

logger = logging.getLogger(__name__)

FOREVER = 10 * 365 * 86400.0  # seconds
LEAVE = 3.0  # seconds a process left behind has to end by itself
LOOK = 0.02  # seconds between two looks at whether it has


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Seconds: the first pause, the longest, and how long it must have run for the pauses to start over."""

    first: float = 0.5
    longest: float = 30.0
    settled: float = 60.0

    def after(self, pause: float, ran: float) -> float:
        """The next pause after `pause`, when it ran for `ran` seconds since."""
        return self.first if ran >= self.settled or not pause else min(2 * pause, self.longest)


@dataclass(slots=True, kw_only=True)
class Dnsmasq:
    """`configuration` is dnsmasq.conf; its pidfile is `dnsmasq.pid` in `state`, an absolute path."""

    configuration: str
    state: Path
    backoff: Backoff = Backoff()
    _is_renewed: bool = False

    def become(self, configuration: str) -> None:
        """Serve by another configuration from now on: it is started again, for it reads its own only then. Machines
        that ask in between ask again."""
        if configuration == self.configuration:
            return
        self.configuration, self._is_renewed = configuration, True
        self._file.write_text(configuration)
        pid = recorded_pid(self._pidfile)
        if is_ours(pid, self._file):
            os.kill(pid, signal.SIGTERM)

    async def run(self) -> None:
        """Until cancelled. Raises BadConfiguration when dnsmasq itself calls the configuration bad."""
        self.state.mkdir(parents=True, exist_ok=True)
        self._file.write_text(self.configuration)
        await self._check()
        await replace_stale(self._pidfile, self._file)
        pause = 0.0
        while True:
            began = asyncio.get_running_loop().time()
            self._is_renewed = False
            ended = await self._serve()
            if self._is_renewed:
                continue
            pause = self.backoff.after(pause, asyncio.get_running_loop().time() - began)
            logger.error("%s; it is started again in %g s", ended.reason, pause)
            await asyncio.sleep(pause)

    async def _serve(self) -> process.Finished:
        """Run it until it ends; when cancelled, let it end by itself and wait for that."""
        child = asyncio.create_task(process.run(self._argv, deadline=FOREVER))
        try:
            return await asyncio.shield(child)
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 * LEAVE):
                    while not child.done():
                        await end(recorded_pid(self._pidfile), self._file)
                        await asyncio.wait((child,), timeout=LOOK)
            child.cancel()

    @property
    def _file(self) -> Path:
        return self.state / "dnsmasq.conf"

    @property
    def _pidfile(self) -> Path:
        return self.state / "dnsmasq.pid"

    @property
    def _argv(self) -> tuple[str, ...]:
        return ("dnsmasq", f"--conf-file={self._file}")

    async def _check(self) -> None:
        checked = await process.run((*self._argv, "--test"), deadline=10.0)
        if not checked.ok:
            hint = "install the Debian package dnsmasq-base" if checked.status == 127 else None
            raise BadConfiguration(f"DHCP and TFTP cannot be served: {checked.reason}", hint=hint)


async def replace_stale(pidfile: Path, configuration: Path) -> None:
    """End the dnsmasq that a killed daemon left behind, if there is one with this configuration."""
    pid = recorded_pid(pidfile)
    if is_ours(pid, configuration):
        logger.warning("a dnsmasq of an earlier run is still there (process %d): it is replaced", pid)
        await end(pid, configuration)


async def end(pid: int, configuration: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not is_ours(pid, configuration):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE):
                while is_ours(pid, configuration):  # noqa: ASYNC110 - not our child: nothing tells us
                    await asyncio.sleep(LOOK)


def recorded_pid(pidfile: Path) -> int:
    """0 when there is none: a process that is never ours."""
    try:
        return int(pidfile.read_text())
    except (OSError, ValueError):
        return 0


def is_ours(pid: int, configuration: Path) -> bool:
    """Process numbers are used again: only the command line tells (proc(5); empty for a zombie)."""
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return Path(os.fsdecode(argv[0])).name == "dnsmasq" and os.fsencode(f"--conf-file={configuration}") in argv
