"""Following events over lost connections, on a scripted server and a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kadeploy.cli.follow import Arrived, Back, Failed, Follower, Lost, Told
from kadeploy.cli.refused import Refused
from kadeploy.domain.event import Event, OperationEnded
from kadeploy.errors import KadeployError, Unavailable
from tests.unit.cli.story import BEGAN, Teller, deployment

Connection = list[tuple[int, Event]] | KadeployError
EVENTS = list(enumerate(deployment(), 1))
LAST = EVENTS[-1]
LOST = Unavailable("Connection refused")


class Script:
    """Each connection tells its events above `after`, or fails; then the network is cut."""

    def __init__(self, *connections: Connection, ended: OperationEnded | None = None, patience: float = 600) -> None:
        self.connections = list(connections)
        self.ended = ended
        self.asked_after: list[int] = []
        self.told: list[Told] = []
        self.now = 0.0
        self.follower = Follower(
            connect=self.connect,
            settled=self.settled,
            put=self.told.append,
            patience=patience,
            sleep=self.sleep,
            clock=lambda: self.now,
        )

    def connect(self, *, after: int, opened: Callable[[], None]) -> Iterator[tuple[int, Event]]:
        self.asked_after.append(after)
        here = self.connections.pop(0) if len(self.connections) > 1 else self.connections[0]
        if isinstance(here, KadeployError):
            raise here
        opened()
        yield from here

    def settled(self) -> OperationEnded | None:
        return self.ended

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def run(self) -> list[Told]:
        self.follower.run()
        return self.told

    def events(self) -> list[Event]:
        return [item.event for item in self.told if isinstance(item, Arrived)]


def test_an_undisturbed_stream_is_told_as_it_is() -> None:
    script = Script(EVENTS)
    script.run()
    assert script.events() == [event for _, event in EVENTS]
    assert len(script.told) == len(EVENTS)


def test_a_stream_cut_in_the_middle_is_resumed_where_it_stopped() -> None:
    script = Script(EVENTS[:7], EVENTS[7:])
    script.run()
    assert script.asked_after == [0, 7]
    assert script.events() == [event for _, event in EVENTS]
    assert not [item for item in script.told if isinstance(item, Lost)], "one short loss is nobody's business"


def test_a_server_that_is_away_for_a_while_is_waited_for_with_a_notice() -> None:
    script = Script(EVENTS[:7], LOST, LOST, LOST, EVENTS[7:])
    told = script.run()
    assert script.events() == [event for _, event in EVENTS]
    notices = [item for item in told if isinstance(item, Lost)]
    assert [notice.reason for notice in notices] == ["Connection refused"] * 3
    assert notices[-1].left < notices[0].left
    assert sum(isinstance(item, Back) for item in told) == 1


def test_numbered_events_told_again_are_dropped() -> None:
    script = Script(EVENTS[:7], EVENTS)
    script.run()
    assert script.events() == [event for _, event in EVENTS]


def test_progress_comes_with_a_number_already_told_and_is_not_dropped() -> None:
    progress = next(Teller().progress("send_environment", node_1=1))
    script = Script([EVENTS[0], EVENTS[1], (2, progress), LAST])
    script.run()
    assert progress in script.events()


def test_patience_ends() -> None:
    script = Script(EVENTS[:7], LOST, patience=60)
    last = script.run()[-1]
    assert isinstance(last, Failed)
    assert str(last.error) == "gave up after 60 s: Connection refused"
    assert 60 <= script.now < 70


def test_a_refusal_is_final() -> None:
    refusal = Refused("there is no such operation", status=400, code=1)
    script = Script(refusal)
    assert script.run() == [Failed(error=refusal)]


def test_a_stream_that_ends_without_its_last_event_is_settled_by_the_resource() -> None:
    ended = OperationEnded(operation="D-1", at=BEGAN, state="done", ok="n-1", ko="")
    script = Script(EVENTS[:7], ended=ended)
    assert script.run()[-1] == Arrived(event=ended)
