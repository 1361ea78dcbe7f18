"""The first step of what needs files, and what it tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from kadeploy.domain.awaited import Fetched, FetchedFile, WantedFile
from kadeploy.domain.image import LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.fetcher import ReportFetched
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.fetch_files import FetchFiles
from kadeploy.testing.clock import LoopClock, run_jumping
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.sites import site_of

WANTED = tuple(WantedFile(number=number, url=f"http://web/{number}") for number in range(2))
SIZE = 1000


class Fetcher:
    """Implements ports.fetcher.Fetcher: each file takes ten seconds and comes byte by byte."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def fetch(self, operation: str, wanted: Sequence[WantedFile], report: ReportFetched) -> Fetched:
        for one in wanted:
            self.asked.append(one.number)
            await asyncio.sleep(10)
            for done in range(SIZE + 1):
                report(done, SIZE)
        return {one.number: FetchedFile(file=LocalFile(path="/x", size=SIZE, sha256="a" * 64)) for one in wanted}


class Told:
    def __init__(self, count: int, fetcher: Fetcher | None, **more: object) -> None:
        self.nodes = NodeSet(site_of(count).nodes)
        self.progress: list[tuple[str, int, int]] = []
        self.kept: dict[int, FetchedFile] = {}
        self.decided: list[str] = []
        clock = LoopClock()
        cluster = SimulatedCluster(site_of(count), clock, seed=1)
        self.context = Context(
            services=replace(cluster.services, fetcher=fetcher),
            operation="D-1",
            user="alice",
            cluster="sim",
            key="D-1/sim/0/0.0.0.0",
            began=0.0,
            entered=0.0,
            turn=0,
            time_left=3600.0,
            report=lambda node, done, total: self.progress.append((node, done, total)),
            decide=self.decided.append,
            keep=self.kept.update,
            **more,  # type: ignore[arg-type]
        )

    def run(self) -> StepResult:
        return run_jumping(FetchFiles(wanted=WANTED).run(self.context, self.nodes))


def test_what_comes_is_told_of_every_node_in_parts() -> None:
    few = Told(2, Fetcher())
    assert few.run().result.ok == few.nodes
    assert set(few.kept) == {0, 1}
    assert few.decided == ["2 files are here, 0.0 MiB"]
    assert [done for node, done, _ in few.progress if node == "node-1"][:3] == [0, 10, 20]
    many = Told(200, Fetcher())
    many.run()
    assert len([node for node, *_ in many.progress if node == "node-1"]) == 2 * 21


def test_what_is_here_is_not_fetched_again() -> None:
    here = FetchedFile(file=LocalFile(path="/x", size=1, sha256="b" * 64))
    fetcher = Fetcher()
    assert Told(1, fetcher, fetched={0: here}).run().result.ok
    assert fetcher.asked == [1]
    assert Told(1, fetcher, fetched={0: here, 1: here}).run().result.ok
    assert fetcher.asked == [1]


@pytest.mark.parametrize(
    ("limit", "fetcher", "why"),
    [(15.0, Fetcher(), "the files did not come within 15 s"), (None, None, "this server fetches no files")],
)
def test_what_keeps_it_from_having_them(limit: float | None, fetcher: Fetcher | None, why: str) -> None:
    told = Told(2, fetcher, limit=limit)
    assert set(told.run().result.ko.values()) == {why}
    assert not told.kept
