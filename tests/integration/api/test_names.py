"""Host names through the system's resolver."""

from __future__ import annotations

import asyncio

from kadeploy.api.auth.names import Names
from kadeploy.api.auth.whitelist import Whitelist


def test_the_local_resolver_is_asked() -> None:
    assert asyncio.run(Whitelist(["localhost"]).allows("127.0.0.1"))
    assert not asyncio.run(Whitelist(["no-such-host.invalid"]).allows("127.0.0.1"))


def test_an_address_without_a_name_has_none() -> None:
    assert asyncio.run(Names().names("192.0.2.1")) == frozenset()
