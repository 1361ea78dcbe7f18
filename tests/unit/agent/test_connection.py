from __future__ import annotations

from kadeploy.agent.connection import Silence, patience_in, pause_before
from kadeploy.domain.meeting import BEAT_INTERVAL, SILENCE_LIMIT


def test_pauses_grow_to_five_seconds_and_are_spread() -> None:
    assert [pause_before(attempt, 1.0) for attempt in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert pause_before(10_000, 0.0) == 2.5


def test_each_try_is_more_patient_than_the_one_before_to_a_limit() -> None:
    assert [patience_in(attempt) for attempt in range(5)] == [10.0, 20.0, 40.0, 60.0, 60.0]
    assert patience_in(10_000) == 60.0


def test_silence_is_death_within_15_seconds_of_the_last_byte() -> None:
    now = 0.0
    silence = Silence(lambda: now)
    while not silence.is_dead():
        now += BEAT_INTERVAL
    assert SILENCE_LIMIT < now <= 15.0


def test_a_byte_is_life() -> None:
    now = 0.0
    silence = Silence(lambda: now)
    for _ in range(100):
        now += BEAT_INTERVAL
        silence.hear()
        assert not silence.is_dead()


def test_when_it_was_us_who_stood_still_the_peer_is_forgiven() -> None:
    now = 0.0
    silence = Silence(lambda: now)
    now += 100.0
    assert not silence.is_dead()
    for _ in range(4):
        now += BEAT_INTERVAL
        dead = silence.is_dead()
    assert dead
