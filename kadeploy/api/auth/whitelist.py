"""Which hosts an authentication scheme is for: addresses, networks, host names, and `/patterns/` of host names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from kadeploy.api.auth.names import Names
from kadeploy.domain.hosts import Network, parse_host
from kadeploy.errors import BadConfiguration


class Whitelist:
    """Raises BadConfiguration for an entry that is none of the four."""

    def __init__(self, entries: Sequence[str], names: Names | None = None) -> None:
        self._names = names or Names()
        self._networks: list[Network] = []
        self._hosts: list[str] = []
        self._patterns: list[re.Pattern[str]] = []
        for entry in entries:
            self._add(entry)

    async def allows(self, address: str) -> bool:
        try:
            numeric = _plain(address)
        except ValueError:
            return False
        if any(numeric in network for network in self._networks if network.version == numeric.version):
            return True
        for host in self._hosts:
            if str(numeric) in await self._names.addresses(host):
                return True
        if not self._patterns:
            return False
        known = await self._names.names(str(numeric))
        return any(pattern.search(name) for pattern in self._patterns for name in known)

    def _add(self, entry: str) -> None:
        try:
            found = parse_host(entry)
        except ValueError as error:
            raise BadConfiguration(f"whitelist: {error}") from error
        if isinstance(found, re.Pattern):
            self._patterns.append(found)
        elif isinstance(found, str):
            self._hosts.append(found)
        else:
            self._networks.append(found)


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 client of an IPv6 socket is the IPv4 address it is (RFC 4291, 2.5.5.2)."""
    numeric = ipaddress.ip_address(address.partition("%")[0])
    mapped = numeric.ipv4_mapped if isinstance(numeric, ipaddress.IPv6Address) else None
    return mapped or numeric
