"""Addresses of servers that are none: said as a sentence, before anything is asked of anybody."""

from __future__ import annotations

import pytest

from kadeploy.cli.servers import Server
from kadeploy.cli.transport import Transport
from kadeploy.errors import BadConfiguration


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:x", "Invalid port"),
        ("http://127.0.0.1:99999", "there is no port 99999"),
    ],
)
def test_what_is_no_address_is_said_to_be_none(url: str, why: str) -> None:
    server = Server(name="there", url=url, origin="-S")
    with pytest.raises(BadConfiguration, match=f"{url} is not an address: {why}"):
        Transport(server, {}, login=None, trace=None, patience=None)
