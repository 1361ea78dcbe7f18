"""A fetch in a process of its own, which the tests end with SIGKILL: nothing is tidied up."""

from __future__ import annotations

import asyncio
import sys
from ipaddress import ip_network
from pathlib import Path

from kadeploy.files.cache import FileCache
from kadeploy.files.permitted import Permitted
from kadeploy.files.reach import Reach
from kadeploy.files.web import Web
from kadeploy.ports.files import FileOrder


def tell(done: int, total: int) -> None:
    sys.stdout.write(f"{done} {total}\n")
    sys.stdout.flush()


def main(directory: str, url: str) -> None:
    web = Web(reach=Reach(permitted=(ip_network("127.0.0.0/8"),)), proxy="")
    cache = FileCache.open(Path(directory), size=64 * 1024**2, permitted=Permitted(roots=()), web=web)
    asyncio.run(cache.pin(FileOrder(url=url), owner="D-killed", report=tell))


if __name__ == "__main__":
    main(*sys.argv[1:])
