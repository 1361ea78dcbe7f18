"""An admin's own command for switching nodes: a line for the server's shell, exit status 0 when it has worked."""

from __future__ import annotations

import re
from typing import Final

from kadeploy import process
from kadeploy.domain.power import AdminCommand
from kadeploy.drivers.power.driver import PowerRefused, PowerState

_STATE: Final = re.compile(r"\b(on|off)\b", re.IGNORECASE)


async def act(line: str, *, deadline: float) -> str:
    """What it said. Raises PowerRefused with the end of what it said when it failed or took longer.

    Node names, the only part that is not the admin's own text, have no character that means anything to a shell.
    """
    done = await process.run(["/bin/sh", "-c", line], deadline=deadline)
    if not done.ok:
        said = (done.stderr.strip() or done.stdout.strip())[-500:]
        how = f"did not end within {deadline:g} s" if done.timed_out else f"exited with {done.status}"
        raise PowerRefused(f"the command {how}{f': {said}' if said else ''}")
    return done.stdout


async def ask(command: AdminCommand, node: str, *, deadline: float) -> PowerState:
    """The last `on` or `off` that the command says."""
    said = await act(command.for_node(node), deadline=deadline)
    words = _STATE.findall(said)
    if not words:
        raise PowerRefused(f"the command's answer has neither on nor off in it: {said.strip()[-200:]!r}")
    return PowerState(words[-1].lower())
