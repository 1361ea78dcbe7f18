"""What the user gave on the command line, decoded with every fault collected, so that all are told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from kadeploy.errors import Faults, KadeployError

T = TypeVar("T")


class Given:
    """Options by their Python names. A value that is not valid becomes a fault, and `None`."""

    def __init__(
        self,
        values: Mapping[str, object],
        *,
        preferred: Mapping[str, str] | None = None,
        descriptors: frozenset[int] = frozenset(),
        said: frozenset[str] = frozenset(),
    ) -> None:
        self._values = values
        self._said = said
        self._preferred = preferred or {}
        self.descriptors = descriptors  # which of the caller has opened for us
        self.faults: list[str] = []

    def but(self, **values: object) -> Given:
        """The same with other values, and without its faults."""
        return Given(
            {**self._values, **values}, preferred=self._preferred, descriptors=self.descriptors, said=self._said
        )

    def said(self, name: str) -> bool:
        """Whether it stands on the command line, and not in what the user has set for all of them."""
        return name in self._said

    def has(self, name: str) -> bool:
        """Whether the tool has such an option."""
        return name in self._values

    def preferred(self, key: str) -> str | None:
        """What the user has set for whenever nothing else is said."""
        return self._preferred.get(key)

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        return None if value is None else str(value)

    def texts(self, name: str) -> Sequence[str]:
        return cast(Sequence[str], self._values.get(name) or ())

    def flag(self, name: str) -> bool:
        return bool(self._values.get(name))

    def number(self, name: str, option: str, *, least: int, most: int | None = None) -> int | None:
        """A whole number within bounds."""
        text = self.text(name)
        if text is None:
            return None
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            wanted = f"from {least} to {most}" if most is not None else f"of {least} or more"
            self.faults.append(f"{option} {text}: must be a number {wanted}")
            return None
        return int(text)

    def tried(self, work: Callable[[], T]) -> T | None:
        """What `work` returns; its error becomes a fault, and None."""
        try:
            return work()
        except Faults as error:
            self.faults.extend(error.faults)
        except KadeployError as error:
            self.faults.append(str(error))
        return None

    def exactly_one(self, options: Mapping[str, str]) -> str | None:
        """Which of these (name: option) was given; none and several are faults."""
        chosen = [name for name in options if self._values.get(name) not in (None, False, ())]
        if len(chosen) == 1:
            return chosen[0]
        words = ", ".join(options.values())
        several = " and ".join(options[name] for name in chosen)
        self.faults.append(f"{several} exclude each other" if chosen else f"say what to do: one of {words}")
        return None

    def need(self, claim: object, fault: str) -> None:
        if not claim:
            self.faults.append(fault)

    def check(self) -> None:
        """Raises Faults if there are any."""
        if self.faults:
            raise Faults(list(dict.fromkeys(self.faults)))
