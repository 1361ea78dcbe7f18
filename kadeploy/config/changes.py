"""What differs between two configurations, and which of it a running server can take over.

Whatever is not in the table waits for a restart, and is named: sockets, directories, databases and the nodes
themselves are opened once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Final

from kadeploy.config.load import Loaded
from kadeploy.domain.node import Cluster, Site

RELOADED: Final = (
    *(
        "windows",
        "roles",
        "verbosity",
        "hooks",
        "rights.kind",
        "rights.almighty_users",
        "rights.groups",
        "autoclean_threshold",
    ),
    *("authentication.acl", "authentication.http_basic", "authentication.certificate", "authentication.ident"),
    *("authentication.tokens", "authentication.oidc", "authentication.failures"),
    *("journal_retention", "statistics_retention", "security.certificate", "security.private_key"),
)
OF_CLUSTERS: Final[Mapping[str, str]] = {
    "patience": "patience",
    "automaton": "automata",
    "operations": "automata",
    "reboot_timeout": "timeouts.reboot",
    "kexec_timeout": "timeouts.kexec",
    "supported_fs": "boot.kernels.deploy.supported_fs",
    "deploy_params": "boot.kernels.deploy.params",
    "user_params": "boot.kernels.user.params",
    "preinstalls": "preinstall",
    "postinstalls": "postinstall",
}
"""What is taken over of a cluster, by the paths in its file."""
_AT_A_START: Final[Mapping[str, str]] = {
    "architecture": "arch",
    "layout": "partitioning",
    "nfsroot": "boot.kernels.nfsroot",
    "drivers": "boot.kernels.deploy.drivers",
    "broadcast_command": "localops.broadcastenv.cmd",
    "broadcast_decompresses": "localops.broadcastenv.decompress",
    "kexec_folder": "kexec.repository",
}
_PATHS: Final = {**_AT_A_START, **OF_CLUSTERS}


def changes(old: Loaded, new: Loaded) -> tuple[str, ...]:
    """Paths, as `windows.reboot.size`, `clusters.graphene.patience` or `nodes.graphene-3`."""
    server = _differing(old.server.model_dump(by_alias=True), new.server.model_dump(by_alias=True), "")
    return tuple(sorted({*server, *_of_site(old.site, new.site)}))


def is_reloaded(path: str) -> bool:
    if path.startswith("clusters."):
        return path.endswith(tuple(f".{known}" for known in OF_CLUSTERS.values()))
    return any(path == known or path.startswith(f"{known}.") for known in RELOADED)


def taken_over(old: Site, new: Site) -> Mapping[str, Cluster]:
    """The clusters of the running server with what can be taken over of the new ones."""
    return {
        name: cluster if name not in new.clusters else _with_new(cluster, new.clusters[name])
        for name, cluster in old.clusters.items()
    }


def _with_new(old: Cluster, new: Cluster) -> Cluster:
    values = {one.name: getattr(new if one.name in OF_CLUSTERS else old, one.name) for one in fields(Cluster)}
    return Cluster(**values)


def _differing(old: object, new: object, path: str) -> Iterator[str]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        if old != new:
            yield path
        return
    for key in dict.fromkeys((*old, *new)):
        yield from _differing(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))


def _of_site(old: Site, new: Site) -> Iterator[str]:
    for name in dict.fromkeys((*old.nodes, *new.nodes)):
        if old.nodes.get(name) != new.nodes.get(name):
            yield f"nodes.{name}"
    for name in dict.fromkeys((*old.clusters, *new.clusters)):
        before, after = old.clusters.get(name), new.clusters.get(name)
        if before is None or after is None:
            yield f"clusters.{name}"
            continue
        for one in fields(Cluster):
            if getattr(before, one.name) != getattr(after, one.name):
                yield f"clusters.{name}.{_PATHS.get(one.name, one.name)}"
