"""`kadmin`: what is done on the server itself, by who may read its files, whether `kadeployd` runs or not."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import click

from kadeploy.admin.check import check as checked
from kadeploy.admin.opened import administered, configured
from kadeploy.admin.times import moment, since
from kadeploy.admin.tokens import token
from kadeploy.cli.columns import columns
from kadeploy.cli.fingerprint import for_people
from kadeploy.config.load import load_server
from kadeploy.domain.audit import to_json
from kadeploy.errors import KadeployError
from kadeploy.securing import now, wanted_tls
from kadeploy.tls.authority import open_authority
from kadeploy.tls.contexts import authority_fingerprint, top_of


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def kadmin() -> None:
    """Administer a Kadeploy server, on the server."""


kadmin.add_command(token)


@kadmin.command()
@configured
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def check(directory: Path, as_json: bool) -> None:
    """Say everything that is wrong in the configuration; exit code 1 if anything is."""
    verdict = checked(directory)
    if as_json:
        click.echo(json.dumps({"faults": list(verdict.faults), "warnings": list(verdict.warnings)}, indent=2))
    else:
        for fault in verdict.faults:
            click.echo(f"fault: {fault}")
        for warning in verdict.warnings:
            click.echo(f"warning: {warning}")
        if not verdict.faults:
            click.echo(f"the configuration in {directory} is valid")
    sys.exit(1 if verdict.faults else 0)


@kadmin.command()
@configured
def fingerprint(directory: Path) -> None:
    """Show the fingerprint of the authority that `kadeploy login` asks about."""
    wanted = wanted_tls(load_server(directory))
    if wanted.given is not None:
        pem = top_of(wanted.given[0])
    else:
        pem = open_authority(wanted.directory, host=wanted.names[0], now=now()).pem
    click.echo(for_people(authority_fingerprint(pem)))


@kadmin.command()
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


def main() -> None:
    """The entry point: a fault is a sentence and exit code 1."""
    try:
        kadmin.main(prog_name="kadmin", standalone_mode=False)
    except KadeployError as error:
        click.echo(f"kadmin: {error}", err=True)
        sys.exit(1)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
