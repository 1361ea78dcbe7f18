"""What is known of nodes: their state, what they boot, the agent's token."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from sqlalchemy import select

from kadeploy.domain.boot import LOCAL_DISK, BootKind, BootTarget
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import NodeState
from kadeploy.ports.store import IssuedToken, NodeRecord
from kadeploy.store.boot_targets import SqlBootTargets
from kadeploy.store.database import Database
from kadeploy.store.nodes import SqlNodes
from kadeploy.store.tables import AGENT_TOKENS
from kadeploy.store.tokens import SqlTokens
from tests.integration.store.figures import timed

DEPLOYED = NodeRecord(
    state=NodeState.DEPLOYED, user="alice", at=5.5, environment={"name": "debian12", "version": 1, "user": "alice"}
)
REBOOTING = NodeRecord(state=NodeState.REBOOTING, user="bob", at=6.0)


def test_a_node_is_what_was_last_made_of_it(database: Database) -> None:
    nodes = SqlNodes(database)

    async def story() -> None:
        await nodes.set(NodeSet.parse("n-[1-3]"), DEPLOYED)
        await nodes.set(NodeSet.parse("n-2"), REBOOTING)
        await nodes.set(NodeSet(), REBOOTING)
        assert await nodes.get(NodeSet.parse("n-[2-4]")) == {"n-2": REBOOTING, "n-3": DEPLOYED}
        assert await nodes.get(NodeSet()) == {}

    asyncio.run(story())


def test_boot_targets_hold_until_they_are_set_again(database: Database) -> None:
    targets = SqlBootTargets(database)
    minimal = BootTarget(kind=BootKind.MINIMAL, params="console=ttyS0")

    async def story() -> None:
        await targets.set(NodeSet.parse("n-[1-3]"), minimal)
        await targets.set(NodeSet.parse("n-2"), LOCAL_DISK)
        assert await targets.get_all() == {"n-1": minimal, "n-2": LOCAL_DISK, "n-3": minimal}

    asyncio.run(story())


def test_ten_thousand_nodes_are_set_and_read_at_once(database: Database) -> None:
    nodes, targets, everybody = SqlNodes(database), SqlBootTargets(database), NodeSet.parse("node-[1-10000]")

    async def story() -> None:
        await nodes.set(everybody, DEPLOYED)
        with timed("state and boot target of 10,000 nodes written"):
            await nodes.set(everybody, REBOOTING)
            await targets.set(everybody, LOCAL_DISK)
        with timed("state and boot target of 10,000 nodes read"):
            states, boots = await nodes.get(everybody), await targets.get_all()
        assert states == dict.fromkeys(everybody, REBOOTING)
        assert boots == dict.fromkeys(everybody, LOCAL_DISK)

    asyncio.run(story())


def test_a_token_is_replaced_at_each_boot_and_only_its_hash_is_kept(database: Database) -> None:
    tokens = SqlTokens(database)
    first, second = (hashlib.sha256(token).hexdigest() for token in (b"first", b"second"))

    async def story() -> None:
        assert await tokens.current("n-1") is None
        await tokens.issue("n-1", at=1.0, token_hash=first)
        await tokens.issue("n-2", at=1.5, token_hash=first)
        await tokens.issue("n-1", at=2.0, token_hash=second)
        assert await tokens.current("n-1") == IssuedToken(token_hash=second, issued_at=2.0)
        assert await tokens.all() == {
            "n-1": IssuedToken(token_hash=second, issued_at=2.0),
            "n-2": IssuedToken(token_hash=first, issued_at=1.5),
        }
        with pytest.raises(ValueError, match="not the token"):
            await tokens.issue("n-1", at=3.0, token_hash="first")
        rows = await database.read(lambda connection: connection.execute(select(AGENT_TOKENS)).all())
        assert "first" not in str(rows)

    asyncio.run(story())


def test_ten_thousand_nodes_that_boot_at_once_get_their_tokens(database: Database) -> None:
    tokens, digest = SqlTokens(database), hashlib.sha256(b"token").hexdigest()

    async def story() -> None:
        with timed("10,000 tokens, a call each, at once"):
            await asyncio.gather(*(tokens.issue(f"n-{number}", at=1.0, token_hash=digest) for number in range(10_000)))
        with timed("100 tokens, one after the other"):
            for number in range(100):
                await tokens.issue(f"n-{number}", at=2.0, token_hash=digest)
        assert len(await tokens.all()) == 10_000

    asyncio.run(story())
