"""Several sets at one place as one."""

from __future__ import annotations

from kadeploy.domain.nodeset import NodeSet
from kadeploy.engine.gathering import together
from kadeploy.engine.plan import Place
from kadeploy.engine.ticket import Ticket

HERE = Place(stage=1, step=1)


def ticket(name: str, nodes: str, *, began: float, entered: float, excused: float = 0.0) -> Ticket:
    own = NodeSet.parse(nodes)
    return Ticket(
        operation="D-1",
        cluster="sim",
        set=name,
        place=HERE,
        nodes=own,
        began=began,
        entered=entered,
        strength=len(own),
        excused=excused,
        children=2,
    )


def test_the_first_set_goes_on_with_all_nodes_and_nobody_loses_time() -> None:
    first = ticket("0.1", "n-[1-2]", began=100.0, entered=110.0)
    late = ticket("0.2", "n-3", began=150.0, entered=155.0, excused=7.0)
    merged = together([first, late], at=200.0)
    assert (merged.set, merged.place, merged.children) == ("0.1", HERE, 2)
    assert (str(merged.nodes), merged.strength, merged.entered) == ("n-[1-3]", 3, 200.0)
    # 10 of the first one's seconds have counted, and 5 - 7 of the other's, which are now everybody's.
    assert merged.began + merged.excused == 150.0 + 7.0 + (200.0 - 155.0)
