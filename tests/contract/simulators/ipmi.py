"""virtualbmc's BMCs over machines in memory: `python -m ... USER PASSWORD NAME=PORT...`."""

from __future__ import annotations

import sys

from virtualbmc.vbmc import VirtualBMC

from tests.contract.simulators import machines


def main(user: str, password: str, *places: str) -> None:
    ports = {name: int(port) for name, port in (place.split("=") for place in places)}
    kept = machines.define(list(ports))
    for name, port in ports.items():
        VirtualBMC(user, password, port, "127.0.0.1", name, machines.URI)
    print("ready", flush=True)  # noqa: T201
    VirtualBMC.listen()
    kept.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
