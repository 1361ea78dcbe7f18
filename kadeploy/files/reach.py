"""Which addresses a fetch may connect to: what a user's URL names is fetched by the server, from inside its network.

Loopback and link-local addresses (RFC 1122, RFC 3927, RFC 4291) are where machines keep what is for themselves only:
administration, metadata of clouds. They are refused unless permitted, or the very address the request came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """`own` is the address of who asks, permitted like the `permitted` networks; with `only_own` nothing but these."""

    permitted: tuple[Network, ...] = ()
    own: str = ""
    only_own: bool = False
    everything: bool = False

    def allows(self, address: Address) -> bool:
        plain = unmapped(address)
        if self.everything or plain == parse_address(self.own) or any(plain in network for network in self.permitted):
            return True
        return not self.only_own and not _is_for_the_machine_itself(plain)


def parse_address(text: str) -> Address | None:
    """None for what is none; an IPv4 address in IPv6's clothes comes out as IPv4."""
    try:
        return unmapped(ip_address(text.partition("%")[0]))
    except ValueError:
        return None


def unmapped(address: Address) -> Address:
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _is_for_the_machine_itself(address: Address) -> bool:
    return address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast
