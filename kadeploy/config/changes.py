"""What differs between two configurations, and which of it a running server can take over.

Whatever is not in the table waits for a restart, and is named: sockets, directories and databases are opened once.
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
        "rights",
        "autoclean_threshold",
        "boot.also_from",
        "boot.dnsmasq.domain",
        "boot.dnsmasq.range",
    ),
    *("authentication", "journal_retention", "statistics_retention", "security.certificate", "security.private_key"),
    *("security.force_secure_client", "security.names", "security.certificate_days"),
    *("nodes", "groups", "clusters", "broadcast", "files", "cache.size", "cache.concurrency_level"),
    *("network", "environments", "console", "metrics", "audit", "external", "ssh_private_key"),
)
_PATHS: Final[Mapping[str, str]] = {
    "architecture": "arch",
    "automaton": "automata",
    "broadcast_command": "localops.broadcastenv.cmd",
    "broadcast_decompresses": "localops.broadcastenv.decompress",
    "deploy_params": "boot.kernels.deploy.params",
    "drivers": "boot.kernels.deploy.drivers",
    "kexec_folder": "kexec.repository",
    "kexec_timeout": "timeouts.kexec",
    "layout": "partitioning",
    "nfsroot": "boot.kernels.nfsroot",
    "operations": "automata",
    "patience": "patience",
    "postinstalls": "postinstall",
    "preinstalls": "preinstall",
    "reboot_timeout": "timeouts.reboot",
    "supported_fs": "boot.kernels.deploy.supported_fs",
    "tree_readers": "localops.broadcastenv.tree_readers",
    "user_params": "boot.kernels.user.params",
}
"""What is at these paths of a cluster's file, by its name in a `Cluster`."""


def changes(old: Loaded, new: Loaded) -> tuple[str, ...]:
    """Paths, as `windows.reboot.size`, `clusters.graphene.patience` or `nodes.graphene-3`."""
    server = _differing(old.server.model_dump(by_alias=True), new.server.model_dump(by_alias=True), "")
    return tuple(sorted({*server, *_of_site(old.site, new.site)}))


def is_reloaded(path: str) -> bool:
    return any(path == known or path.startswith(f"{known}.") for known in RELOADED)


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
    for name in dict.fromkeys((*old.groups, *new.groups)):
        if old.groups.get(name) != new.groups.get(name):
            yield f"groups.{name}"
    for name in dict.fromkeys((*old.clusters, *new.clusters)):
        before, after = old.clusters.get(name), new.clusters.get(name)
        if before is None or after is None:
            yield f"clusters.{name}"
            continue
        for one in fields(Cluster):
            if getattr(before, one.name) != getattr(after, one.name):
                yield f"clusters.{name}.{_PATHS.get(one.name, one.name)}"
