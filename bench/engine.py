"""What the engine, the store and the API cost at scale: `python -m bench.engine`, every run in a process of its own.

Nodes are simulated and the clock jumps over all waiting, so that wall time is overhead and nothing else; everything
else is what a server runs: use cases, DBOS and SQLite on the disk, events, node states, the API on a socket.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass

from bench.api_probe import Told
from bench.jumping_server import USER, JumpingServer, jumping_server
from kadeploy import serving
from kadeploy.api.app import create_app
from kadeploy.api.auth.chain import chain_of
from kadeploy.api.console_ports import ConsolePorts, PortPolicy
from kadeploy.api.server import Settings
from kadeploy.composition import settle_memory
from kadeploy.domain.event import NodesDone
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind, Progress
from kadeploy.drivers.window import SlotWindow
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import Fault

MIB = 1024.0
ASKED = 1500  # requests: the slowest percent of them are fifteen


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`deployments` of `nodes` each; so many of all nodes are dead; `wide`: the reboot window lets everybody in.
    `probed`: the same again and again until the API has answered so many requests meanwhile."""

    nodes: int
    deployments: int = 1
    dead: int = 0
    wide: bool = False
    probed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Seconds of wall time and of this process's processors, each time, MiB at the peak, how many nodes were installed,
    simulated seconds until the median node was and until all had ended; milliseconds of the API's answers, sorted, by
    path, and of the slowest percent of what the probe itself was late."""

    wall: float
    cpu: float
    memory: float
    ok: int
    median: float
    last: float
    took: Mapping[str, list[float]]
    late: float = 0.0


def main() -> None:
    if len(sys.argv) > 1:
        case = Case(**json.loads(sys.argv[1]))
        settle_memory()
        print(json.dumps(asdict(run_jumping(measure(case)))))
        return
    small, large = run(Case(nodes=1000)), run(Case(nodes=10_000))
    tell("1 deployment of 1,000 nodes", small)
    tell("1 deployment of 10,000 nodes", large)
    print(f"  from 1,000 to 10,000 nodes: {large.wall / small.wall:.1f} times the time")
    tell("100 deployments of 100 nodes at once", run(Case(nodes=100, deployments=100)))
    tell("10,000 nodes again and again, the API asked all along", run(Case(nodes=10_000, probed=ASKED)))
    again = run(Case(nodes=100, deployments=100, probed=ASKED))
    tell("100 deployments of 100 nodes again and again, the API asked all along", again)
    healthy, sick = run(Case(nodes=1000, wide=True)), run(Case(nodes=1000, dead=10, wide=True))
    tell("1,000 nodes that all reboot at once", healthy)
    tell("the same with 10 of them dead", sick)
    print(f"  the median healthy node ends {100 * (sick.median / healthy.median - 1):+.2f} % later (simulated time)")


def run(case: Case) -> Measured:
    """In a process of its own, so that its peak of memory is its own."""
    argv = [sys.executable, "-m", "bench.engine", json.dumps(asdict(case))]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def tell(what: str, measured: Measured) -> None:
    print(f"{what}:")
    print(f"  {measured.wall:6.1f} s wall, {measured.cpu:.1f} s of processors, {measured.memory:.0f} MiB at the peak")
    print(f"  {measured.ok} nodes installed, the median one after {measured.median:.0f} s, in simulated time")
    print(f"  all had ended after {measured.last:.0f} s, in simulated time")
    if measured.took:
        for path, took in {**measured.took, "all": sorted(itertools.chain(*measured.took.values()))}.items():
            middle, slowest = took[len(took) // 2], took[int(len(took) * 0.99)]
            print(
                f"  API, {len(took):5} requests: median {middle:4.0f} ms, slowest 1 % {slowest:4.0f} ms, "
                f"slowest {took[-1]:4.0f} ms {path}"
            )
        print(f"  of which the probe itself: slowest 1 % {measured.late:.0f} ms")
    sys.stdout.flush()


async def measure(case: Case) -> Measured:
    total = case.nodes * case.deployments
    faults = {f"node-{1 + index * total // case.dead}": Fault.NEVER_BOOTS for index in range(case.dead)}
    window = SlotWindow(total) if case.wide else None
    async with jumping_server(total, faults=faults, window=window) as server:
        began, start, cpu = time.monotonic(), server.side.clock.now(), time.process_time()
        wanted = [f"node-[{1 + index * case.nodes}-{(index + 1) * case.nodes}]" for index in range(case.deployments)]
        rounds: list[Round] = []
        before: list[str] = []  # nobody asks about these any more
        told = Told()
        async with probed(server, case.probed, told) if case.probed else nullcontext() as probe:
            while not rounds or (probe is not None and probe.poll() is None):
                begun = [await server.deploy(nodes) for nodes in wanted]
                if probe is not None:
                    ask_about(probe, begun[0])
                await server.until_all_have_ended()
                wall, used = time.monotonic() - began, time.process_time() - cpu
                rounds.append(await outcomes(server, begun, start))
                if probe is not None:
                    await forget(server, before)
                before = begun
        ok, ends, last = rounds[-1]
        return Measured(
            wall=wall / len(rounds),
            cpu=used / len(rounds),
            memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB,
            ok=ok,
            median=ends[len(ends) // 2],
            last=last,
            took={path: sorted(1000 * seconds for seconds in times) for path, times in told.took.items() if times},
            late=1000 * sorted(told.late)[int(len(told.late) * 0.99)] if told.late else 0.0,
        )


Round = tuple[int, list[float], float]


async def outcomes(server: JumpingServer, started: list[str], start: float) -> Round:
    """How many nodes are installed, after how many seconds each was, sorted, and after how many all had ended."""
    ok, ends, last = 0, [], 0.0
    for operation_id in started:
        operation = await server.inside.operations.get(operation_id)
        ok += len(operation.having(Progress.OK))
        last = max(last, operation.ended - start)
        async for _, event in server.inside.use_cases.events.follow(operation_id):
            if isinstance(event, NodesDone):
                ends += [event.at - start] * len(NodeSet.parse(event.nodes))
    return ok, sorted(ends), last


async def forget(server: JumpingServer, ended: list[str]) -> None:
    """As the tools do when they have told how it ended: a list that only grows would be measured otherwise."""
    for operation_id in ended:
        await server.inside.use_cases.running.delete(USER, OperationKind.DEPLOYMENT, operation_id)


@asynccontextmanager
async def probed(server: JumpingServer, least: int, told: Told) -> AsyncIterator[subprocess.Popen[str]]:
    """Serve the API, and have it asked so often from another process, which then ends; fills `told` in at the end."""
    listening = serving.listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    config, use_cases = server.config, server.inside.use_cases
    chain = chain_of(config.authentication, config.roles, use_cases.tokens, administrators=config.administrators)
    app = create_app(use_cases, chain, Settings(), ConsolePorts(use_cases.consoles, PortPolicy()))
    api = asyncio.create_task(serving.serve(app, listening))
    try:
        with tempfile.TemporaryFile("w+") as said:  # a pipe would fill before the probe has ended
            argv = [sys.executable, "-m", "bench.api_probe", "127.0.0.1", str(port), str(least)]
            probe = await asyncio.to_thread(
                lambda: subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=said, text=True)
            )
            try:
                yield probe
            finally:
                await asyncio.to_thread(probe.communicate)
            said.seek(0)
            heard = json.load(said)
    finally:
        api.cancel()
        await asyncio.gather(api, return_exceptions=True)
    told.took, told.late, told.errors = (heard[key] for key in ("took", "late", "errors"))
    if told.errors:
        raise RuntimeError(f"{len(told.errors)} requests failed: {told.errors[0]}")


def ask_about(probe: subprocess.Popen[str], operation_id: str) -> None:
    with suppress(BrokenPipeError):  # it has asked enough
        assert probe.stdin is not None
        probe.stdin.write(f"{operation_id}\n")
        probe.stdin.flush()


if __name__ == "__main__":
    main()
