from __future__ import annotations

from kadeploy.domain.health import HALF_LIFE, Verdict, health
from kadeploy.domain.state import Progress
from kadeploy.domain.statistics import Boots
from tests.unit.domain.histories import NOW, row

OK, KO, ABORTED = Progress.OK, Progress.KO, Progress.ABORTED


def scores(*rows: object, boots: tuple[Boots, ...] = ()) -> dict[str, float]:
    return {each.node: each.score for each in health(rows, boots, now=NOW)}  # type: ignore[arg-type]


def test_a_node_with_nothing_against_it_is_well() -> None:
    (well,) = health([row("node-1", "D-1")], [], now=NOW)
    assert (well.score, well.verdict, well.reason) == (100.0, Verdict.GOOD, "")


def test_one_failure_does_not_condemn_and_many_do() -> None:
    once = scores(row("node-1", "D-1", KO))["node-1"]
    often = health([row("node-1", f"D-{n}", KO) for n in range(4)], [], now=NOW)[0]
    assert once == 70.0  # 60 points times one failure in two: the success that is always added
    assert often.score == 52.0
    assert often.verdict is Verdict.VISIT
    assert often.reason == "SetOne-boot: no answer"


def test_old_failures_count_less() -> None:
    half = HALF_LIFE / 86400
    fresh = scores(row("node-1", "D-1", KO), row("node-1", "D-2", days=half))["node-1"]
    old = scores(row("node-1", "D-1", KO, days=half), row("node-1", "D-2"))["node-1"]
    assert (fresh, old) == (76.0, 88.0)
    assert scores(row("node-1", "D-1", KO, days=91)) == {}


def test_a_failure_that_the_others_had_too_is_not_the_nodes() -> None:
    everybody = [row(f"node-{n}", "D-1", KO) for n in range(5)]
    assert set(scores(*everybody).values()) == {100.0}
    two = scores(*everybody[:2], *(row(f"node-{n}", "D-1") for n in range(2, 5)))
    assert two["node-0"] == 77.5  # a quarter of the others failed there


def test_aborted_nodes_tell_nothing() -> None:
    assert scores(row("node-1", "D-1", ABORTED)) == {}


def test_boots_are_compared_with_the_clusters() -> None:
    waits = tuple(
        Boots(
            cluster="c", way="minimal", at=NOW, seconds={"node-1": 160.0, **{f"node-{n}": 100.0 for n in range(2, 6)}}
        )
        for _ in range(2)
    )
    rows = [row(f"node-{n}", "D-1") for n in range(1, 6)]
    slow = health(rows, waits, now=NOW)[0]
    assert (slow.node, slow.boot_ratio, slow.boot_seconds, slow.score) == ("node-1", 1.6, 160.0, 90.0)
    assert set(scores(*rows, boots=waits[:1]).values()) == {100.0}  # one boot says nothing


def test_retries_beyond_the_usual_count() -> None:
    rows = [row("node-1", "D-1", retries=1), *(row(f"node-{n}", "D-1") for n in range(2, 5))]
    assert scores(*rows)["node-1"] == 90.0
    assert set(scores(*(row(f"node-{n}", "D-1", retries=2) for n in range(4))).values()) == {100.0}
