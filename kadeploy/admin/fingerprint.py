"""`kadmin fingerprint`: what users compare when they first log in."""

from __future__ import annotations

from pathlib import Path

import click

from kadeploy.admin.opened import configured, never_ran
from kadeploy.cli.fingerprint import for_people
from kadeploy.config.load import load_server
from kadeploy.errors import BadConfiguration
from kadeploy.securing import now, wanted_tls
from kadeploy.tls.authority import is_authority_there, read_authority
from kadeploy.tls.contexts import authority_fingerprint, top_of


@click.command()
@configured
def fingerprint(directory: Path) -> None:
    """Show the fingerprint of the authority that `kadeploy login` asks about."""
    wanted = wanted_tls(load_server(directory))
    if wanted.given is not None:
        pem = top_of(wanted.given[0])
    elif is_authority_there(wanted.directory):
        pem = read_authority(wanted.directory, now=now()).pem
    elif not wanted.api:
        raise BadConfiguration("the server does not speak TLS, as security.secure_server says: there is no fingerprint")
    else:
        raise never_ran(directory, f"authority in {wanted.directory} yet")
    click.echo(for_people(authority_fingerprint(pem)))
