"""The small values: results, layouts, rights, events."""

from __future__ import annotations

import pytest

from kadeploy.domain.disk import MIB, Role, disk_place, parse_size, partition_path
from kadeploy.domain.event import EVENTS, NodeFailed, OperationEnded, StepEnded, from_json, to_json
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience
from kadeploy.domain.result import NO_ANSWER, Result
from kadeploy.domain.rights import Right, refused
from kadeploy.testing.sites import LAYOUT

ABC = NodeSet(("a", "b", "c"))


def test_a_node_in_neither_set_failed_and_one_in_both_failed() -> None:
    result = Result(ok=NodeSet(("a", "b", "stranger")), ko={"b": "broken"}).settle(ABC)
    assert result.ok == NodeSet(("a",))
    assert result.ko == {"b": "broken", "c": NO_ANSWER}


def test_a_node_that_failed_anywhere_failed() -> None:
    merged = Result.merge(Result(ok=ABC), Result(ok=NodeSet(("a",)), ko={"c": "late"}))
    assert merged.ok == NodeSet(("a", "b"))
    assert merged.ko == {"c": "late"}


@pytest.mark.parametrize(
    ("device", "path"),
    [
        ("/dev/sda", "/dev/sda3"),
        ("/dev/vda", "/dev/vda3"),
        ("/dev/nvme0n1", "/dev/nvme0n1p3"),
        ("/dev/mmcblk0", "/dev/mmcblk0p3"),
    ],
)
def test_partition_names(device: str, path: str) -> None:
    assert partition_path(device, 3) == path


@pytest.mark.parametrize(
    ("device", "place"),
    [("/dev/sda", 0), ("/dev/vdb", 1), ("/dev/xvdc", 2), ("/dev/nvme0n1", 0), ("/dev/nvme2n1", 2), ("/dev/md0", 0)],
)
def test_which_disk_of_a_machine_it_is(device: str, place: int) -> None:
    assert disk_place(device) == place


@pytest.mark.parametrize(("text", "size"), [("512M", 512 * MIB), ("4G", 4096 * MIB), ("1.5GiB", 1536 * MIB), (42, 42)])
def test_sizes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["12GO", "", "-4G", "4 G B"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)


def test_a_layout_knows_its_roles_and_its_least_size() -> None:
    assert LAYOUT.number_of(Role.DEPLOY) == 3
    assert LAYOUT.number_of(Role.PROD) is None
    assert LAYOUT.least_size == (64 + 256 + 3072 + 16 + 2) * MIB


def test_rights_cover_nodes_and_partitions() -> None:
    rights = [Right(user="u", node="a"), Right(user="u", node="b", partition="/dev/vda3")]
    assert refused(rights, ABC, at=1.0) == NodeSet(("c",))
    assert refused(rights, ABC, {"a": "/dev/vda3", "b": "/dev/vda2", "c": "/dev/vda3"}, at=1.0) == NodeSet(("b", "c"))
    assert not refused([Right(user="u")], ABC, at=1.0)


def test_every_event_travels_through_json() -> None:
    ended = StepEnded(
        operation="D-1",
        at=1.5,
        cluster="c",
        set="0",
        macro="m",
        instance="i",
        micro="s",
        turn=0,
        seconds=2.0,
        ok="a",
        ko={"b": "x"},
    )
    failed = NodeFailed(operation="D-1", at=2.0, cluster="c", set="0", node="b", macro="m", micro="s", reason="x")
    over = OperationEnded(operation="D-1", at=3.0, state="done", ok="a", ko="b")
    for event in (ended, failed, over):
        assert from_json(to_json(event)) == event
        assert to_json(event)["kind"] in EVENTS


def test_patience_waits_for_most_and_then_a_little() -> None:
    patience = Patience(quorum=0.6, grace=0.5, least=10)
    assert not patience.is_reached(59, 100)
    assert patience.is_reached(60, 100)
    assert patience.is_reached(1, 1)
