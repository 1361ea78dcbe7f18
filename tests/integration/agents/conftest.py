from __future__ import annotations

import pytest

from tests.integration.agents.world import KnownTokens


@pytest.fixture
def tokens() -> KnownTokens:
    """The server expects node-1 with `secret`."""
    known = KnownTokens()
    known.expect("node-1", "secret")
    return known
