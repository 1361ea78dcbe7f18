from __future__ import annotations

from kadeploy.domain.expected import PlannedMacro, expected
from kadeploy.plans.show_expected import NOTHING, text, to_json
from tests.unit.domain.histories import step, trip

PLAN = (
    PlannedMacro(macro="Set", instance="One", steps=("boot",)),
    PlannedMacro(macro="Send", instance="Chain", steps=("send_environment", "sync")),
)


def past(boot: float, send: float, **more: int) -> object:
    return trip(
        step("Set", "boot", boot),
        step("Send", "send_environment", send, instance="Chain"),
        step("Send", "sync", 1.0, instance="Chain"),
        **more,
    )


def test_nothing_is_known_of_nothing() -> None:
    assert expected(PLAN, [], nodes=4) is None
    assert expected(PLAN, [(trip(step("Other", "x", 1.0)), 5)], nodes=4) is None
    assert text(None) == NOTHING
    assert to_json(None) is None


def test_the_median_and_nine_of_ten_are_of_nodes_not_of_trips() -> None:
    found = expected(PLAN, [(past(100.0, 10.0), 8), (past(160.0, 10.0), 2)], nodes=10)  # type: ignore[list-item]
    assert found is not None
    assert found.whole is not None
    assert (found.whole.median, found.whole.slow, found.whole.nodes) == (111.0, 171.0, 10)
    assert "nine of ten within 2 min 51 s (from 10 nodes)" in text(found)
    told = to_json(found)
    assert told is not None
    assert told["macro_steps"][1]["micro_steps"][1] == {
        "name": "sync",
        "expected": {"median": 1.0, "slow": 1.0, "nodes": 10},
    }


def test_sending_takes_as_long_as_the_image_is_large() -> None:
    found = expected(PLAN, [(past(100.0, 10.0, image_size=10**9), 10)], nodes=10, image_size=3 * 10**9)  # type: ignore[list-item]
    assert found is not None
    assert found.macros[1].duration is not None
    assert found.macros[1].duration.median == 31.0


def test_retries_and_fallbacks_of_a_macro_step_are_part_of_its_time() -> None:
    tried = trip(step("Set", "boot", 100.0, tries=2), step("Set", "boot", 40.0, instance="Two"))
    other = trip(step("Set", "boot", 7.0, instance="Two"))
    found = expected(PLAN[:1], [(tried, 1), (other, 9)], nodes=1)
    assert found is not None
    assert found.macros[0].duration is not None
    assert (found.macros[0].duration.median, found.macros[0].duration.nodes) == (140.0, 1)


def test_operations_of_a_similar_size_count_if_there_are_enough() -> None:
    small, large = past(50.0, 1.0, strength=10), past(500.0, 1.0, strength=5000)
    found = expected(PLAN, [(small, 30), (large, 5000)], nodes=20)  # type: ignore[list-item]
    assert found is not None
    assert found.whole is not None
    assert found.whole.median == 52.0
    found = expected(PLAN, [(small, 10), (large, 5000)], nodes=20)  # type: ignore[list-item]
    assert found is not None
    assert found.whole is not None
    assert found.whole.median == 502.0


def test_a_whole_that_nobody_went_is_the_sum_of_its_parts() -> None:
    parts = [(trip(step("Set", "boot", 60.0)), 3), (trip(step("Send", "sync", 5.0, instance="Chain")), 2)]
    found = expected(PLAN, parts, nodes=2)
    assert found is not None
    assert found.whole is not None
    assert (found.whole.median, found.whole.nodes) == (65.0, 2)
    alone = expected(PLAN, parts[:1], nodes=2)
    assert alone is not None
    assert alone.whole is None
    assert "not known of every macro-step" in text(alone)
