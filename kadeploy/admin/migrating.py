"""`kadmin migrate`: from the files of Kadeploy3 to ours. Nothing that is there is overwritten."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from kadeploy.admin.opened import DIRECTORY
from kadeploy.config.documents import CLIENT, SERVER, SINGLE, located, read_originals
from kadeploy.config.findings import Findings
from kadeploy.config.load import Examined, examine
from kadeploy.config.migrated import migrated
from kadeploy.errors import AlreadyExists, BadConfiguration


@click.command()
@click.argument("directory", metavar="DIR", type=DIRECTORY)
@click.option("--to", "target", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Default: DIR.")
@click.option("-n", "--dry-run", is_flag=True, help="Show the file, and write nothing.")
def migrate(directory: Path, target: Path | None, dry_run: bool) -> None:
    """Write kadeploy.yaml from the configuration files of Kadeploy3 in DIR.

    What has no meaning any more is left out with a comment in its place. The new file is read back before it is put
    there, and must say the same. It is never overwritten: a second run finds that there is nothing to do.
    """
    files = _files(directory)
    _prove(directory, files[SINGLE])
    if dry_run:
        click.echo(files[SINGLE], nl=False)
        return
    place = target or directory
    todo = {place / name: text for name, text in files.items() if _is_to_write(place / name, text)}
    place.mkdir(parents=True, exist_ok=True)
    mode = located(directory, SERVER, Findings()).stat().st_mode & 0o777
    for path, text in todo.items():
        _write(path, text, mode if path.name == SINGLE else 0o644)
        click.echo(f"{path} is written")
    if not todo:
        click.echo(f"{place / SINGLE} is there and says the same: nothing to do")


def _files(directory: Path) -> Mapping[str, str]:
    """What is to be there, by name. Raises BadConfiguration."""
    found = examine(directory, read_originals)
    if found.findings.faults:
        told = "".join(f"\n  {fault}" for fault in found.findings.faults)
        raise BadConfiguration(f"{directory} cannot be migrated before this is put right:{told}")
    files = {SINGLE: migrated(found, directory.absolute())}
    client = located(directory, CLIENT, Findings())
    return {**files, CLIENT: client.read_text()} if client.exists() else files


def _prove(directory: Path, text: str) -> None:
    """That the new file says what the old ones do. Raises BadConfiguration."""
    with tempfile.TemporaryDirectory(prefix="kadmin-migrate-") as scratch:
        (Path(scratch) / SINGLE).write_text(text)
        before, after = examine(directory, read_originals), examine(Path(scratch))
    if after.findings.faults or not _same(before, after):
        told = "".join(f"\n  {fault}" for fault in after.findings.faults)
        raise BadConfiguration(f"what would be written does not say what {directory} says; please report this:{told}")


def _same(before: Examined, after: Examined) -> bool:
    return before.server == after.server and before.site == after.site


def _is_to_write(path: Path, text: str) -> bool:
    if not path.exists():
        return True
    if path.read_text() != text:
        raise AlreadyExists(
            f"{path} is there and says something else", hint="move it away, or choose --to another place"
        )
    return False


def _write(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
