"""The command line of `kadeployd`, there at once: the server itself is loaded when it is to be started."""

from __future__ import annotations

from pathlib import Path

import click

from kadeploy.cli.later import load
from kadeploy.domain.nodeset import LARGEST

DAEMON = "kadeploy.daemon"


@click.command("kadeployd", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kadeploy")
@click.option(
    "--config",
    "directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Directory of server.conf, clusters.conf and the clusters' files (default: /etc/kadeploy).",
)
@click.option("-p", "--pidfile", type=click.Path(path_type=Path, dir_okay=False), help="Write the process number here.")
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
@click.option("--simulate", type=click.IntRange(1, LARGEST), help="Serve so many simulated nodes instead of real ones.")
@click.option("--simulate-speed", default=10.0, help="How many times faster than real nodes they are (default: 10).")
@click.option("--simulate-faults", default=0.0, help="Share of simulated nodes that are faulty, as 0.05 (default: 0).")
@click.option("--simulate-domain", default="", help="What follows the names of simulated nodes, as site.example.org.")
def main(
    directory: Path | None,
    pidfile: Path | None,
    verbose: bool,
    simulate: int | None,
    simulate_speed: float,
    simulate_faults: float,
    simulate_domain: str,
) -> None:
    """The Kadeploy server: installs operating systems on the nodes of its clusters."""
    load(DAEMON).start(
        directory=directory,
        pidfile=pidfile,
        verbose=verbose,
        simulate=simulate,
        simulate_speed=simulate_speed,
        simulate_faults=simulate_faults,
        simulate_domain=simulate_domain,
    )
