"""`kadmin import`: what Kadeploy3's database held, from a dump of it."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from kadeploy.admin.dumped import Taken, taken_from
from kadeploy.admin.opened import Administered, administered, configured
from kadeploy.config.load import load_site
from kadeploy.config.server import ServerConfig
from kadeploy.errors import InvalidFile
from kadeploy.operations.tokens import DAY
from kadeploy.store.database import Database, is_there
from kadeploy.store.imported import Incoming, take_over, without_known


@click.command("import")
@configured
@click.argument("dump", metavar="DUMP.sql", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--apply", "is_applied", is_flag=True, help="Do it; without this it is only told.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def import_(directory: Path, dump: Path, is_applied: bool, as_json: bool) -> None:
    """Take environments, rights, states of nodes and statistics from a dump of Kadeploy3's database.

    DUMP.sql is what mysqldump writes. What is here already stays as it is. A dump with a fault is not taken at all:
    every fault is told, and the exit code is 1.
    """
    config, site, _ = load_site(directory)
    taken = taken_from(_text(dump), {name: node.cluster for name, node in site.nodes.items()})
    if taken.faults:
        _tell_faults(taken, as_json)
        sys.exit(1)
    taken.notes += _soon_gone(config, taken.incoming)
    if is_applied:
        with administered(directory, is_made=True) as here:
            new = asyncio.run(_recorded(here, taken.incoming, dump))
    else:
        new = _rehearsed(config, taken.incoming)
    _tell(taken, new, is_applied=is_applied, as_json=as_json)


def _rehearsed(config: ServerConfig, incoming: Incoming) -> Incoming:
    """What would be new. Where there is no database yet, it is rehearsed on one for the moment."""
    with tempfile.TemporaryDirectory() as moment:
        there = is_there(config.database_url)
        database = Database.open(config.database_url if there else f"sqlite:///{moment}/kadeploy.db")
        try:
            return asyncio.run(database.read(lambda connection: without_known(connection, incoming)))
        finally:
            database.close()


async def _recorded(here: Administered, incoming: Incoming, dump: Path) -> Incoming:
    new = await here.database.transact(lambda connection: take_over(connection, incoming))
    told = ", ".join(f"{count} {what}" for what, count in new.counts.items())
    await here.note("import", f"{dump.name}: {told}")
    return new


def _soon_gone(config: ServerConfig, incoming: Incoming) -> Iterator[str]:
    oldest = time.time() - config.statistics_retention * DAY
    if count := sum(one.trip.started < oldest for one in incoming.past):
        yield (
            f"log: {count} rows are older than statistics_retention, {config.statistics_retention} days: the server "
            "deletes them unless that is longer"
        )


def _text(dump: Path) -> str:
    try:
        return dump.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidFile(
            f"{dump}: is not UTF-8, at byte {error.start}", hint="mysqldump --default-character-set=utf8"
        ) from error
    except OSError as error:
        raise InvalidFile(f"{dump}: cannot be read: {error.strerror}") from error


def _tell_faults(taken: Taken, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"faults": taken.faults, "notes": taken.notes}, indent=2))
        return
    for fault in taken.faults:
        click.echo(f"fault: {fault}")
    click.echo("nothing is taken over", err=True)


def _tell(taken: Taken, new: Incoming, *, is_applied: bool, as_json: bool) -> None:
    known = {what: count - new.counts[what] for what, count in taken.incoming.counts.items()}
    if as_json:
        told = {"applied": is_applied, "new": dict(new.counts), "known": known, "notes": taken.notes}
        click.echo(json.dumps(told, indent=2))
        return
    for note in taken.notes:
        click.echo(f"note: {note}")
    if not is_applied:
        for one in new.environments:
            click.echo(f"environment {one.name} version {one.version} of {one.user}: {one.image.file}")
        for right in new.rights:
            click.echo(f"right of {right.user} on {right.node}, {right.partition}")
    for what, count in new.counts.items():
        there = f", {known[what]} are here already" if known[what] else ""
        click.echo(f"{count} {what} {'are taken over' if is_applied else 'would be taken over'}{there}")
    if not is_applied:
        click.echo("this was a rehearsal: --apply does it", err=True)
