"""What machines fetch while they boot: the script that answers "what do I boot now?", and the files it names.

Plain HTTP, because iPXE and the minimal environment's first seconds know no secrets yet. The token that makes one
goes only to the address that is the node's own, and into no log.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from kadeploy.boot.catalog import Booting, Catalog, plain_address, plain_mac
from kadeploy.boot.grub import Platform
from kadeploy.boot.menus import ipxe
from kadeploy.boot.minimal import MinimalBoots, MinimalEnvironment
from kadeploy.boot.partition import PartitionPrograms
from kadeploy.domain.boot import BootKind
from kadeploy.domain.disk import disk_place
from kadeploy.domain.node import Node
from kadeploy.ports.clock import Clock
from kadeploy.ports.store import Tokens

logger = logging.getLogger(__name__)

STRANGERS = 1000  # unknown machines remembered, to log each once


class LargeFile(FileResponse):
    """A file in blocks large enough that the hop to a thread for each does not set the pace."""

    chunk_size = 256 * 1024


class BootPages:
    """`disk_program` is what local_disk.py makes; without it UEFI machines are left to their firmware.

    `content` tells where the file with a SHA-256 is that some operation uses now; only nodes may fetch it.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        minimal: MinimalEnvironment,
        tokens: Tokens,
        clock: Clock,
        disk_program: bytes = b"",
        content: Callable[[str], Path | None] = lambda _: None,
    ) -> None:
        self._catalog = catalog
        self._disk_program = disk_program
        self._disk_script = ipxe.disk(f"{minimal.url}/boot/disk.efi" if disk_program else "")
        self._minimal = minimal
        self.boots = MinimalBoots(minimal=minimal, tokens=tokens, clock=clock)
        self._partition_programs = PartitionPrograms()
        self._content = content
        self._strangers: set[str] = set()

    def application(self) -> Starlette:
        pages = Starlette(
            routes=[
                Route("/boot/ipxe", self.script),
                Route("/boot/vmlinuz", self.kernel),
                Route("/boot/initrd", self.initrd),
                Route("/boot/nfsroot/{cluster}", self.nfsroot),
                Route("/boot/nfsroot/{cluster}/initrd", self.nfsroot_initrd),
                Route("/boot/agent.pyz", self.agent),
                Route("/boot/ca.pem", self.authority),
                Route("/boot/disk.efi", self.disk),
                Route("/boot/partition/{platform}", self.partition),
                Route("/files/{sha256}", self.file),
            ]
        )
        pages.router.redirect_slashes = False  # where to is what the asker calls this server
        return pages

    async def script(self, request: Request) -> Response:
        """`?mac=` says who asks; without it, the address it asks from does."""
        booting = self._booting(request)
        if booting is None:
            self._log_stranger(plain_mac(request.query_params.get("mac", ""))[:40] or _source(request))
            return _text(self._disk_script)
        node = booting.node
        if not self._catalog.may_come_from(node.name, _source(request)):
            return _elsewhere(node, _source(request))
        logger.info("%s boots %s", node.name, booting.target.kind)
        match booting.target.kind:
            case BootKind.MINIMAL:
                return _text(ipxe.minimal(await self.boots.of(booting)))
            case BootKind.NFSROOT:
                cluster = booting.cluster
                initrd = bool(cluster.nfsroot and cluster.nfsroot.initrd)
                return _text(ipxe.nfsroot(await self.boots.of(booting), cluster.name, initrd=initrd))
            case BootKind.PARTITION:
                return _text(ipxe.partition(self._minimal.url, node.mac, otherwise=self._disk_script))
            case BootKind.PROFILE:
                return _text(booting.target.params)
        return _text(self._disk_script)

    async def kernel(self, request: Request) -> Response:
        return _file(self._minimal.kernel)

    async def initrd(self, request: Request) -> Response:
        return _file(self._minimal.initrd)

    async def nfsroot(self, request: Request) -> Response:
        """The kernel of that cluster whose root is on NFS."""
        described = self._catalog.nfsroot_of(request.path_params["cluster"])
        if described is None:
            return _text("that cluster has no kernel whose root is on NFS\n", status=404)
        return _file(Path(described.kernel))

    async def nfsroot_initrd(self, request: Request) -> Response:
        """With which that kernel mounts its root."""
        described = self._catalog.nfsroot_of(request.path_params["cluster"])
        if described is None or not described.initrd:
            return _text("that cluster's kernel has no initrd\n", status=404)
        return _file(Path(described.initrd))

    async def agent(self, request: Request) -> Response:
        return Response(self._minimal.agent, media_type="application/zip")

    async def authority(self, request: Request) -> Response:
        """Anybody may have it: an agent knows by its fingerprint that it is the right one."""
        if not self._minimal.authority:
            return _text("the server's agents do not speak TLS\n", status=404)
        return _text(self._minimal.authority)

    async def disk(self, request: Request) -> Response:
        if not self._disk_program:
            return _text("the server has no disk.efi\n", status=404)
        return Response(self._disk_program, media_type="application/efi")

    async def partition(self, request: Request) -> Response:
        """What starts the one that the node boots: for no other is a program made."""
        platform, booting = request.path_params["platform"], self._booting(request)
        if booting is None or booting.target.kind is not BootKind.PARTITION or platform not in list(Platform):
            return _text("there is no such program for you\n", status=404)
        node = booting.node
        if not self._catalog.may_come_from(node.name, _source(request)):
            return _elsewhere(node, _source(request))
        place, number = disk_place(node.block_device), int(booting.target.params)
        program = await self._partition_programs.of(Platform(platform), place, number)
        return Response(program) if program else _text("the server has no GRUB to make it of\n", status=404)

    async def file(self, request: Request) -> Response:
        """Whoever knows the SHA-256 was told it with a command, or has the file already."""
        known = self._catalog.is_of_a_node(_source(request))
        path = self._content(request.path_params["sha256"]) if known else None
        if path is None:
            return _text("there is no such file for you\n", status=404)
        return LargeFile(path, media_type="application/octet-stream")

    def _booting(self, request: Request) -> Booting | None:
        mac = request.query_params.get("mac", "")
        return self._catalog.of_mac(mac) if mac else self._catalog.of_address(_source(request))

    def _log_stranger(self, who: str) -> None:
        if who not in self._strangers and len(self._strangers) < STRANGERS:
            self._strangers.add(who)
            logger.warning("%r asks what to boot and is no node of this site: it boots its own disk", who)


def _source(request: Request) -> str:
    return plain_address(request.client.host if request.client else "")


def _elsewhere(node: Node, source: str) -> Response:
    logger.warning("somebody asks from %s what %s boots, whose address is %s", source, node.name, node.address)
    return _text(f"{node.name} boots from {node.address}, not from {source}\n", status=403)


def _text(text: str, status: int = 200) -> Response:
    return PlainTextResponse(text, status_code=status, headers={"Cache-Control": "no-store"})


def _file(path: Path) -> Response:
    if not os.access(path, os.R_OK):
        logger.error("the minimal environment's %s cannot be read", path)
        return _text(f"the server has no {path.name}\n", status=404)
    return LargeFile(path, media_type="application/octet-stream")
