"""`kadeploy login` and `kadeploy logout`: a server to trust, and a token of one's own to show to it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
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
from kadeploy.cli.tool import make_tool, print_json
from kadeploy.domain import api_token
from kadeploy.domain.access import Scope
from kadeploy.errors import KadeployError, NotAuthenticated

DAY: Final = 86400  # seconds
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
    wanted: dict[str, object] = {"name": f"kadeploy login on {platform.node()}"[:100], "scope": scope}
    if days is not None:
        wanted["lifetime"] = days * DAY
    token = _token(given, replace(server, token=""), user, wanted)
    with Client(replace(server, token=token), user) as client:
        known = cast(Mapping[str, Any], client.get("/whoami"))
    login = Login(user=str(known["user"]), authority=server.authority, token=token)
    path = write_logins(home, read_logins(home).having(server.url, login))
    if given.flag("as_json"):
        print_json({**known, "server": server.url, "file": str(path)})
    else:
        print(f"logged in to {server.url} as {known['user']}, {known['role']} (kept in {path})")
    if not server.url.startswith("https:"):
        print("This server does not speak TLS: the token can be read on the way to it.", file=sys.stderr)
    return 0


def _token(given: Given, server: Server, user: str, wanted: Json) -> str:
    shown = given.text("token")
    if shown is not None:
        text = shown or str(click.prompt("Token", hide_input=True, err=True)).strip()
        return text if text.startswith(api_token.PREFIX) else _made(replace(server, token=text), user, None, wanted)
    password = given.text("password")
    if password is None:
        try:
            return _made(server, user, None, wanted)
        except Refused as error:
            if error.status != NotAuthenticated.status or not error.challenge.startswith("Basic"):
                raise
            if not sys.stdin.isatty():
                raise
    return _made(server, user, password or _asked(user), wanted)


def _made(server: Server, user: str, password: str | None, wanted: Json) -> str:
    with Client(server, user, password=password) as client:
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
            with Client(server, user) as client:
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
