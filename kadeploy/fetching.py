"""From the configuration to how files are fetched, sent and kept, for who serves and for who administers."""

from __future__ import annotations

from typing import Final, TypedDict

from kadeploy.config.files import SourceSection
from kadeploy.config.server import ServerConfig
from kadeploy.files.cache import FileCache
from kadeploy.files.depot import Depot
from kadeploy.files.permitted import Permitted
from kadeploy.files.reach import Reach
from kadeploy.files.web import FetchLimits, Web
from kadeploy.ports.files import UploadRules

MEGABYTE: Final = 1024**2
HOUR: Final = 3600.0


def open_cache(config: ServerConfig) -> FileCache:
    """As it was left; the caller closes it. Raises CacheProblem."""
    return FileCache.open(
        config.cache_directory,
        **rules_of(config),
    )


class Rules(TypedDict):
    """What a cache goes by, also one that is at work."""

    size: int
    permitted: Permitted
    web: Web
    uploads: UploadRules


def rules_of(config: ServerConfig) -> Rules:
    return Rules(
        size=config.cache.size * MEGABYTE,
        permitted=Permitted(roots=config.files.roots, as_user=config.files.as_user),
        web=_web(config),
        uploads=upload_rules(config),
    )


def upload_rules(config: ServerConfig) -> UploadRules:
    uploads = config.files.uploads
    return UploadRules(
        quota=uploads.quota * MEGABYTE, expires=uploads.expires * HOUR, for_environments=uploads.for_environments
    )


def _web(config: ServerConfig) -> Web:
    files = config.files
    return Web(
        limits=FetchLimits(stall=files.stall, whole=files.deadline),
        reach=Reach(permitted=files.permitted),
        clients=files.clients,
        secure_clients=config.security.force_secure_client,
        depots=tuple(_depot(source) for source in files.sources),
        ca=files.ca,
        proxy=files.proxy,
        no_proxy=files.no_proxy,
        at_once=config.cache.concurrency_level,
    )


def _depot(source: SourceSection) -> Depot:
    return Depot(**source.model_dump())
