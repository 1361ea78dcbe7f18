"""How hosts are named in a whitelist: addresses, networks, host names, and `/patterns/` of host names."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_NUMBERS: Final = re.compile(r"[\d.]+")


def parse_host(entry: str) -> Network | re.Pattern[str] | str:
    """A text is a host's name. Raises ValueError for what is none of the four."""
    if len(entry) > 2 and entry.startswith("/") and entry.endswith("/"):
        try:
            return re.compile(entry[1:-1])
        except re.error as error:
            raise ValueError(f"{entry} is not a pattern: {error}") from error
    try:
        return ip_network(entry, strict=False)
    except ValueError as error:
        if not _NAME.fullmatch(entry) or _NUMBERS.fullmatch(entry):
            raise ValueError(f"{entry!r} is neither an address, a network, a host name nor a /pattern/") from error
        return entry
