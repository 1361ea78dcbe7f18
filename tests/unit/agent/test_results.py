from __future__ import annotations

from pathlib import Path

from kadeploy.agent.results import KEPT, Results
from kadeploy.domain.meeting import Ended

OK = Ended(key="k/1", ok=True, output="fine")


def test_a_result_is_kept_until_acknowledged_and_remembered_after(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.begin("k/1", "sync")
    assert results.of("k/1") is None
    results.end(OK)
    assert Results(tmp_path).unacknowledged() == results.unacknowledged() == (OK,)
    results.acknowledge("k/1")
    again = Results(tmp_path)
    assert again.unacknowledged() == ()
    assert again.of("k/1") == OK


def test_what_was_running_has_failed(tmp_path: Path) -> None:
    Results(tmp_path).begin("k/1", "format")
    failed = Ended(key="k/1", ok=False, reason="the agent was restarted while it ran format")
    for _ in range(2):
        assert Results(tmp_path).unacknowledged() == (failed,)


def test_what_is_forgotten_never_was(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.begin("k/1", "format")
    results.forget("k/1")
    results.acknowledge("k/1")
    assert Results(tmp_path).of("k/1") is None
    assert not list(tmp_path.iterdir())


def test_a_write_that_was_cut_off_is_none(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.begin("k/1", "format")
    results.end(OK)
    (tmp_path / "cut.new").write_text('{"key": "k')
    assert Results(tmp_path).of("k/1") == OK


def test_the_memory_has_a_limit_but_never_loses_what_is_not_acknowledged(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.begin("kept", "sync")
    results.end(Ended(key="kept", ok=True))
    for number in range(KEPT + 20):
        results.begin(str(number), "sync")
        results.end(Ended(key=str(number), ok=True))
        results.acknowledge(str(number))
    assert results.of("kept") is not None
    assert results.of("0") is None
    assert results.of(str(KEPT + 19)) is not None
    assert len(list(tmp_path.iterdir())) <= KEPT + 3
