"""Telling booting machines that there is no IPv6 router here, as soon as they ask.

iPXE configures IPv6 and IPv4 at once and waits for both: where nobody answers its router solicitations, every network
boot stands still until it gives up (13 of 19 seconds from power-on to a boot sector in QEMU). dnsmasq advertises only
where the network has a prefix, so this does: an advertisement without a prefix and with a lifetime of 0, which says
"no router" (RFC 4861, 4.2), to the site's own nodes only. It works on whole packets, so that the server itself needs
no IPv6.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import socket
import struct
from collections.abc import Collection
from typing import Final

logger = logging.getLogger(__name__)

ETH_P_IPV6: Final = 0x86DD
ICMPV6: Final = 58
SOLICITATION: Final = 133
ADVERTISEMENT: Final = 134
HOPS: Final = 255  # proves that a packet was not routed (RFC 4861, 6.1)
ALL_ROUTERS: Final = bytes.fromhex("333300000002")  # ff02::2 on Ethernet (RFC 2464, 7)
ALL_NODES: Final = socket.inet_pton(socket.AF_INET6, "ff02::1")

# Type, code, checksum, current hop limit (unspecified), no flags, lifetime 0, both timers unspecified.
NO_ROUTER: Final = struct.pack("!BBHBBHII", ADVERTISEMENT, 0, 0, 0, 0, 0, 0, 0)

# packet(7) and linux/filter.h; Python has no names for these.
SOL_PACKET: Final = 263
PACKET_ADD_MEMBERSHIP: Final = 1
PACKET_MR_MULTICAST: Final = 0
SO_ATTACH_FILTER: Final = 26
# Load the byte at k; compare it with k and go on, or skip to the end; accept all, or nothing.
_LOAD, _EQUAL, _RETURN = 0x30, 0x15, 0x06
FILTER: Final = (
    (_LOAD, 0, 0, 6),
    (_EQUAL, 0, 3, ICMPV6),
    (_LOAD, 0, 0, 40),
    (_EQUAL, 0, 1, SOLICITATION),
    (_RETURN, 0, 0, 0xFFFFFFFF),
    (_RETURN, 0, 0, 0),
)


async def answer_solicitations(interface: str, macs: Collection[str]) -> None:
    """Until cancelled; `macs`, in small letters, may change meanwhile. Where it is not allowed to, it says so and
    returns: boots are slower, and work."""
    try:
        listening = _listen(interface)
    except OSError as error:
        logger.warning("IPv6 router solicitations on %s stay unanswered, which slows iPXE: %s", interface, error)
        return
    with listening:
        loop = asyncio.get_running_loop()
        ours = link_local(listening.getsockname()[4])
        while True:
            packet, (*_, mac) = await loop.sock_recvfrom(listening, 2048)
            if mac.hex(":") in macs and len(packet) >= 48:
                _send(listening, advertisement(ours, packet[8:24]), (interface, ETH_P_IPV6, 0, 0, mac))


def advertisement(ours: bytes, asker: bytes) -> bytes:
    """The whole IPv6 packet that tells `asker` (16 bytes; zero while it has no address) that there is no router."""
    target = asker if any(asker) else ALL_NODES
    # RFC 8200, 3 and 8.1: the checksum is over the addresses, the length and the protocol too.
    total = checksum(ours + target + struct.pack("!II", len(NO_ROUTER), ICMPV6) + NO_ROUTER)
    header = struct.pack("!IHBB", 6 << 28, len(NO_ROUTER), ICMPV6, HOPS) + ours + target
    return header + NO_ROUTER[:2] + struct.pack("!H", total) + NO_ROUTER[4:]


def checksum(data: bytes) -> int:
    """The Internet's (RFC 1071), over an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def link_local(mac: bytes) -> bytes:
    """The address that a card makes for itself (RFC 4291, appendix A)."""
    return bytes.fromhex("fe80000000000000") + bytes((mac[0] ^ 2, *mac[1:3], 0xFF, 0xFE, *mac[3:]))


def _send(listening: socket.socket, packet: bytes, where: tuple[object, ...]) -> None:
    try:
        listening.sendto(packet, where)
    except OSError as error:  # it may ask again
        logger.debug("a router solicitation was not answered: %s", error)


def _listen(interface: str) -> socket.socket:
    listening = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    try:
        listening.setblocking(False)
        code = ctypes.create_string_buffer(b"".join(struct.pack("@HBBI", *step) for step in FILTER))
        program = struct.pack("@HP", len(FILTER), ctypes.addressof(code))
        listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
        group = struct.pack("@iHH8s", socket.if_nametoindex(interface), PACKET_MR_MULTICAST, 6, ALL_ROUTERS)
        listening.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, group)
        listening.bind((interface, ETH_P_IPV6))
    except OSError:
        listening.close()
        raise
    return listening
