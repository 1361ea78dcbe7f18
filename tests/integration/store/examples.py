"""Values that the store's tests record."""

from __future__ import annotations

from collections.abc import Mapping

from kadeploy.domain.environment import Archive, Environment, KernelSpec, OsKind, Visibility
from kadeploy.domain.image import Compression, Image, ImageKind
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, Outcome
from kadeploy.domain.state import OperationKind
from kadeploy.ports.record import Conclusion
from kadeploy.store.control import SqlControl
from kadeploy.store.database import Database
from kadeploy.store.operations import SqlOperations
from kadeploy.store.record import SqlRecord


class Store(SqlOperations):
    """Operations, and what else is recorded of them."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.record = SqlRecord(database)
        self.control = SqlControl(database)

    async def settle(self, identity: str, outcomes: Mapping[str, Outcome]) -> None:
        await self.record.conclude(Conclusion(operation=identity, nodes=NodeSet(), outcomes=outcomes))


def an_operation(
    identity: str,
    nodes: str,
    *,
    user: str = "alice",
    created: float = 1000.5,
    kind: OperationKind = OperationKind.DEPLOYMENT,
) -> Operation:
    return Operation(
        id=identity,
        kind=kind,
        user=user,
        nodes=NodeSet.parse(nodes),
        created=created,
        environment={"name": "debian12", "version": 1, "user": "alice"},
        plans={"alpha": {"stages": [{"macro": "SetDeploymentEnv"}]}},
    )


def an_environment(name: str = "debian12", *, user: str = "alice", version: int = 1) -> Environment:
    return Environment(
        name=name,
        version=version,
        user=user,
        visibility=Visibility.SHARED,
        destructive=True,
        os=OsKind.LINUX,
        image=Image(
            file="server:///srv/images/d.tar.zst", kind=ImageKind.TAR, compression=Compression.ZSTD, checksum="0" * 64
        ),
        boot=KernelSpec(kernel="/vmlinuz", initrd="/initrd.img", kernel_params="quiet"),
        filesystem="ext4",
        preinstall=Archive(
            archive="server:///srv/pre.tgz", compression=Compression.GZIP, script="run.sh -v", checksum="1" * 64
        ),
        postinstalls=(
            Archive(archive="http://files/a.tgz", compression=Compression.GZIP),
            Archive(archive="http://files/b.txz", compression=Compression.XZ, script="go"),
        ),
        description={"name": name, "zebra": 1, "author": "Élodie", "apple": {"z": [1, 2], "a": None}},
    )
