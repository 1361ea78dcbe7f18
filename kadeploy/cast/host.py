"""One host of a cast: a relay run over SSH, its place, what it says, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import asyncssh

from kadeploy.broadcast.order import Member
from kadeploy.broadcast.reception import Outcome, Progress, Reception
from kadeploy.broadcast.sink import SinkOrder
from kadeploy.cast.program import command, program
from kadeploy.cast.wanted import Access

ALIVE = 2.0  # seconds between two questions whether a host is there
SILENT = 4  # of them without an answer: it is not
PREFERRED_KEY = "^ssh-ed25519"
MOST_NOISE = 100  # lines of what else a login says

_ITS_NAME = re.compile(r" (?:on|for) host \S+$")  # it is told anyway, and what many say alike is told once


class HostLost(Exception):
    """The argument says why this host takes no part, or no part any more."""


class Host:
    """`server` is this machine's address as the host sees it, `member` the host's place, `digests` those it knows."""

    def __init__(
        self,
        name: str,
        process: asyncssh.SSHClientProcess[bytes],
        address: str,
        server: str,
        port: int,
        digests: Sequence[str],
    ) -> None:
        self.name, self.server, self.digests = name, server, digests
        self.member = Member(name=name, host=address, port=port)
        self._process = process

    async def receive(self, orders: Reception, sink: SinkOrder, report: Callable[[Progress], None]) -> Outcome:
        """Until it is through. Raises HostLost."""
        with _told():
            _say(self._process, json.dumps({"orders": orders.to_json(), "sink": sink.to_json()}).encode() + b"\n")
            while said := await _line(self._process, "progress", "outcome"):
                if "progress" in said:
                    report(Progress.from_json(said["progress"]))
                if "outcome" in said:
                    return Outcome.from_json(said["outcome"])
            raise HostLost(await _last_words(self._process))


@contextlib.asynccontextmanager
async def relay_on(name: str, access: Access) -> AsyncIterator[Host]:
    """Log in and open a place. Raises HostLost; whatever runs there ends with this."""
    connection = await _logged_in(name, access)
    try:
        yield await _placed(name, connection, access)
    finally:
        connection.abort()


async def _logged_in(name: str, access: Access) -> asyncssh.SSHClientConnection:
    options: dict[str, Any] = {"config": list(access.config)} if access.config else {}
    if access.user:
        options["username"] = access.user
    if access.any_host_key:
        options["known_hosts"] = None
        options["server_host_key_algs"] = PREFERRED_KEY  # as ssh itself; some servers offer others that they have not
    with _told(f"no SSH within {access.timeout:g} s"):
        connecting = asyncssh.connect(name, keepalive_interval=ALIVE, keepalive_count_max=SILENT, **options)
        try:
            return await asyncio.wait_for(connecting, access.timeout)
        except ValueError as error:  # a key, a name or a configuration that cannot be read
            raise HostLost(f"SSH: {error}") from error


async def _placed(name: str, connection: asyncssh.SSHClientConnection, access: Access) -> Host:
    here, there = connection.get_extra_info("sockname"), connection.get_extra_info("peername")
    if not here or not there:
        raise HostLost("it is reached through another host: this machine and the hosts must reach each other directly")
    with _told(f"its relay did not start within {access.timeout:g} s"):
        process = await connection.create_process(command(access.python), encoding=None)
        _say(process, program())
        said = await asyncio.wait_for(_line(process, "port"), access.timeout)
        if not said:
            raise HostLost(await _last_words(process))
    return Host(name, process, there[0], here[0], said["port"], said["digests"])


@contextlib.contextmanager
def _told(late: str = "it did not answer in time") -> Iterator[None]:
    """What goes wrong on the way, as one reason."""
    try:
        yield
    except TimeoutError:
        raise HostLost(late) from None
    except OSError as error:
        is_plain = error.errno is not None and error.errno > 0  # asyncio says more than anybody wants to know
        said = os.strerror(error.errno or 0) if is_plain else error.strerror or error
        raise HostLost(f"SSH: {error.filename}: {said}" if error.filename else f"SSH: {said}") from error
    except asyncssh.Error as error:
        raise HostLost(f"SSH: {_ITS_NAME.sub('', str(error))}") from error


def _say(process: asyncssh.SSHClientProcess[bytes], data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # it has ended: what it said tells why
        process.stdin.write(data)


async def _line(process: asyncssh.SSHClientProcess[bytes], *about: str) -> dict[str, Any] | None:
    """The next one about one of these; a login may greet first. None at the end. Raises HostLost."""
    line = b""
    for _ in range(MOST_NOISE):
        line = await process.stdout.readline()
        if not line:
            return None
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if isinstance(said, dict) and any(key in said for key in about):
                return said
    raise HostLost(f"it answers {line[:80].decode(errors='replace')!r}")


async def _last_words(process: asyncssh.SSHClientProcess[bytes]) -> str:
    said = b""
    with contextlib.suppress(TimeoutError):  # who was started by the login may keep it open
        said = await asyncio.wait_for(process.stderr.read(), ALIVE)
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "its relay was ended"
