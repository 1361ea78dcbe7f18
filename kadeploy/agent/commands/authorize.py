"""`authorize`: keys that may log in as root to the unpacked system."""

from __future__ import annotations

import os
from pathlib import Path

from kadeploy.agent.arguments import Args, text
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.tree import inside
from kadeploy.errors import CommandFailed


async def authorize(args: Args, job: Job) -> Answer:
    """Appended to what the image allows already. Answers the number of keys that were new."""
    tree = Path(text(args, "tree"))
    home = inside(tree, "/root")
    if not home.is_dir():
        raise CommandFailed(f"there is no system in {tree}: it has no directory /root")
    folder = inside(tree, "/root/.ssh")
    folder.mkdir(mode=0o700, exist_ok=True)
    path = inside(tree, "/root/.ssh/authorized_keys")
    old = path.read_text() if path.is_file() else ""
    text_now, added = with_keys(old, text(args, "keys"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text_now)
    return Answer(output=str(added))


def with_keys(old: str, keys: str) -> tuple[str, int]:
    """The file with the keys that it did not have, each line once; how many those are."""
    lines = [line.strip() for line in old.splitlines()]
    wanted = dict.fromkeys(line.strip() for line in keys.splitlines() if line.strip())
    new = [line for line in wanted if line not in lines]
    return "".join(f"{line}\n" for line in (*old.splitlines(), *new)), len(new)
