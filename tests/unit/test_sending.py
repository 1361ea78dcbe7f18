"""From server.conf and clusters.conf to the orders that nodes get."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kadeploy.broadcast.heads import ImageHeads, Style
from kadeploy.broadcast.reception import Reception
from kadeploy.config.load import load_site
from kadeploy.domain.image import LocalFile
from kadeploy.domain.spread import Spread
from kadeploy.ports.head import Seat
from kadeploy.sending import style_of
from tests.unit.config import files

RACKS = {1: "b", 2: "a", 3: "b", 4: "a"}


def style(directory: Path, broadcast: Mapping[str, object], before: Style | None = None) -> Style:
    server = {**files.server(directory), "broadcast": broadcast}
    nodes = [files.node(number, rack=rack) for number, rack in RACKS.items()]
    loaded = load_site(files.write(directory, server=server, clusters=files.clusters(*nodes)))
    return style_of(loaded.server.broadcast, loaded.site, before)


def orders(directory: Path, style: Style, spread: Spread = Spread.CHAIN) -> dict[str, Reception]:
    (image := directory / "image").write_bytes(bytes(5000))
    seats = [Seat(name=f"node-{number}", host="127.0.0.1", port=number) for number in RACKS]
    head = ImageHeads(style, host="127.0.0.1").open(LocalFile(path=str(image), size=5000, sha256=""))
    try:
        said = head.orders(seats, host="127.0.0.1", spread=spread)
    finally:
        head.stop()
    return {name: Reception.from_json(one) for name, one in said.items()}


def read_from(orders: dict[str, Reception]) -> dict[str, str]:
    found = {}
    for name, one in orders.items():
        first = one.shape.before(one.rank, len(one.order))[0]
        found[name] = "server" if first < 0 else one.order[first].name
    return found


def test_one_chain_goes_through_each_rack_once(tmp_path: Path) -> None:
    assert read_from(orders(tmp_path, style(tmp_path, {}))) == {
        "node-2": "server",
        "node-4": "node-2",
        "node-1": "node-4",
        "node-3": "node-1",
    }


def test_where_the_servers_link_carries_two_each_rack_has_its_chain(tmp_path: Path) -> None:
    two = style(tmp_path, {"server_link": 2500, "node_link": 1000})
    assert read_from(orders(tmp_path, two)) == {
        "node-2": "server",
        "node-4": "node-2",
        "node-1": "server",
        "node-3": "node-1",
    }


def test_a_tree_is_as_wide_as_it_is_said_to_be(tmp_path: Path) -> None:
    tree = style(tmp_path, {"tree_readers": 3})
    assert read_from(orders(tmp_path, tree, Spread.TREE)) == {
        "node-2": "server",
        "node-4": "server",
        "node-1": "server",
        "node-3": "node-2",
    }


def test_nodes_are_told_their_limits(tmp_path: Path) -> None:
    said = {"node_rate": 12.5, "memory_share": 0.25, "memory_least": 64, "silence": 5, "slow_share": 0.3}
    limits = orders(tmp_path, style(tmp_path, said))["node-1"].limits
    assert (limits.rate, limits.stall, limits.slow_share) == (12_500_000, 5.0, 0.3)
    assert limits.spool_bytes(free=1_000_000_000) == 250_000_000
    assert limits.spool_bytes(free=100_000_000) == 64_000_000


def test_after_a_reload_all_broadcasts_share_one_allowance(tmp_path: Path) -> None:
    """Those that began before it, too: else the server would send twice what it may."""
    before = style(tmp_path, {"server_rate": 10})
    assert before.allowance.wait_for("an old one", 5_000_000, 0.0) == 0.0
    after = style(tmp_path, {"server_rate": 5}, before)
    assert after.allowance is before.allowance
    assert after.allowance.rate == 5_000_000
    assert after.allowance.wait_for("an old one", 1, 0.0) == 0.5
