"""A network for boot measurements: a bridge of its own, dnsmasq for DHCP and TFTP, a small HTTP server.

Everything is named here, so that everything is ended here, also when the measurement fails.
"""

from __future__ import annotations

import contextlib
import http.server
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

BRIDGE = "kabench0"
SUBNET = "10.213.0"
SERVER = f"{SUBNET}.1"
PORT = 8013
IPXE = Path("/usr/lib/ipxe")
Seen = Callable[[str, str], None]  # address, what happened


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@contextlib.contextmanager
def bridge(taps: int) -> Iterator[list[str]]:
    """The bridge with its address, and the names of so many taps on it."""
    names = [f"{BRIDGE}t{index}" for index in range(taps)]
    with contextlib.ExitStack() as stack:
        _ip("link", "add", BRIDGE, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        stack.callback(_ip, "link", "del", BRIDGE)
        _ip("addr", "add", f"{SERVER}/24", "dev", BRIDGE)
        _ip("addr", "add", "fd0d:213::1/64", "dev", BRIDGE, "nodad")
        _ip("link", "set", BRIDGE, "up")
        for name in names:
            _ip("tuntap", "add", name, "mode", "tap")
            stack.callback(_ip, "link", "del", name)
            _ip("link", "set", name, "master", BRIDGE, "up")
        yield names


@contextlib.contextmanager
def dnsmasq(macs: dict[str, str]) -> Iterator[None]:
    """DHCP for these cards only (MAC -> address); iPXE gets the script's address, firmware gets iPXE by TFTP."""
    script = f"http://{SERVER}:{PORT}/boot/script"
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            *("keep-in-foreground", "port=0", f"interface={BRIDGE}", "except-interface=lo", "bind-interfaces"),
            *("log-facility=-", "no-ping", "dhcp-authoritative", f"dhcp-leasefile={folder}/leases", "user=root"),
            *(f"dhcp-range={SUBNET}.0,static,1h", "enable-tftp", f"tftp-root={IPXE}", "dhcp-match=set:ipxe,175"),
            *("dhcp-vendorclass=set:efi,PXEClient:Arch:00007", f"dhcp-boot=tag:ipxe,{script}"),
            *("dhcp-boot=tag:!ipxe,tag:efi,snponly.efi", "dhcp-boot=tag:!ipxe,tag:!efi,undionly.kpxe"),
            *("enable-ra", f"dhcp-range=::,constructor:{BRIDGE},ra-only", f"ra-param={BRIDGE},0,0"),
            "dhcp-option=tag:ipxe,encap:175,176,1b",
            *(f"dhcp-host={mac},{address}" for mac, address in macs.items()),
        ]
        config = Path(folder) / "dnsmasq.conf"
        config.write_text("\n".join(lines) + "\n")
        with (Path("/tmp") / f"{BRIDGE}-dnsmasq.log").open("w") as log:
            process = subprocess.Popen(["dnsmasq", f"--conf-file={config}"], stdout=log, stderr=log)
            try:
                yield
            finally:
                process.terminate()
                process.wait()


@contextlib.contextmanager
def http_server(files: dict[str, Path], scripts: Callable[[str], str], seen: Seen) -> Iterator[None]:
    """Serve files and one computed script; `seen` hears of every answer that went out whole."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 256 * 1024

        def do_GET(self) -> None:
            path, _, _ = self.path.partition("?")
            name = path.rpartition("/")[2]
            address = self.client_address[0]
            if name == "script":
                self._send(scripts(address).encode())
            elif name == "report":
                self._send(b"thanks\n")
            elif name in files:
                self._send(files[name].read_bytes())
            else:
                self.send_error(404)
                return
            seen(address, name)

        def _send(self, data: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:
            """What happened is told through `seen`."""

    server = http.server.ThreadingHTTPServer((SERVER, PORT), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def now() -> float:
    return time.monotonic()
