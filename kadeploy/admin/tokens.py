"""`kadmin token`: tokens for anybody, also when nobody can log in yet."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import click

from kadeploy.admin.opened import Administered, SystemClock, administered, configured
from kadeploy.admin.times import moment, seconds
from kadeploy.api.tokens import view
from kadeploy.cli.columns import columns
from kadeploy.domain.access import Scope
from kadeploy.domain.api_token import ApiToken
from kadeploy.operations.tokens import LOCAL, TokenOrder, Tokens
from kadeploy.securing import lifetimes
from kadeploy.store.api_tokens import SqlApiTokens


@click.group()
def token() -> None:
    """Tokens to show to the API: made, listed and revoked for anybody."""


@token.command()
@configured
@click.option("-u", "--user", required=True, help="Whose token it is.")
@click.option("--name", default="", help="What it is for, to be told apart from others.")
@click.option("--scope", type=click.Choice([scope.value for scope in Scope]), default="operate", show_default=True)
@click.option("--for", "lifetime", type=seconds, metavar="TIME", help="How long it lives, as 12h or 30d.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def create(directory: Path, user: str, name: str, scope: str, lifetime: float | None, as_json: bool) -> None:
    """Make a token, and print it: it is told this once only."""

    async def work(here: Administered) -> tuple[ApiToken, str]:
        order = TokenOrder(user=user, name=name, scope=Scope(scope), lifetime=lifetime)
        made = await _tokens(here).make(order)
        await here.note("token create", f"{made[0].id} ({scope}) for {user}")
        return made

    with administered(directory, is_made=True) as here:
        made, text = asyncio.run(work(here))
    if as_json:
        click.echo(json.dumps({**view(made), "token": text}, indent=2))
    else:
        click.echo(text)
        click.echo(f"{made.id}: for {user} to {made.scope}, until {moment(made.expires)}", err=True)


@token.command("list")
@configured
@click.option("-u", "--user", help="Of this user only.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(directory: Path, user: str | None, as_json: bool) -> None:
    """List tokens, without what is secret of them."""
    with administered(directory) as here:
        found = asyncio.run(_tokens(here).listed(LOCAL, user))
    if as_json:
        click.echo(json.dumps([view(one) for one in found], indent=2))
        return
    rows = [(one.id, one.user, one.scope, _until(one), moment(one.used), one.name) for one in found]
    for line in columns(["id", "user", "scope", "until", "last used", "name"], rows) if rows else ["no token"]:
        click.echo(line)


@token.command()
@configured
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def revoke(directory: Path, ids: tuple[str, ...]) -> None:
    """Revoke tokens: they are refused from the next request on."""

    async def work(here: Administered) -> None:
        for each in ids:
            revoked = await _tokens(here).revoke(LOCAL, each)
            await here.note("token revoke", f"{each} of {revoked.user}")
            click.echo(f"{each} of {revoked.user} is revoked")

    with administered(directory) as here:
        asyncio.run(work(here))


def _tokens(here: Administered) -> Tokens:
    return Tokens(SqlApiTokens(here.database), SystemClock(), lifetimes(here.config))


def _until(one: ApiToken) -> str:
    return "expired" if one.expires <= time.time() else moment(one.expires)
