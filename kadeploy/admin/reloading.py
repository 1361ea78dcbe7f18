"""`kadmin reload`: have the server that runs read its configuration again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from kadeploy.admin.asking import ask
from kadeploy.admin.check import check
from kadeploy.admin.opened import administered, configured


@click.command()
@configured
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def reload(directory: Path, as_json: bool) -> None:
    """Have the running server read its configuration again, and say what is different now.

    A faulty configuration changes nothing: its faults are told, and the exit code is 1. What can only change at a start
    is named. A SIGHUP does the same, and tells its log.
    """
    if faults := check(directory).faults:
        for fault in faults:
            click.echo(f"fault: {fault}", err=True)
        click.echo("nothing has changed", err=True)
        sys.exit(1)
    with administered(directory) as opened:
        told = ask(opened, lambda client: client.send("POST", "/reload", {}), purpose="reload")
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for path in told["changed"]:
        click.echo(f"changed: {path}")
    for path in told["restart"]:
        click.echo(f"at the next start: {path}")
    if not told["changed"] and not told["restart"]:
        click.echo("nothing is different; files that it names are read again")
