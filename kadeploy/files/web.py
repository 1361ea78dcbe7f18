"""How files are fetched: in what time, from which addresses, through which proxy (the environment's as in curl(1))."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from kadeploy.files.depot import Depot
from kadeploy.files.reach import Network, Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Seconds to connect, without a byte, and in all; redirects; how often in a row a broken connection is tried again
    without a byte more, and seconds before it, more each time; seconds to find out whether there is a file at all."""

    connect: float = 10.0
    stall: float = 60.0
    whole: float = 3600.0
    redirects: int = 5
    resumes: int = 4
    pause: float = 1.0
    glance: float = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """How files are fetched. `ca` is believed beside the system's authorities; `proxy` None is the environment's.

    `clients` are networks that the file servers of Kadeploy3's tools may be in, beside the address that asks, and
    `secure_clients` wants them to speak TLS; `at_once` is how many files are written at the same time.
    """

    limits: FetchLimits = FetchLimits()
    reach: Reach = Reach()
    clients: tuple[Network, ...] = ()
    secure_clients: bool = False
    depots: tuple[Depot, ...] = ()
    ca: Path | None = None
    proxy: str | None = None
    no_proxy: tuple[str, ...] = ()
    at_once: int = 10

    def depot(self, url: str) -> Depot | None:
        """The most particular one."""
        return max((each for each in self.depots if each.holds(url)), key=lambda each: len(each.prefix), default=None)

    def proxy_for(self, url: str) -> str | None:
        """The proxy's URL, or None to go straight."""
        depot, parts = self.depot(url), urlsplit(url)
        host = parts.hostname or ""
        if depot is not None and depot.proxy is not None:
            return depot.proxy or None
        if self.proxy is not None:
            return None if not self.proxy or _is_among(host, self.no_proxy) else self.proxy
        proxies = getproxies_environment()
        if _is_among(host, [each.strip() for each in proxies.get("no", "").split(",") if each.strip()]):
            return None
        found = proxies.get(parts.scheme) or proxies.get("all")
        return f"http://{found}" if found and "://" not in found else found


def _is_among(host: str, suffixes: Sequence[str]) -> bool:
    """`.example.org` and `example.org` both stand for it and what is below; `*` for everything."""
    return any(each == "*" or f".{host}".endswith(f".{each.lstrip('.')}") for each in suffixes)
