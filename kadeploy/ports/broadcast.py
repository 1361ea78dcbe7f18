"""Broadcast: one image to many nodes at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.remote import ReportBytes


class Broadcast(Protocol):
    """A node is `ok` only when its last byte was verified and written, and what unpacks it ended well."""

    async def send(
        self,
        nodes: NodeSet,
        image: LocalFile,
        *,
        kind: ImageKind,
        compression: Compression,
        destination: Callable[[str], str],
        key: str,
        deadline: float,
        report: ReportBytes,
    ) -> Result:
        """Unpack `image` into `destination(node)` within `deadline` seconds: a directory for tar, a device for dd; an
        fsa image is stored there as a file."""
        ...
