"""Is a reader slower than what comes? Watched by its source, which alone sees both."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

from kadeploy.broadcast.heal import evidence, holds_back, is_steady, watch_for

APART = 0.05  # seconds between two looks
DOUBT = 2.0  # seconds of a reader that one is excused for which its source waited for a processor
PARTS = 16  # of the time in which a reader has fallen behind


@dataclass(frozen=True, slots=True)
class Look:
    """At the source and one of its readers, `at` a moment: bytes that have come, and that the reader has taken: what is
    still under way to it is not.

    Seconds in all for which the source could take no more, having no memory left: `blocked`, for whatever reason,
    `held`, since this reader had not taken what was kept for it. `waited`: for which the source itself had to wait for
    a processor, and so was late with all that it does; `withheld`: for which it might not send more to this reader, by
    its own limit.
    """

    at: float
    came: int
    taken: int
    blocked: float = 0.0
    held: float = 0.0
    waited: float = 0.0
    withheld: float = 0.0


class Pace:
    """`share`: a reader slower than the stream by less is not minded. `size`: of the image, in bytes."""

    def __init__(self, share: float, size: int) -> None:
        self.said = ""  # what was last seen, in words
        self._looks: deque[Look] = deque()
        self._share, self._size = share, size
        self._could = 0.0  # bytes a second

    def is_due(self, at: float) -> bool:
        """Whether it is time for another look. The longer it takes, the fewer."""
        looks = self._looks
        return not looks or at - looks[-1].at >= max(APART, (looks[-1].at - looks[0].at) / 200)

    def is_holding_back(self, look: Look) -> bool:
        """Looks that follow too soon are passed over."""
        if not self.is_due(look.at):
            return False
        looks = self._looks
        looks.append(look)
        self._measure_stream()
        if self._could <= 0:
            return False
        whole = self._size / self._could
        while look.at - looks[0].at > watch_for(whole, self._share):
            looks.popleft()
        low = min(looks, key=self._behind)
        since, fallen = look.at - low.at, self._behind(look) - self._behind(low)
        could_give = since - _excuse(look) + _excuse(low)
        if could_give <= 0:
            return False
        rate = (look.taken - low.taken) / could_give
        self.said = (
            f"of {self._could / 1e6:.1f} MB/s that came it took {rate / 1e6:.1f}, and fell {fallen / 1e6:.1f} MB "
            f"behind in {since:.2f} s"
        )
        return self._is_steady_since(low) and holds_back(
            fallen=int(fallen),
            rate=rate,
            could=self._could,
            share=self._share,
            left=self._size - look.taken,
            needed=evidence(whole, self._share),
        )

    def _measure_stream(self) -> None:
        first, last = self._looks[0], self._looks[-1]
        span = last.at - first.at
        flowing = span - (last.blocked - first.blocked)
        if last.came < self._size and flowing > span / 10:
            self._could = (last.came - first.came) / flowing

    def _behind(self, look: Look) -> float:
        """Bytes. What the source could not take for want of memory counts, too: it would have come. What it may not
        have given for want of a processor does not, twice over: where one is short of them, others may be more so."""
        return look.came - look.taken + self._could * (look.held - _excuse(look))

    def _is_steady_since(self, low: Look) -> bool:
        looks = [one for one in self._looks if one.at >= low.at]
        span = looks[-1].at - low.at
        ends = [self._behind_at(looks, low.at + span * part / PARTS) for part in range(PARTS + 1)]
        return is_steady([later - sooner for sooner, later in pairwise(ends)], len(looks) - 1, span)

    def _behind_at(self, looks: list[Look], moment: float) -> float:
        """Between two looks, it went on evenly."""
        after = min(bisect_right(looks, moment, key=lambda look: look.at), len(looks) - 1)
        one, other = looks[after - 1], looks[after]
        share = (moment - one.at) / (other.at - one.at)
        return self._behind(one) * (1 - share) + self._behind(other) * share


def _excuse(look: Look) -> float:
    """Seconds in all for which it was the source that did not give."""
    return DOUBT * look.waited + look.withheld
