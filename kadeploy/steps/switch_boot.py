"""`switch_pxe`: make the nodes boot something else next time."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.boot import BootTarget, Profile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.step import Context, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchBoot:
    """A `profile` takes the place of the target. `only_from_minimal` leaves nodes alone that boot something else than
    the minimal environment."""

    target: BootTarget
    profile: Profile | None = None
    only_from_minimal: bool = False

    name = "switch_pxe"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        boot, only = context.services.boot, self.only_from_minimal
        results = [
            await boot.set(some, target, only_from_minimal=only) for target, some in self._targets(nodes).items()
        ]
        return StepResult(result=Result.merge(*results))

    def _targets(self, nodes: NodeSet) -> dict[BootTarget, NodeSet]:
        """Nodes that boot the same are told together."""
        if self.profile is None:
            return {self.target: nodes}
        groups: dict[BootTarget, set[str]] = {}
        for name in nodes:
            groups.setdefault(self.profile.target_of(name), set()).add(name)
        return {target: NodeSet(names) for target, names in groups.items()}
