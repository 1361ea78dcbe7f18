"""A relay as a process of its own, spoken to in lines of JSON: for tests, benchmarks and whoever has no agent.

    stdin:   {"orders": Reception, "sink": SinkOrder}
    stdout:  {"port": 40123, "digests": ["sha256"]}  {"progress": Progress} ...  {"outcome": Outcome}

It ends early when its standard input does.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import threading
from typing import Any, NoReturn

from kadeploy.broadcast.digests import KNOWN
from kadeploy.broadcast.reception import Progress, Reception
from kadeploy.broadcast.relay import open_place, receive
from kadeploy.broadcast.sink import SinkOrder


def leave() -> NoReturn:
    """Take part, and be gone. There is nothing to tidy up that the kernel does not; to take the interpreter apart costs
    20 ms of the processor, at the moment when all hosts of one machine end and the last of them still works."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> int:
    parser = argparse.ArgumentParser(description="Take part in a broadcast.")
    parser.add_argument("--host", default="", help="the address to listen at (default: all)")
    parser.add_argument("--verbose", action="store_true", help="say on standard error what happens")
    options = parser.parse_args()
    level = logging.INFO if options.verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(asctime)s %(threadName)s: %(message)s")
    place = open_place(options.host)
    _say({"port": place.port, "digests": KNOWN})
    line = sys.stdin.readline()
    if not line:
        place.close()
        return 1
    try:
        said = json.loads(line)
        orders, sink = Reception.from_json(said["orders"]), SinkOrder.from_json(said["sink"]).sink()
    except (LookupError, TypeError, ValueError) as error:
        place.close()
        sys.stderr.write(f"the orders for the broadcast cannot be read: {error}\n")
        return 1
    stop = threading.Event()
    threading.Thread(target=_await_end, args=(stop,), daemon=True).start()
    outcome = receive(place, orders, sink, _report, stop)
    _say({"outcome": outcome.to_json()})
    return 0 if outcome.ok else 1


def _report(progress: Progress) -> None:
    _say({"progress": progress.to_json()})


def _say(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _await_end(stop: threading.Event) -> None:
    while sys.stdin.readline():
        pass
    stop.set()


if __name__ == "__main__":
    leave()
