"""Through which proxy an address is reached, by the environment as curl(1) reads it: http_proxy, https_proxy,
all_proxy, and no_proxy for what is near."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

from kadeploy.errors import BadConfiguration

_SPOKEN: Final = ("http", "https")


def proxy_for(url: str) -> str | None:
    """The proxy's address, None to go straight. Raises BadConfiguration for one that is not spoken to."""
    scheme, _, rest = url.partition("://")
    proxies = getproxies_environment()
    found = proxies.get(scheme) or proxies.get("all")
    host = _host(rest)
    if not found or host is None or _is_near(host, proxies.get("no", "")):
        return None
    proxy = found if "://" in found else f"http://{found}"
    kind, _, where = proxy.partition("://")
    if kind not in _SPOKEN or not _host(where):
        raise BadConfiguration(
            f"the environment has {url} asked for through {nameable(proxy)}, which is no http or https proxy",
            hint=f"no_proxy={host} goes straight",
        )
    return proxy


def _is_near(host: str, near: str) -> bool:
    """`.example.org` and `example.org` both stand for it and what is below; `*` for everything."""
    names = [name.strip().lstrip(".") for name in near.split(",") if name.strip()]
    return any(name == "*" or f".{host}".endswith(f".{name}") for name in names)


def _host(rest: str) -> str | None:
    """None of what is no address."""
    try:
        parts = urlsplit(f"//{rest}")
        return parts.hostname if parts.port != 0 else None
    except ValueError:
        return None


def nameable(proxy: str) -> str:
    """Without the password that may be in it."""
    before, separator, rest = proxy.partition("://")
    return f"{before}{separator}{rest.rpartition('@')[2]}"
