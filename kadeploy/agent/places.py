"""The node's place in a chain, from when it is opened until it is used. One at a time: a new one ends the last."""

from __future__ import annotations

from kadeploy.broadcast.relay import Place, open_place
from kadeploy.errors import CommandFailed


class Places:
    def __init__(self) -> None:
        self._open: dict[str, Place] = {}

    def open(self, name: str) -> int:
        """The port it listens on. Raises CommandFailed."""
        self.close()
        try:
            place = open_place()
        except OSError as error:
            raise CommandFailed(f"no place in the chain could be opened: {error.strerror}") from error
        self._open[name] = place
        return place.port

    def take(self, name: str) -> Place:
        """Whoever takes it closes it. Raises CommandFailed when it is gone."""
        place = self._open.pop(name, None)
        if place is None:
            raise CommandFailed("the node's place in the chain is gone: the agent was restarted, or a later one opened")
        return place

    def close(self) -> None:
        for place in self._open.values():
            place.close()
        self._open.clear()
