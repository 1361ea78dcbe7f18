"""Booting the minimal environment: what its kernel is told, with a token that is the node's own for this boot."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from kadeploy.boot.catalog import Booting
from kadeploy.boot.menus import ipxe
from kadeploy.domain.meeting import token_hash
from kadeploy.ports.clock import Clock
from kadeploy.ports.store import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimalEnvironment:
    """The minimal environment as it is served. `url` is where it is fetched from (http://HOST:PORT), `meet` where
    its agent reports (HOST:PORT), `agent` the agent's zipapp, `arguments` what its kernel is told in any case.
    `authority` is the certificate (PEM) that vouches for `meet`, and `ca` its fingerprint; empty without TLS."""

    url: str
    meet: str
    kernel: Path
    initrd: Path
    agent: bytes = field(repr=False)
    arguments: tuple[str, ...] = ()
    authority: str = field(default="", repr=False)
    ca: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimalBoots:
    """Each boot has a token of its own, which the store knows (hashed) before the node does."""

    minimal: MinimalEnvironment
    tokens: Tokens
    clock: Clock

    async def of(self, booting: Booting) -> ipxe.MinimalBoot:
        """Raises BadConfiguration for kernel arguments that cannot be passed on."""
        token = secrets.token_hex(32)
        await self.tokens.issue(booting.node.name, at=self.clock.now(), token_hash=token_hash(token))
        params = ipxe.kernel_words(f"{booting.cluster.deploy_params} {booting.target.params}")
        return ipxe.MinimalBoot(
            server=self.minimal.url,
            meet=self.minimal.meet,
            node=booting.node,
            token=token,
            ca=self.minimal.ca,
            arguments=(*self.minimal.arguments, *params),
        )
