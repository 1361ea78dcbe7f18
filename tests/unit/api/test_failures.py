"""How often somebody may be wrong, and that remembering it costs no more than so much."""

from __future__ import annotations

import pytest

from kadeploy.api.auth import failures
from kadeploy.api.auth.failures import FailureLimit, network_of
from kadeploy.errors import TooManyFailures


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def limit(clock: Clock, per_user: int = 3, per_address: int = 5) -> FailureLimit:
    return FailureLimit(per_user=per_user, per_address=per_address, within=60.0, clock=clock)


def test_it_is_by_user_and_address_and_passes_with_time() -> None:
    clock = Clock()
    counted = limit(clock)
    for _ in range(3):
        counted.check("10.0.0.1", "alice")
        counted.note("10.0.0.1", "alice")
    clock.now += 20
    with pytest.raises(TooManyFailures) as caught:
        counted.check("10.0.0.1", "alice")
    assert caught.value.wait == pytest.approx(40)
    counted.check("10.0.0.1", "bob")
    counted.check("10.0.0.2", "alice")
    clock.now += 40
    counted.check("10.0.0.1", "alice")


def test_an_address_that_tries_many_users_is_stopped() -> None:
    counted = limit(Clock())
    for user in ("a", "b", "c", "d", "e"):
        counted.note("10.0.0.1", user)
    with pytest.raises(TooManyFailures):
        counted.check("10.0.0.1", "f")
    counted.check("10.0.0.2", "f")


def test_the_memory_is_bounded_and_the_oldest_is_forgotten() -> None:
    counted = limit(Clock(), per_address=1)
    for number in range(failures.REMEMBERED + 1):
        counted.note(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(counted._counts) == failures.REMEMBERED
    counted.check("10.0.0.0")
    with pytest.raises(TooManyFailures):
        counted.check("10.0.0.1")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_address_of_ipv6_counts_with_its_neighbours(address: str, network: str) -> None:
    assert network_of(address) == network
