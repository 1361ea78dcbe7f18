"""`kadmin`: what is done on the server itself, by who may read its files, whether `kadeployd` runs or not.

A command's module, which may bring the database and more, is loaded when the command is named.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Final, cast

import click

from kadeploy.cli.later import load
from kadeploy.errors import KadeployError

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {  # name: its module, where it has the same name, and its help
    "audit": ("kadeploy.admin.audit", "Show who did what to which nodes, when, from where, and with what result."),
    "cache": ("kadeploy.admin.cache", "The files that are kept on this server: fetched, and sent by users."),
    "check": (
        "kadeploy.admin.checking",
        "Say everything that is wrong in the configuration; exit code 1 if anything is.",
    ),
    "fingerprint": (
        "kadeploy.admin.fingerprint",
        "Show the fingerprint of the authority that `kadeploy login` asks about.",
    ),
    "install": (
        "kadeploy.admin.installing",
        "Install an environment from elsewhere: bring its files here, and record it.",
    ),
    "migrate": ("kadeploy.admin.migrating", "Write kadeploy.yaml from the configuration files of Kadeploy3 in DIR."),
    "import": (
        "kadeploy.admin.importing",
        "Take environments, rights, states of nodes and statistics from a dump of Kadeploy3's database.",
    ),
    "reload": ("kadeploy.admin.reloading", "Have the running server read its configuration again."),
    "token": ("kadeploy.admin.tokens", "Tokens to show to the API: made, listed and revoked for anybody."),
}


class Commands(click.Group):
    """Those of the table, each loaded when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        attribute = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        return cast(click.Command, getattr(load(COMMANDS[cmd_name][0]), attribute))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kadeploy")
def kadmin() -> None:
    """Administer a Kadeploy server, on the server."""


def main() -> None:
    """The entry point: a fault is a sentence and exit code 1."""
    name = Path(sys.argv[0]).name
    try:
        kadmin.main(prog_name=name, standalone_mode=False)
    except KadeployError as error:
        click.echo(f"{name}: {error}", err=True)
        sys.exit(1)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        if said := str(error.__cause__ or error):  # click makes an Abort of a Ctrl-C
            click.echo(f"{name}: {said}", err=True)
        sys.exit(130)
