from __future__ import annotations

import asyncio
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from kadeploy.domain.node import Bmc, BmcKind, Node
from kadeploy.drivers.power.driver import PowerRefused, PowerTimings
from kadeploy.drivers.power.redfish import RedfishPower
from tests.integration.drivers.plain_bmc import PlainBmc, serving

BOTH = ("On", "ForceOff")


def node_at(url: str) -> Node:
    bmc = Bmc(driver=BmcKind.REDFISH, url=url, system="1", user="admin", password="secret")
    return Node(name="node-1", cluster="c", address="192.0.2.1", block_device="/dev/sda", bmc=bmc)


def driver() -> RedfishPower:
    return RedfishPower(timings=PowerTimings(look=0.01, settle=1.0), threads=2)


def test_a_bmc_that_cannot_restart_is_switched_off_and_on_and_waited_for() -> None:
    with serving(PlainBmc(BOTH, ["On"])) as bmc:
        asyncio.run(driver().cycle(node_at(bmc.url)))
        assert bmc.orders == ["ForceOff", "On"]
        assert bmc.states == ["On"]


def test_a_session_is_opened_once_for_an_order_and_closed_after_it() -> None:
    with serving(PlainBmc(BOTH, ["Off"])) as bmc:
        asyncio.run(driver().on(node_at(bmc.url)))
        assert bmc.opened == 1
        assert not bmc.sessions


def test_what_is_as_ordered_is_left_alone() -> None:
    with serving(PlainBmc(BOTH, ["On"])) as bmc:
        asyncio.run(driver().on(node_at(bmc.url)))
        assert not bmc.orders


def test_an_order_the_bmc_does_not_offer_is_told_and_the_session_closed() -> None:
    with serving(PlainBmc(("On",), ["On"])) as bmc:
        with pytest.raises(PowerRefused, match="the BMC offers no way to switch off"):
            asyncio.run(driver().off(node_at(bmc.url)))
        assert not bmc.sessions


def test_a_state_nobody_knows_is_told() -> None:
    refusal = pytest.raises(PowerRefused, match="does not say whether the node is on or off")
    with serving(PlainBmc(BOTH, ["Undecided"])) as bmc, refusal:
        asyncio.run(driver().status(node_at(bmc.url)))


def test_a_web_server_that_is_no_bmc_is_told(tmp_path: Path) -> None:
    (tmp_path / "redfish/v1").mkdir(parents=True)
    (tmp_path / "redfish/v1/index.html").write_text("welcome")

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with pytest.raises(PowerRefused, match="does not speak Redfish"):
                asyncio.run(driver().status(node_at(f"http://127.0.0.1:{server.server_port}")))
        finally:
            server.shutdown()
            thread.join()
