"""`kacast`: a file to many hosts at once, over SSH and one chain, with nothing installed on them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from kadeploy.broadcast.file_sink import USUAL_MODE
from kadeploy.broadcast.order import CHAIN, Shape
from kadeploy.broadcast.reception import DEFAULTS
from kadeploy.cast.given import as_file, comes_through_a_pipe, mode_of
from kadeploy.cast.target import BadTarget, parse_target, sink_of
from kadeploy.cast.wanted import Access, Cast, Lists
from kadeploy.cli.later import load
from kadeploy.domain.spread import Spread
from kadeploy.errors import KadeployError

PERFORM = "kadeploy.cast.perform"
WRONG, INTERRUPTED = 1, 130
MB = 1_000_000
EPILOG = """\b
Examples:
  kacast image.tar node[1-40]:/tmp/
  kacast image.tar.zst node[1-40]:/mnt --into 'zstd -dc | tar -x -C /mnt'
  kacast disk.img root@node[1-40]:/dev/sdb --device
  tar -c folder | kacast - node[1-40]:/srv --into 'tar -x -C /srv'

\b
Exit codes:
  0     every host has it
  1     none has, or wrong options
  2     some have not
  130   interrupted with Ctrl-C, which ends it on all hosts"""


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.argument("target", metavar="HOSTS:PATH")
@click.option("--into", "pipeline", default="", help="Commands that read the file there: 'zstd -dc | tar -x -C /mnt'.")
@click.option("--device", is_flag=True, help="PATH is a block device, which is overwritten.")
@click.option("-l", "--user", default="", help="Log in as this user.")
@click.option("-F", "--ssh-config", multiple=True, type=click.Path(exists=True), help="SSH configuration to read.")
@click.option("--any-host-key", is_flag=True, help="Do not check who the hosts are: for networks that you trust.")
@click.option("--python", default="python3", help="Python on the hosts (default: python3).")
@click.option(
    "--rate",
    default=0.0,
    type=click.FloatRange(min=0),
    metavar="MB",
    help="MB a second that each machine sends at most (default: no limit).",
)
@click.option(
    "--memory",
    default=0,
    type=click.IntRange(min=0),
    metavar="MB",
    help="MB of memory that each host may use (default: half of what is free).",
)
@click.option(
    "--tree",
    default=0,
    type=click.IntRange(0, 64),
    metavar="N",
    help="Each machine feeds N others, in place of a chain.",
)
@click.option(
    "--timeout",
    default=20.0,
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="To log in, and for the relay to start there (default: 20).",
)
@click.option(
    "-o", "--output-ok-nodes", "ok_file", type=click.Path(path_type=Path), help="Write the hosts that have it."
)
@click.option("-n", "--output-ko-nodes", "ko_file", type=click.Path(path_type=Path), help="Write those that have not.")
@click.option("--json", "as_json", is_flag=True, help="Tell how each host ended, for programs, on standard output.")
@click.version_option(package_name="kadeploy", message="%(prog)s %(version)s")
def kacast(
    file: Path,
    target: str,
    pipeline: str,
    device: bool,
    user: str,
    ssh_config: tuple[str, ...],
    any_host_key: bool,
    python: str,
    rate: float,
    memory: int,
    tree: int,
    timeout: float,
    ok_file: Path | None,
    ko_file: Path | None,
    as_json: bool,
) -> None:
    """Send FILE to PATH on all HOSTS at once. For instance: kacast image.tar node[1-40]:/tmp/

    Hosts need SSH and Python 3.11; they pass the file on to each other, and check every byte of it. FILE may be -, for
    standard input.
    """
    is_piped = comes_through_a_pipe(file)
    try:
        where = parse_target(target, "" if is_piped else file.name)
        sink = sink_of(where, pipeline, device, USUAL_MODE if is_piped else mode_of(file))
    except BadTarget as error:
        raise click.UsageError(str(error)) from error
    bytes_a_second = int(rate * MB)
    limits = replace(DEFAULTS, rate=bytes_a_second)
    wanted = Cast(
        file=file,
        hosts=where.hosts,
        sink=sink,
        access=Access(
            user=where.user or user, config=ssh_config, python=python, timeout=timeout, any_host_key=any_host_key
        ),
        shape=Shape(form=Spread.TREE, arity=tree) if tree else CHAIN,
        limits=replace(limits, spool_limit=memory * MB, spool_least=0) if memory else limits,
        rate=bytes_a_second,
    )
    with as_file(file) as image:
        wanted = replace(wanted, file=image)
        sys.exit(load(PERFORM).perform(wanted, Lists(ok=ok_file, ko=ko_file), as_json=as_json))


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point: a fault is a sentence and exit code 1."""
    try:
        kacast.main(args=None if argv is None else list(argv), prog_name="kacast", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        _stop(f"{error.format_message()} (kacast -h lists the options)", WRONG)
    except KadeployError as error:
        _stop(str(error), WRONG)
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error), WRONG)
    except (click.Abort, KeyboardInterrupt):
        _stop("interrupted: it is ended on all hosts", INTERRUPTED)


def _stop(said: str, code: int) -> NoReturn:
    click.echo(f"kacast: {said}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
