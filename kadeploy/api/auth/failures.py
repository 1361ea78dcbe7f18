"""How often somebody may be wrong about who they are: counted by address, and by address and user together.

Not by user alone: anybody could then shut out anybody else. What is guessed is passwords; who shows a credential that
cannot be guessed, and is right, is never refused for others' failures.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from kadeploy.errors import TooManyFailures

REMEMBERED: Final = 10_000  # counts that are kept; the oldest go first
_LONGEST: Final = 64  # characters of a user's name that count

_Key = tuple[str, str]


class FailureLimit:
    """`within` is in seconds, from the first failure; `clock` counts seconds."""

    def __init__(
        self, *, per_user: int, per_address: int, within: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_user = per_user
        self._per_address = per_address
        self._within = within
        self._clock = clock
        self._counts: OrderedDict[_Key, tuple[float, int]] = OrderedDict()

    def check(self, address: str, user: str = "") -> None:
        """Raises TooManyFailures."""
        for key, most in self._keys(address, user):
            since, count = self._counts.get(key, (0.0, 0))
            wait = since + self._within - self._clock()
            if count >= most and wait > 0:
                raise TooManyFailures("too many failures to say who you are", wait=max(1.0, wait))

    def note(self, address: str, user: str = "") -> None:
        now = self._clock()
        for key, _ in self._keys(address, user):
            since, count = self._counts.pop(key, (now, 0))
            self._counts[key] = (since, count + 1) if now - since < self._within else (now, 1)
        while len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)

    def _keys(self, address: str, user: str) -> list[tuple[_Key, int]]:
        whence = network_of(address)
        keys: list[tuple[_Key, int]] = [((whence, ""), self._per_address)]
        if user:
            keys.append(((whence, user[:_LONGEST]), self._per_user))
        return keys


def network_of(address: str) -> str:
    """The address; of IPv6 its /64, which is one customer's to choose addresses from (RFC 6177)."""
    try:
        numeric = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(numeric, ipaddress.IPv6Address):
        if numeric.ipv4_mapped:
            return str(numeric.ipv4_mapped)
        return str(ipaddress.ip_network((numeric, 64), strict=False))
    return str(numeric)
