"""A boot's token that somebody has read is of no use from another machine's address."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Network

import pytest

from kadeploy.boot.catalog import Catalog
from tests.integration.agents.world import KnownTokens, Server, serving, until
from tests.integration.security.test_lying_agents import PATIENCE, liar
from tests.unit.boot.memory import MemoryTargets, site_with_macs

SITE = site_with_macs(3, address="127.0.5.{index}")


def heard(server: Server, source: str) -> str:
    """What node-1's own token brings who calls from there."""

    async def ask() -> str:
        async with liar(server.port, source=source) as thief:
            thief.say(thief.hello("node-1", "secret"))
            said = await thief.hears()
            return str(said["kind"])

    return asyncio.run(ask())


def kinds(sources: Sequence[str], *, also_from: Sequence[str] = ()) -> list[str]:
    tokens = KnownTokens()
    tokens.expect("node-1", "secret")
    catalog = Catalog(SITE, MemoryTargets(), also_from=[IPv4Network(one) for one in also_from])

    async def run() -> list[str]:
        async with asyncio.timeout(PATIENCE), serving(tokens, may_be=catalog.may_come_from) as server:
            told = []
            for source in sources:
                before = server.meeting.session("node-1")
                told.append(await asyncio.to_thread(heard, server, source))
                if told[-1] == "welcome":
                    await until(lambda: server.meeting.session("node-1") is None)
                else:
                    assert server.meeting.session("node-1") is before
            return told

    return asyncio.run(run())


@pytest.mark.parametrize("thief", ["127.0.5.2", "127.0.0.1", "127.0.6.1"])
def test_a_stolen_token_is_refused_from_elsewhere_and_serves_its_node_still(thief: str) -> None:
    assert kinds([thief, "127.0.5.1", thief]) == ["refused", "welcome", "refused"]


def test_nodes_whose_addresses_are_translated_come_from_configured_networks() -> None:
    assert kinds(["127.0.6.9", "127.0.7.1", "127.0.5.1"], also_from=["127.0.6.0/24"]) == [
        "welcome",
        "refused",
        "welcome",
    ]
