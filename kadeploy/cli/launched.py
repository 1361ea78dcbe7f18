"""`Launched`: an operation at its server, and all that a tool that waits for it asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from kadeploy.cli.client import Client, Json, segment
from kadeploy.cli.follow import Follower
from kadeploy.cli.watch import MakeFollower, Outcome
from kadeploy.domain.event import OperationEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind, OperationState
from kadeploy.errors import KadeployError, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """`resources` are the addresses that the server told, if it was asked to launch it."""

    client: Client
    kind: OperationKind
    wid: str
    resources: Json = field(default_factory=dict)

    @property
    def resource(self) -> str:
        return str(self.resources.get("resource", f"/{self.kind}/{segment(self.wid)}")).rstrip("/")

    def look_up(self) -> None:
        """Raises Refused for what cannot be followed; a server that does not answer now may later."""
        with suppress(Unavailable):
            self.client.get(f"{self.resource}/journal", {"limit": "1"})  # told as long as the events are

    def follower(self, patience: float) -> MakeFollower:
        events = str(self.resources.get("events", f"{self.resource}/events"))
        connect = partial(self.client.events, events)
        return partial(Follower, connect=connect, settled=self._settled, patience=patience)

    def abort(self) -> object:
        return self.client.send("DELETE", self.resource, {"cancel": True})

    def is_held(self) -> bool:
        info = self.client.get(self.resource)
        return isinstance(info, Mapping) and info.get("state") == "held"

    def expected(self) -> tuple[float, float] | None:
        """Seconds that half of the nodes should take at most, and nine of ten, of the slowest cluster; None where that
        is not known of all of them, or the server does not say."""
        try:
            told = self.client.get(f"{self.resource}/expected")
        except KadeployError:
            return None
        if not isinstance(told, Mapping) or not told:
            return None
        wholes = [known.get("whole") if isinstance(known, Mapping) else None for known in told.values()]
        pairs = [(float(one["median"]), float(one["slow"])) for one in wholes if isinstance(one, Mapping)]
        return max(pairs) if len(pairs) == len(wholes) else None

    def traces(self) -> str:
        """What nodes said so far and was not told before; raises what the server says."""
        return str(self.client.get(str(self.resources.get("debug", f"{self.resource}/debugs"))))

    def failure(self, outcome: Outcome) -> KadeployError | None:
        """Why the operation, or following it, failed as a whole; what the user interrupted has not failed."""
        if outcome.interrupted:
            return None
        if isinstance(outcome.error, Unavailable):
            return Unavailable(outcome.error.message, hint=f"kadeploy --attach {self.wid} follows it again")
        ended = outcome.board.ended
        if outcome.error or ended is None or ended.state != OperationState.ERROR:
            return outcome.error
        try:
            # Answered with the failure's own error, and its number.
            answer = self.client.get(f"{self.resource}/error")
        except KadeployError as error:
            return error
        return KadeployError(str(answer).strip() or ended.error or "the operation failed")

    def _settled(self) -> OperationEnded | None:
        """The operation's end by its resource, for when the stream ended without it."""
        info = self.client.get(self.resource)
        if not isinstance(info, Mapping) or not info.get("done") or info.get("state") == "held":
            return None
        nodes = info.get("nodes")
        nodes = nodes if isinstance(nodes, Mapping) else {}
        ok, ko = (NodeSet(nodes.get(key) or ()) for key in ("ok", "ko"))
        at = float(cast(float, info.get("start_time") or 0)) + float(cast(float, info.get("time") or 0))
        state = "error" if info.get("error") else str(info.get("state") or "done")
        return OperationEnded(operation=self.wid, at=at, state=state, ok=str(ok), ko=str(ko))
