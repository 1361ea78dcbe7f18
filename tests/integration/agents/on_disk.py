"""The agent's commands, called as the server calls them, and what the system's own programs say of a disk after it."""

from __future__ import annotations

import asyncio
import json
import subprocess

from kadeploy.agent.commands import COMMANDS
from kadeploy.agent.job import Job, Meter
from kadeploy.agent.places import Places

GIB = 1 << 30
MIB = 1 << 20


def said(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def run(name: str, **args: object) -> str:
    """A command of the agent, its arguments as they are after their travel."""
    job = Job(key="k", node="node-1", server="", meter=Meter(), places=Places())

    async def go() -> str:
        return (await COMMANDS[name](json.loads(json.dumps(args)), job)).output

    return asyncio.run(go())


def kind_of(device: str) -> str:
    return said("blkid", "-p", "-s", "TYPE", "-o", "value", device)
