"""`kalab`: a cluster of virtual machines to deploy on, on this machine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console

from kadeploy.errors import Conflict, Faults, Forbidden, KadeployError
from kadeploy.lab import cluster, console, spec
from kadeploy.lab.cluster import Lab
from kadeploy.lab.site import API_PORT, SitePaths
from kadeploy.lab.status import as_json, as_table, status

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def size(text: str) -> int:
    try:
        return spec.parse_size(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def subnet(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}; write it like {spec.DEFAULT_SUBNET}") from None


def node_size(text: str) -> tuple[str, int]:
    node, _, its_size = text.partition("=")
    return node, size(its_size)


def whole_path() -> click.Path:
    return click.Path(path_type=Path, resolve_path=True)


def a_lab(command: Decorated) -> Decorated:
    """The lab a command is about: its name, or its state directory."""
    command = click.option("--state", type=whole_path(), help="State directory (default: one of the lab's name).")(
        command
    )
    return click.argument("name", default=spec.DEFAULT_NAME)(command)


@click.group()
def kalab() -> None:
    """A cluster of virtual machines to deploy on, each with a blank disk and a BMC, on a network of their own."""


@kalab.command()
@a_lab
@click.option("--nodes", type=click.IntRange(1, 200), help=f"How many (default {spec.DEFAULT_NODES}).")
@click.option(
    "--subnet", type=subnet, metavar="SUBNET", help=f"Addresses, .1 is this machine (default {spec.DEFAULT_SUBNET})."
)
@click.option("--disk-size", type=size, metavar="SIZE", help="Of every disk (default 6G).")
@click.option(
    "--disk", "disks", type=node_size, metavar="NODE=SIZE", multiple=True, help="Of one node's disk; may be repeated."
)
@click.option("--memory", type=size, metavar="SIZE", help="Of every machine (default 1G).")
@click.option("--site", type=whole_path(), help="Where kadeployd's configuration is written (default: STATE/site).")
@click.option("--minienv", type=whole_path(), help=f"Minimal environment the site uses (default {cluster.MINIENV}).")
@click.option("--images", type=whole_path(), help="Directory images may come from (default: STATE/images).")
@click.option("--api-port", type=click.IntRange(1, 65535), help=f"kadeployd's port (default {API_PORT}).")
@click.option("--tls", is_flag=True, default=None, help="Have kadeployd and the nodes' agents speak TLS.")
def up(name: str, state: Path | None, **wanted: Any) -> None:
    """Bring a lab up; its machines are off until their BMCs are told otherwise."""
    must_be_root("up")
    directory = state or cluster.LABS / name
    given = {option: value for option, value in wanted.items() if value not in (None, ())}
    if cluster.state_file(directory).exists():
        lab = Lab.load(directory)
        check_same(lab, name, given)
    else:
        lab = new_lab(directory, name, given)
    lab.up(click.echo)


@kalab.command("status")
@a_lab
@click.option("--json", "wants_json", is_flag=True, help="As JSON.")
def status_(name: str, state: Path | None, wants_json: bool) -> None:
    """How a lab's nodes are."""
    lab = Lab.load(state or cluster.LABS / name)
    found = status(lab)
    if wants_json:
        click.echo(json.dumps(as_json(found), indent=2))
    else:
        Console(width=None if sys.stdout.isatty() else 160).print(as_table(lab, found))


@kalab.command("console")
@click.argument("node")
@a_lab
@click.option(
    "--lines", type=click.IntRange(1), default=20, show_default=True, help="Lines to begin with, when following."
)
def console_(node: str, name: str, state: Path | None, lines: int) -> None:
    """A node's serial console; typed on at a terminal (left with ^]), followed elsewhere."""
    must_be_root("console")
    found = Lab.load(state or cluster.LABS / name).node(node)
    if sys.stdin.isatty() and sys.stdout.isatty():
        console.attach(found.machine.domain)
    for said in console.follow(found.serial_log, lines=lines):
        sys.stdout.write(said)
        sys.stdout.flush()


@kalab.command()
@a_lab
@click.option("--keep-disks", is_flag=True, help="Keep the disks and what is installed on them for the next `up`.")
def down(name: str, state: Path | None, keep_disks: bool) -> None:
    """End a lab and remove everything that was its own."""
    must_be_root("down")
    Lab.load(state or cluster.LABS / name).down(click.echo, keep_disks=keep_disks)


def new_lab(directory: Path, name: str, given: dict[str, Any]) -> Lab:
    shape = {key: given[key] for key in ("nodes", "subnet", "disk_size", "memory") if key in given}
    paths = SitePaths(
        state=directory / "kadeployd",
        minienv=given.get("minienv", cluster.MINIENV),
        images=given.get("images", directory / "images"),
        api_port=given.get("api_port", API_PORT),
        tls=given.get("tls", False),
    )
    wanted = spec.mixed(name, disks=dict(given.get("disks", ())), **shape)
    return Lab.new(directory, wanted, site_directory=given.get("site"), paths=paths)


def check_same(lab: Lab, name: str, given: dict[str, Any]) -> None:
    """A lab that is up keeps its shape. Raises Conflict."""
    machines, paths = lab.spec.machines, lab.state.paths
    sizes = {each.name: each.disk_size for each in machines}
    differs = {
        "name": name != lab.spec.name,
        "nodes": given.get("nodes", len(machines)) != len(machines),
        "subnet": given.get("subnet", lab.spec.subnet) != lab.spec.subnet,
        "disk-size": given.get("disk_size", machines[0].disk_size) != machines[0].disk_size,
        "disk": any(sizes.get(node) != size for node, size in given.get("disks", ())),
        "memory": given.get("memory", machines[0].memory) != machines[0].memory,
        "site": given.get("site", lab.site) != lab.site,
        "minienv": given.get("minienv", paths.minienv) != paths.minienv,
        "images": given.get("images", paths.images) != paths.images,
        "tls": given.get("tls", paths.tls) != paths.tls,
        "api-port": given.get("api_port", paths.api_port) != paths.api_port,
    }
    if different := [option for option, is_so in differs.items() if is_so]:
        what = ", ".join(different)
        raise Conflict(f"The lab {lab.spec.name} is there already, with another {what}", hint="`kalab down` it first")


def must_be_root(what: str) -> None:
    if os.geteuid() != 0:
        raise Forbidden(f"`kalab {what}` handles bridges and machines and must run as root", hint=f"sudo kalab {what}")


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point: a fault is a sentence and exit code 1."""
    try:
        kalab.main(args=None if argv is None else list(argv), prog_name="kalab", standalone_mode=False)
    except Faults as error:
        stop("\n".join(error.faults), 1)
    except KadeployError as error:
        stop(str(error), 1)
    except click.exceptions.Exit as error:
        raise SystemExit(error.exit_code) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except (click.Abort, KeyboardInterrupt):
        stop("interrupted", 130)


def stop(said: str, code: int) -> None:
    click.echo(said, err=True)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
