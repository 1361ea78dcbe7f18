"""What every tool tells about itself and its servers instead of working: -v, -I, --show-config, --completion."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

import click
import yaml
from click.core import ParameterSource

from kadeploy.cli.client import Client, current_user
from kadeploy.cli.columns import columns
from kadeploy.cli.every_server import each_client
from kadeploy.cli.given import Given
from kadeploy.cli.later import Later, load
from kadeploy.cli.preferences import FILE, PREFERENCES, Found
from kadeploy.cli.servers import choose_server
from kadeploy.cli.tool import connected, print_json
from kadeploy.errors import Unavailable


def answer(context: click.Context, given: Given, found: Mapping[str, Found]) -> int:
    """The exit code, after what was asked first was told."""
    name = str(context.command.name)
    if (shell := given.text("completion")) is not None:
        print(load(Later.COMPLETION).script(name, shell or os.environ.get("SHELL", "")), end="")
    elif given.flag("show_config"):
        _tell_settings(context, given, found)
    elif given.flag("version"):
        _tell_versions(name, given)
    else:
        _tell_info(given)
    return 0


def _clients(given: Given) -> Iterator[Client]:
    if given.flag("multi_server"):
        yield from each_client(given)
        return
    with connected(given) as client:
        yield client


def _tell_versions(name: str, given: Given) -> None:
    own, as_json, told = metadata.version("kadeploy"), given.flag("as_json"), []
    if not as_json:
        print(f"{name} {own}", flush=True)
    for client in _clients(given):
        try:
            server = client.version()
        except Unavailable:
            if as_json:
                print_json({"client": own, "server": None, "url": client.server.url})
            raise
        told.append({"client": own, "server": server, "url": client.server.url})
        if not as_json:
            print(f"server {server} at {client.server.url}")
    if as_json:
        print_json(told if given.flag("multi_server") else told[0])


def _tell_info(given: Given) -> None:
    told = {client.server.name: client.info() for client in _clients(given)}
    info = told if given.flag("multi_server") else next(iter(told.values()))
    if given.flag("as_json"):
        print_json(info)
    else:
        print(info if isinstance(info, str) else yaml.safe_dump(info, sort_keys=False), end="")


def _tell_settings(context: click.Context, given: Given, found: Mapping[str, Found]) -> None:
    settings = {key: Found(value=value, origin=origin) for key, value, origin in _settings(context, found)}
    server = choose_server(given.text("server"), os.environ, Path.home())
    chosen = {"url": server.url, "named by": server.origin, "user": current_user(os.environ)}
    chosen["authority"] = server.ca or ("pinned by kadeploy login" if server.authority else "the system's")
    chosen["token"] = "yes" if server.token else "no"
    if given.flag("as_json"):
        told = {key: {"value": each.value, "origin": each.origin} for key, each in settings.items()}
        print_json({"settings": told, "server": chosen, "file": str(Path.home() / FILE)})
        return
    rows = [(key, each.value, each.origin, f"KADEPLOY_{key.upper()}") for key, each in settings.items()]
    for line in columns(["setting", "value", "from", "variable"], rows):
        print(line)
    print(f"\nYour file is {Path.home() / FILE}. The server:")
    for key, value in chosen.items():
        print(f"  {key}: {value}")


def _settings(context: click.Context, found: Mapping[str, Found]) -> Iterator[tuple[str, str, str]]:
    for preference in PREFERENCES:
        key, parameter = preference.key, preference.parameter
        if parameter and context.get_parameter_source(parameter) is ParameterSource.COMMANDLINE:
            value = context.params[parameter]
            yield key, str(value).lower() if isinstance(value, bool) else str(value), "an option"
        elif key in found:
            yield key, found[key].value, found[key].origin
        else:
            usual = preference.usual
            yield key, usual, "usual"
