"""Several faults come out as one error of the first one's kind."""

from __future__ import annotations

import pytest

from kadeploy.errors import InvalidEnvironment, InvalidNodes, NoRights
from kadeploy.operations.gathering import Gathering


def test_nothing_gathered_raises_nothing() -> None:
    gathering = Gathering()
    with gathering:
        pass
    gathering.settle()


def test_one_is_raised_as_it_is() -> None:
    gathering = Gathering()
    only = NoRights("no right on node-1")
    with gathering:
        raise only
    with pytest.raises(NoRights) as caught:
        gathering.settle()
    assert caught.value is only


def test_several_become_one() -> None:
    gathering = Gathering()
    twice = InvalidNodes("there is no node x")
    for error in (twice, InvalidEnvironment("no y", hint="kaenv -l"), twice):
        with gathering:
            raise error
    with pytest.raises(InvalidNodes) as caught:
        gathering.settle()
    assert str(caught.value) == "the request has 2 faults:\n  there is no node x\n  no y (kaenv -l)"


def test_a_defect_is_not_gathered() -> None:
    gathering = Gathering()
    with pytest.raises(ZeroDivisionError), gathering:
        raise ZeroDivisionError
