"""`kadmin check` as a command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import yaml

from kadeploy.admin.check import Verdict
from kadeploy.admin.check import check as checked
from kadeploy.admin.opened import DIRECTORY, usual_directory
from kadeploy.errors import BadConfiguration


@click.command()
@click.argument("directory", metavar="[DIR]", type=click.Path(path_type=Path), default=usual_directory)
@click.option("--config", "named", type=DIRECTORY, help="The same as DIR (default: /etc/kadeploy).")
@click.option("-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="As -o json.")
def check(directory: Path, named: Path | None, output: str, as_json: bool) -> None:
    """Say everything that is wrong in the configuration; exit code 1 if anything is.

    Each fault and each warning is one line with its file, its path in there, and what was expected. Warnings alone are
    no failure.
    """
    looked_at = named or directory
    if not looked_at.is_dir():
        raise BadConfiguration(f"there is no directory {looked_at}")
    verdict = checked(looked_at)
    click.echo(_shown(verdict, looked_at, "json" if as_json else output))
    sys.exit(1 if verdict.faults else 0)


def _shown(verdict: Verdict, directory: Path, output: str) -> str:
    told = {"faults": list(verdict.faults), "warnings": list(verdict.warnings)}
    match output:
        case "json":
            return json.dumps(told, indent=2)
        case "yaml":
            return yaml.safe_dump(told, sort_keys=False, width=200).rstrip()
    lines = [f"fault: {fault}" for fault in verdict.faults] + [f"warning: {warning}" for warning in verdict.warnings]
    return "\n".join(lines if verdict.faults else [*lines, f"the configuration in {directory} is valid"])
