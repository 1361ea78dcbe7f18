"""The broadcast, measured: `python -m bench.broadcast [chain20 faults ...]`, as root.

Every figure is a ratio of two things measured in the same run, and stands beside the bar it must reach. Hosts are
network namespaces joined by a bridge, their links shaped by tc(8). Machines that have other work to do make figures
that hang on the processor worse: each is the best of `--rounds`, and says how busy the machine was. All figures are
added to `--keep`, one line of JSON each, and what is there is drawn beside it, as a PNG.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.broadcast import faults, hops, peer_table, relay, wire
from bench.broadcast.asked import Asked
from bench.broadcast.drawing import draw
from bench.broadcast.figure import Figure, kept, read, table

BENCHES: Mapping[str, Callable[[Asked], list[Figure]]] = {
    "relay": relay.relay,
    "hops": hops.hops,
    "chain20": wire.chain20,
    "chain100": wire.chain100,
    "growth": wire.growth,
    "killed": faults.killed,
    "unplugged": faults.unplugged,
    "five": faults.five_killed,
    "slow": faults.slow,
    "peers": peer_table.peers,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the broadcast.", epilog=f"benches: {' '.join(BENCHES)}")
    parser.add_argument("benches", nargs="*", metavar="BENCH", help="which ones (default: all)")
    parser.add_argument("--rounds", type=int, default=1, help="the best of so many")
    parser.add_argument("--most-nodes", type=int, default=1000, help="to try it: with at most so many nodes")
    parser.add_argument("--most-megabytes", type=int, default=100_000, help="and an image of at most so many MB")
    parser.add_argument("--keep", type=Path, default=Path("build/bench/broadcast.jsonl"))
    options = parser.parse_args()
    if unknown := set(options.benches) - set(BENCHES):
        parser.error(f"no bench is called {' or '.join(sorted(unknown))}")
    if os.geteuid():
        parser.error("network namespaces need root")
    options.keep.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="kadeploy-bench-") as directory:
        for name in options.benches or BENCHES:
            figures = BENCHES[name](
                Asked(
                    directory=Path(directory),
                    rounds=options.rounds,
                    most_nodes=options.most_nodes,
                    most_megabytes=options.most_megabytes,
                )
            )
            print(table(figures), flush=True)
            kept(figures, options.keep)
    draw(read(options.keep), options.keep.with_suffix(".png"))
    print(f"drawn: {options.keep.with_suffix('.png')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
