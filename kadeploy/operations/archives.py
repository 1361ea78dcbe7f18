"""The archives of scripts that a deployment needs, to be kept for the nodes to fetch."""

from __future__ import annotations

from collections.abc import Iterator

from kadeploy.domain.environment import Archive
from kadeploy.domain.image import LocalFile
from kadeploy.domain.node import Cluster, Site
from kadeploy.domain.request import DeployRequest
from kadeploy.operations.checksums import ArchiveLimits, Content
from kadeploy.operations.wants import Wants
from kadeploy.plans.adapt import PREINSTALL
from kadeploy.ports.files import FileOrder, Reader


async def want_archives(
    request: DeployRequest, site: Site, *, wants: Wants, reader: Reader, limits: ArchiveLimits
) -> dict[str, LocalFile]:
    """Each by its URL; the administrators' may be anywhere on this server, and of any size. Raises what is wrong with
    any of them."""
    clusters = [site.clusters[name] for name in site.by_cluster(request.nodes)]
    admins = [(None, archive) for cluster in clusters for archive in _of_cluster(cluster, request)]
    orders: dict[str, FileOrder] = {}
    for content, archive in (*_of_environment(request), *admins):
        order = FileOrder(
            url=archive.archive,
            reader=reader,
            checksum=archive.checksum,
            compression=archive.compression,
            copied=True,
            trusted=content is None,
            limit=limits.of(content) if content else None,
        )
        orders.setdefault(archive.archive, order)
    return await wants.files(orders)


def _of_environment(request: DeployRequest) -> Iterator[tuple[Content, Archive]]:
    if request.environment.preinstall is not None:
        yield Content.PREINSTALL, request.environment.preinstall
    for archive in request.environment.postinstalls:
        yield Content.POSTINSTALLS, archive


def _of_cluster(cluster: Cluster, request: DeployRequest) -> Iterator[Archive]:
    """The cluster's own preinstalls run where an instance for them was chosen and the environment brings none."""
    chosen = {**cluster.automaton, **(request.automaton or {})}["SetDeploymentEnv"]
    if request.environment.preinstall is None and any(one.instance == PREINSTALL for one in chosen):
        yield from cluster.preinstalls
    yield from cluster.postinstalls
