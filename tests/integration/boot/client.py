"""A machine's firmware, as far as the server can tell: run inside a network namespace, prints JSON.

`client.py dhcp MAC ARCH|ipxe [MAC ARCH|ipxe]...` asks for all of them and prints the answers by MAC;
`client.py tftp SERVER FILE` prints the file's SHA-256; `client.py dns SERVER` prints what answers on port 53;
`client.py solicit MAC` asks for an IPv6 router. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import random
import socket
import struct
import sys
from collections.abc import Callable

INTERFACE = b"eth0"
COOKIE = b"\x63\x82\x53\x63"
PATIENCE = 5.0  # seconds


def discover(mac: str, arch: str, number: int) -> bytes:
    """RFC 2131 and 2132, with the options of PXE (RFC 4578) or those of iPXE."""
    options = b"\x35\x01\x01" + b"\x37\x08" + bytes((1, 3, 6, 12, 15, 66, 67, 175))
    if arch == "ipxe":
        options += b"\x4d\x04iPXE" + b"\xaf\x03\x13\x01\x01"  # user class; option 175 with one feature (HTTP) in it
        arch = "0"
    options += b"\x5d\x02" + struct.pack("!H", int(arch)) + b"\x3c\x09PXEClient" + b"\xff"
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, number, 0, 0x8000) + bytes(16)
    return head + bytes.fromhex(mac.replace(":", "")).ljust(16, b"\0") + bytes(192) + COOKIE + options


def parse(reply: bytes) -> dict[str, object]:
    options: dict[int, bytes] = {}
    rest = reply[240:]
    while rest and rest[0] != 255:
        if rest[0] == 0:
            rest = rest[1:]
            continue
        options[rest[0]] = rest[2 : 2 + rest[1]]
        rest = rest[2 + rest[1] :]
    return {
        "address": socket.inet_ntoa(reply[16:20]),
        "server": socket.inet_ntoa(reply[20:24]),
        "file": (options.get(67) or reply[108:236]).rstrip(b"\0").decode(),
        "name": options.get(12, b"").decode(),
        "mask": socket.inet_ntoa(options[1]) if 1 in options else "",
        "domain": options.get(15, b"").decode(),
        "options": sorted(options),
        "ipxe": options.get(175, b"").hex(),
    }


def dhcp(*words: str) -> dict[str, object]:
    wanted = dict(zip(words[::2], words[1::2], strict=True))
    answers: dict[str, object] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, INTERFACE)
        sock.bind(("0.0.0.0", 68))
        sock.settimeout(PATIENCE)
        # In order, so that the last one's answer also says that an earlier one got none.
        last = None
        for mac, arch in wanted.items():
            last = random.getrandbits(32)
            sock.sendto(discover(mac, arch, last), ("255.255.255.255", 67))
        while True:
            reply = sock.recv(4096)
            answers[reply[28:34].hex(":")] = parse(reply)
            if struct.unpack("!I", reply[4:8])[0] == last:
                return answers


def tftp(server: str, name: str) -> dict[str, object]:
    """RFC 1350, without options."""
    data = b""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.sendto(b"\0\1" + name.encode() + b"\0octet\0", (server, 69))
        while True:
            packet, peer = sock.recvfrom(1024)
            if packet[:2] == b"\0\5":
                return {"error": packet[4:-1].decode()}
            data += packet[4:]
            sock.sendto(b"\0\4" + packet[2:4], peer)
            if len(packet) < 516:
                return {"sha256": hashlib.sha256(data).hexdigest()}


def dns(server: str) -> dict[str, object]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect((server, 53))
        sock.send(b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\0\0\1\0\1")
        try:
            return {"answer": sock.recv(512).hex()}
        except ConnectionRefusedError:
            return {"answer": "refused"}


def solicit(*macs: str) -> dict[str, object]:
    """RFC 4861, 4.1: one solicitation from each, until the last one is answered."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD)) as sock:
        sock.bind((INTERFACE.decode(), 0x86DD))
        sock.settimeout(PATIENCE)
        for mac in macs:
            source = bytes.fromhex("fe80") + bytes(8) + bytes.fromhex(mac.replace(":", ""))
            routers = bytes.fromhex("ff02") + bytes(13) + b"\x02"
            header = struct.pack("!IHBB", 6 << 28, 8, 58, 255) + source + routers
            ethernet = bytes.fromhex("333300000002" + mac.replace(":", "") + "86dd")
            sock.send(ethernet + header + struct.pack("!BBHI", 133, 0, 0, 0))
        answers = {}
        while macs[-1] not in answers:
            frame = sock.recv(2048)
            if frame[54] == 134:
                answers[frame[:6].hex(":")] = frame[14:].hex()
        return {"answers": answers}


VERBS: dict[str, Callable[..., dict[str, object]]] = {"dhcp": dhcp, "tftp": tftp, "dns": dns, "solicit": solicit}

if __name__ == "__main__":
    print(json.dumps(VERBS[sys.argv[1]](*sys.argv[2:])))  # noqa: T201
