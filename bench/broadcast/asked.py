"""What is asked of a bench: where it may write, how often it is run, and bounds for trying it on a machine in use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The best of so many `rounds` counts. Bars are for the sizes that a bench has without bounds."""

    directory: Path
    rounds: int = 1
    most_nodes: int = 1000
    most_megabytes: int = 100_000

    def nodes(self, usual: int) -> int:
        return min(usual, self.most_nodes)

    def megabytes(self, usual: int) -> int:
        return min(usual, self.most_megabytes)
