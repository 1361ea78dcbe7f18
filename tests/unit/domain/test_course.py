from __future__ import annotations

from kadeploy.domain.course import Courses, macro_times, step_times
from kadeploy.domain.event import StepEnded


def ended(micro: str, *, ok: str = "", ko: str = "", late: str = "", **more: object) -> StepEnded:
    known = {"macro": "Set", "instance": "One", "seconds": 2.0, "limit": 500.0, "turn": 0, **more}
    return StepEnded(
        operation="D-1",
        at=10.0,
        cluster="c",
        set="0",
        micro=micro,
        ok=ok,
        ko=dict.fromkeys(ko.split(), "why"),
        late=late,
        **known,  # type: ignore[arg-type]
    )


def test_nodes_that_went_together_share_a_course() -> None:
    courses = Courses([ended("a", ok="node-[1-3]"), ended("b", ok="node-[1-2]", ko="node-3")])
    assert courses.of("node-1") is courses.of("node-2")
    assert courses.of("node-3") != courses.of("node-1")
    assert [visited.micro for visited in courses.of("node-3")] == ["a", "b"]
    courses.let_go(["node-1", "node-9"])
    assert courses.of("node-1") == ()


def test_a_retry_is_counted_once_and_the_last_failure_is_none() -> None:
    courses = Courses(
        [
            ended("boot", ko="node-1 node-2"),
            ended("boot", ok="node-1", ko="node-2", instance="Two", seconds=5.0, limit=9.0),
        ]
    )
    (passed,), (failed,) = macro_times(courses.of("node-1")), macro_times(courses.of("node-2"))
    assert (passed.instance, passed.seconds, passed.limit, passed.retries) == ("Two", 7.0, 9.0, 1)
    assert failed.retries == 1
    assert [(step.instance, step.seconds, step.tries) for step in step_times(courses.of("node-1"))] == [
        ("One", 2.0, 1),
        ("Two", 5.0, 1),
    ]


def test_a_late_node_goes_on_in_the_same_try() -> None:
    courses = Courses([ended("boot", ok="node-1", late="node-2"), ended("boot", ok="node-2", seconds=30.0)])
    (step,) = step_times(courses.of("node-2"))
    assert (step.seconds, step.tries) == (32.0, 1)
    assert macro_times(courses.of("node-2"))[0].retries == 0


def test_tries_inside_a_visit_are_retries() -> None:
    courses = Courses([ended("format", ok="node-[1-2]", again={"node-2": 3})])
    assert [macro_times(courses.of(node))[0].retries for node in ("node-1", "node-2")] == [0, 3]


def test_macro_steps_keep_their_order() -> None:
    courses = Courses([ended("a", ok="node-1", macro="Z"), ended("b", ok="node-1", macro="A")])
    assert [macro.macro for macro in macro_times(courses.of("node-1"))] == ["Z", "A"]
