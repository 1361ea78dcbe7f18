"""`kadmin cache`: what fetched and sent files are kept, what uses them, and making room.

A server that runs holds its cache: it is then asked through its API, with a token for the moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from kadeploy.admin.asking import Json, ask
from kadeploy.admin.opened import administered, configured, never_ran
from kadeploy.admin.times import moment
from kadeploy.api.cache import view
from kadeploy.cli import units
from kadeploy.cli.client import Client
from kadeploy.cli.columns import columns
from kadeploy.config.load import load_server
from kadeploy.errors import CacheInUse
from kadeploy.fetching import open_cache
from kadeploy.files.cache import FileCache
from kadeploy.files.shelf import LOCK


@click.group()
def cache() -> None:
    """The files that are kept on this server: fetched, and sent by users."""


@cache.command("list")
@configured
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(directory: Path, as_json: bool) -> None:
    """List what is kept, where from, and what uses it."""
    told = _told(directory, _kept, lambda client: client.get("/cache"))
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    rows = [
        (
            one["sha256"][:16],
            units.size(one["size"]),
            moment(one["used"]),
            ", ".join(one["users"]),
            ", ".join(one["origins"]),
        )
        for one in told["contents"]
    ]
    for line in columns(["content", "size", "last used", "used by", "from"], rows) if rows else ():
        click.echo(line)
    half = f", and {units.size(told['half'])} of files that have come half" if told["half"] else ""
    click.echo(f"{units.size(told['size'])} of {units.size(told['limit'])}{half}")


@cache.command()
@configured
@click.argument("contents", nargs=-1, metavar="[SHA256]...")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def clean(directory: Path, contents: tuple[str, ...], as_json: bool) -> None:
    """Remove everything that nobody uses and what has come half, or these contents."""
    wanted: dict[str, object] = {"sha256": list(contents)} if contents else {}
    told = _told(
        directory, lambda kept: _cleaned(kept, contents or None), lambda client: client.send("DELETE", "/cache", wanted)
    )
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        half = f", and {units.size(told['half'])} of files that had come half" if told["half"] else ""
        click.echo(f"{units.plural(len(told['contents']), 'file')} removed, {units.size(told['size'])}{half}")


def _told(directory: Path, here: Callable[[FileCache], Json], there: Callable[[Client], object]) -> Json:
    config = load_server(directory)
    with contextlib.suppress(PermissionError):  # opening it says it better
        if not (config.cache_directory / LOCK).exists():
            raise never_ran(directory, f"cache in {config.cache_directory} yet")
    try:
        kept = open_cache(config)
    except CacheInUse:
        with administered(directory) as opened:
            return ask(opened, there, purpose="cache")
    try:
        return here(kept)
    finally:
        kept.close()


def _kept(cache: FileCache) -> Json:
    kept = cache.kept()
    told = {"limit": cache.limit, "size": sum(one.size for one in kept), "half": cache.half}
    return {**told, "contents": [view(one) for one in kept]}


def _cleaned(cache: FileCache, contents: Sequence[str] | None) -> Json:
    half = 0 if contents else cache.half
    gone = asyncio.run(cache.clean(contents))
    return {"size": sum(one.size for one in gone), "half": half, "contents": [view(one) for one in gone]}
