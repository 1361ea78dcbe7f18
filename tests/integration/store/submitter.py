"""A process that submits an operation when it is told to: `python -m ... URL NUMBER`."""

from __future__ import annotations

import asyncio
import sys

from kadeploy.errors import Conflict
from kadeploy.store.database import Database
from kadeploy.store.operations import SqlOperations
from tests.integration.store.examples import an_operation


def main(url: str, number: str) -> None:
    database = Database.open(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    try:
        asyncio.run(SqlOperations(database).create(an_operation(f"D-{number}", "n-[1-500]")))
        sys.stdout.write("won\n")
    except Conflict as conflict:
        sys.stdout.write(f"conflict {conflict.message}\n")
    database.close()


main(*sys.argv[1:])
