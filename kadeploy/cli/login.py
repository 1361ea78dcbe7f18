"""`kadeploy login` and `kadeploy logout`: a server to trust, and a token of one's own to show to it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

import click

from kadeploy.cli.client import Client, Json, current_user, segment
from kadeploy.cli.fingerprint import plain, trusted
from kadeploy.cli.given import Given
from kadeploy.cli.logins import Login, read_logins, write_logins
from kadeploy.cli.options import option, optional
from kadeploy.cli.refused import Refused
from kadeploy.cli.servers import Server, choose_server
from kadeploy.cli.tool import make_tool, print_json, tracing
from kadeploy.domain import api_token
from kadeploy.domain.access import Scope
from kadeploy.errors import KadeployError, NotAuthenticated

DAY: Final = 86400  # seconds
NAME: Final = "kadeploy login on"  # how the tokens that are made here are told from others
LOGIN_EXAMPLES: Final = """\
  kadeploy login -S https://kadeploy.example.org:25300
  kadeploy login --fingerprint 4F:0A:... --password
  kadeploy login --token              asks for a token, or for one of OpenID Connect
  kadeploy login --scope read --days 7"""
LOGOUT_EXAMPLES: Final = "  kadeploy logout"

LOGIN_OPTIONS: Final = (
    option("--fingerprint", metavar="SHA256", help="Of the server's authority; without it you are asked, once."),
    optional(
        "--token", metavar="[TOKEN]", help="Keep this token, or exchange one of OpenID Connect; asks if not given."
    ),
    option("--scope", metavar="read|operate", help="What the new token is for; operate if not given."),
    option("--days", metavar="DAYS", help="How long the new token lives; as the server is configured if not given."),
)


def log_in(given: Given) -> int:
    expected = given.text("fingerprint")
    fingerprint = given.tried(lambda: plain(expected)) if expected is not None else None
    scope = given.text("scope") or Scope.OPERATE
    given.need(scope in tuple(Scope), f"--scope {scope}: must be {' or '.join(Scope)}")
    days = given.number("days", "--days", least=1)
    given.need(
        given.text("token") is None or given.text("password") is None, "--token and --password exclude each other"
    )
    given.check()
    user, home = current_user(os.environ), Path.home()
    server = trusted(choose_server(given.text("server"), os.environ, home), user, fingerprint)
    wanted: dict[str, object] = {"name": f"{NAME} {platform.node()}"[:100], "scope": scope}
    if days is not None:
        wanted["lifetime"] = days * DAY
    token = _token(given, replace(server, token=""), user, wanted)
    with Client(replace(server, token=token), user, trace=tracing(given)) as client:
        known = cast(Mapping[str, Any], client.get("/whoami"))
    login = Login(user=str(known["user"]), authority=server.authority, token=token)
    logins = read_logins(home)
    path = write_logins(home, logins.having(server.url, login))
    former = logins.of(server.url).token
    if former != token and (parts := api_token.parts(former)):
        _revoke_former(given, replace(server, token=former), user, parts[0])
    if given.flag("as_json"):
        print_json({**known, "server": server.url, "file": str(path)})
    else:
        print(f"logged in to {server.url} as {known['user']}, {known['role']} (kept in {path})")
    if not server.url.startswith("https:"):
        print("This server does not speak TLS: the token can be read on the way to it.", file=sys.stderr)
    return 0


def _revoke_former(given: Given, former: Server, user: str, token_id: str) -> None:
    """Nobody has that token any more. One that an administrator made, and others may show too, is left alone."""
    try:
        with Client(former, user, trace=tracing(given)) as client:
            tokens = cast(Sequence[Mapping[str, Any]], client.get("/tokens"))
            if any(one["id"] == token_id and str(one["name"]).startswith(NAME) for one in tokens):
                client.send("DELETE", f"/tokens/{segment(token_id)}", {})
                print(f"token {token_id}, which was kept before, is revoked", file=sys.stderr)
    except KadeployError as error:
        if not (isinstance(error, Refused) and error.status == NotAuthenticated.status):  # it has ended by itself
            print(f"token {token_id}, which was kept before, could not be revoked: {error}", file=sys.stderr)


def _token(given: Given, server: Server, user: str, wanted: Json) -> str:
    shown = given.text("token")
    if shown is not None:
        text = shown or str(click.prompt("Token", hide_input=True, err=True)).strip()
        if text.startswith(api_token.PREFIX):
            return text
        return _made(given, replace(server, token=text), user, None, wanted)
    password = given.text("password")
    if password is None:
        try:
            return _made(given, server, user, None, wanted)
        except Refused as error:
            if error.status != NotAuthenticated.status:
                raise
            if not (error.challenge.startswith("Basic") and sys.stdin.isatty()):
                told = f"{server.url} does not know who you are (say it with --password or --token)"
                raise Refused(told, status=error.status, code=error.code, challenge=error.challenge) from error
    return _made(given, server, user, password or _asked(user), wanted)


def _made(given: Given, server: Server, user: str, password: str | None, wanted: Json) -> str:
    with Client(server, user, password=password, trace=tracing(given)) as client:
        made = cast(Mapping[str, Any], client.once("POST", "/tokens", body=wanted))
    until = datetime.fromtimestamp(float(made["expires"])).strftime("%Y-%m-%d %H:%M")
    print(f"token {made['id']} to {made['scope']}, until {until}", file=sys.stderr)
    return str(made["token"])


def _asked(user: str) -> str:
    return str(click.prompt(f"Password of {user}", hide_input=True, err=True))


def log_out(given: Given) -> int:
    user, home = current_user(os.environ), Path.home()
    server = choose_server(given.text("server"), {**os.environ, "KADEPLOY_TOKEN": ""}, home)
    if not server.token:
        print(f"not logged in to {server.url}", file=sys.stderr)
        return 0
    parts = api_token.parts(server.token)
    try:
        if parts is not None:
            with Client(server, user, trace=tracing(given)) as client:
                client.send("DELETE", f"/tokens/{segment(parts[0])}", {})
    except KadeployError as error:
        print(f"the token is forgotten here, but could not be revoked: {error}", file=sys.stderr)
    write_logins(home, read_logins(home).without_token(server.url))
    print(f"logged out of {server.url}")
    return 0


LOGIN: Final = make_tool(
    "kadeploy login",
    log_in,
    about="Get a token from the server and keep it, so that the tools need no password.",
    examples=LOGIN_EXAMPLES,
    options=LOGIN_OPTIONS,
)
LOGOUT: Final = make_tool(
    "kadeploy logout", log_out, about="Revoke the kept token, and forget it.", examples=LOGOUT_EXAMPLES, options=()
)
COMMANDS: Final = {"login": LOGIN, "logout": LOGOUT}
