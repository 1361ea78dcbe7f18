"""What anybody may ask, before saying who they are: version, header prefix, abilities, clusters, authority."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from kadeploy.api.call import Call
from kadeploy.domain.access import Access
from kadeploy.errors import NotFound
from kadeploy.operations.info import Info


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`headers_prefix` begins the name of the User header; `authority` is the certificate (PEM) that vouches for this
    server's, empty without TLS; `metrics_access` is asked of who reads the metrics."""

    headers_prefix: str = "X-Kadeploy-"
    authority: str = ""
    version: str = version("kadeploy")
    metrics_access: Access = Access.READ


class ServerResource:
    def __init__(self, info: Info, settings: Settings) -> None:
        self._info = info
        self._settings = settings

    async def version(self, call: Call) -> object:
        return self._settings.version

    async def headers_prefix(self, call: Call) -> object:
        return self._settings.headers_prefix

    async def info(self, call: Call) -> object:
        return self._info.info()

    async def clusters(self, call: Call) -> object:
        return self._info.clusters()

    async def authority(self, call: Call) -> object:
        """For who does not know it yet: it proves nothing by itself, and has a fingerprint to be compared."""
        if not self._settings.authority:
            raise NotFound("this server does not speak TLS")
        return self._settings.authority.rstrip("\n")
