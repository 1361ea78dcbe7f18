"""The command line of `kadeployd`, there at once: the server itself is loaded when it is to be started."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path
from types import FrameType

import click

from kadeploy.cli.later import load
from kadeploy.detaching import Detachment
from kadeploy.domain.nodeset import LARGEST

DAEMON = "kadeploy.daemon"


def _domain(context: click.Context, parameter: click.Parameter, text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text):
        raise click.BadParameter(f"{text!r} is not a domain, as site.example.org")
    return text


@click.command("kadeployd", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kadeploy")
@click.option(
    "--config",
    "directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Directory of server.conf, clusters.conf and the clusters' files (default: /etc/kadeploy).",
)
@click.option("-p", "--pidfile", type=click.Path(path_type=Path, dir_okay=False), help="Write the process number here.")
@click.option("-d", "--detach", is_flag=True, help="Leave the terminal; logs go to KADEPLOY_LOG_DIR.")
@click.option("-I", "keeps_input", is_flag=True, help="With -d: leave standard input as it is.")
@click.option("-O", "keeps_output", is_flag=True, help="With -d: leave standard output as it is.")
@click.option("-E", "keeps_error", is_flag=True, help="With -d: leave standard error, where the log goes, as it is.")
@click.option("-S", "--no-dh-seeds", "no_seeds", is_flag=True, help="Kadeploy3's; has no meaning any more.")
@click.option("--ruby-debug", is_flag=True, hidden=True)
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
@click.option("--simulate", type=click.IntRange(1, LARGEST), help="Serve so many simulated nodes instead of real ones.")
@click.option(
    "--simulate-speed",
    type=click.FloatRange(0, LARGEST, min_open=True),
    default=10.0,
    help="How many times faster than real nodes they are (default: 10).",
)
@click.option(
    "--simulate-faults",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Share of simulated nodes that are faulty, as 0.05 (default: 0).",
)
@click.option(
    "--simulate-domain",
    default="",
    callback=_domain,
    help="What follows the names of simulated nodes, as site.example.org.",
)
@click.option("--simulate-clusters", type=click.IntRange(1, 100), default=1, help="In so many clusters (default: 1).")
def main(
    directory: Path | None,
    pidfile: Path | None,
    detach: bool,
    keeps_input: bool,
    keeps_output: bool,
    keeps_error: bool,
    no_seeds: bool,
    ruby_debug: bool,
    verbose: bool,
    simulate: int | None,
    simulate_speed: float,
    simulate_faults: float,
    simulate_domain: str,
    simulate_clusters: int,
) -> None:
    """The Kadeploy server: installs operating systems on the nodes of its clusters."""
    if ruby_debug:
        raise click.UsageError("--ruby-debug: there is no Ruby here; -v logs more")
    if (keeps_input or keeps_output or keeps_error) and not detach:
        raise click.UsageError("-I, -O and -E say what --detach leaves as it is: they need -d")
    if no_seeds:
        click.echo("kadeployd: --no-dh-seeds has no meaning: keys are agreed on elliptic curves", err=True)
    _heed_signals()
    how = Detachment(keeps_input=keeps_input, keeps_output=keeps_output, keeps_error=keeps_error)
    load(DAEMON).start(
        detachment=how if detach else None,
        directory=directory,
        pidfile=pidfile,
        verbose=verbose,
        simulate=simulate,
        simulate_speed=simulate_speed,
        simulate_faults=simulate_faults,
        simulate_domain=simulate_domain,
        simulate_clusters=simulate_clusters,
    )


def _heed_signals() -> None:
    """Until the server itself does: it takes a second to be loaded, and may be told to stop, or to read a configuration
    again that it has not read yet."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _stop(number: int, frame: FrameType | None) -> None:
    """Nothing was begun."""
    sys.exit(0)
