"""`kadmin audit`: who did what."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from kadeploy.admin.opened import administered, configured
from kadeploy.admin.times import moment, since
from kadeploy.cli.columns import columns
from kadeploy.domain.audit import to_json


@click.command()
@configured
@click.option("-u", "--user", help="What this user did.")
@click.option("-m", "--node", help="What was done to this node.")
@click.option("--since", "begin", type=since, metavar="WHEN", help="A date, or how long ago, as 2d.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def audit(directory: Path, user: str | None, node: str | None, begin: float | None, limit: int, as_json: bool) -> None:
    """Show who did what to which nodes, when, from where, and with what result."""
    with administered(directory) as here:
        found = asyncio.run(here.audit.read(user=user, node=node, since=begin or 0.0, limit=limit))
    if as_json:
        for entry in found:
            click.echo(json.dumps(to_json(entry), ensure_ascii=False))
        return
    rows = [(moment(one.at), one.user, one.address, one.scheme, one.action, one.nodes, one.result) for one in found]
    for line in columns(["when", "who", "from", "known by", "what", "nodes", "result"], rows) if rows else ["nothing"]:
        click.echo(line)
