"""`files` and `cache` of server.conf: where images and scripts come from, and how many of them are kept."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from kadeploy.config.decode import Section
from kadeploy.config.values import AbsolutePath, Words

_EVERYBODYS: Final = frozenset({Path("/tmp"), Path("/var/tmp")})
_PLACE: Final = r"^(https?|s3)://[^/@?#\s]+(/[^?#\s]*)?$"
_PROXY: Final = r"^$|^https?://[^/?#\s]+/?$"

Network = IPv4Network | IPv6Network
Proxy = Annotated[str, Field(pattern=_PROXY)]


def _ends_in_slash(value: str) -> str:
    return value if value.endswith("/") else f"{value}/"


class SourceSection(Section):
    """Everything whose URL begins with `prefix`, a directory of a web server or of a bucket, is fetched like this.

    What it holds with these credentials is for every user who may deploy.
    """

    prefix: Annotated[str, Field(pattern=_PLACE), AfterValidator(_ends_in_slash)]
    ca: AbsolutePath | None = None
    """An authority to believe there, beside the system's."""
    proxy: Proxy | None = None
    """The proxy to go through; empty for none."""
    user: str = ""
    """HTTP Basic authentication."""
    password: Annotated[str, Field(repr=False)] = ""
    token: Annotated[str, Field(repr=False)] = ""
    """A bearer token instead."""
    endpoint: Annotated[str, Field(pattern=r"^$|^https?://[^/@?#\s]+/?$")] = ""
    """s3: the store, if it is not Amazon's."""
    region: str = ""
    """s3: the store's region."""
    key: str = ""
    """s3: the access key; without one the bucket must be public."""
    secret: Annotated[str, Field(repr=False)] = ""

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        is_store = self.prefix.startswith("s3:")
        others = ("user", "password", "token") if is_store else ("endpoint", "region", "key", "secret")
        if wrong := [name for name in others if getattr(self, name)]:
            raise ValueError(f"{', '.join(wrong)}: not for {self.prefix.partition(':')[0]}://")
        if bool(self.key) != bool(self.secret):
            raise ValueError("key and secret go together")
        if self.user and self.token:
            raise ValueError("user and token exclude each other")
        return self


class UploadsSection(Section):
    """What users send."""

    quota: Annotated[int, Field(ge=0)] = 10_000
    """MB that each user may have here; 0 for no uploads."""
    expires: Annotated[float, Field(gt=0)] = 24.0
    """Hours after which an upload that nobody used is forgotten."""
    for_environments: bool = False
    """Whether environments may be recorded with uploaded images, which are then kept as long as they are recorded."""


class Files(Section):
    """Where files may come from."""

    roots: tuple[AbsolutePath, ...] = ()
    """Directories under which `server://` files may be; USER in a path stands for who asks."""
    as_user: bool = False
    """Whether a `server://` file must also be readable by the user of that name on this machine."""
    permitted: tuple[Network, ...] = ()
    """Networks that http(s):// files may come from although machines keep them for themselves, as 127.0.0.0/8."""
    clients: tuple[Network, ...] = ()
    """Networks in which the tools of Kadeploy3 may serve files, beside the very address that a request comes from."""
    ca: AbsolutePath | None = None
    """An authority that web servers are believed by, beside the system's."""
    proxy: Proxy | None = None
    """For http(s)://; empty for none. Without this key the environment decides: http_proxy, https_proxy, no_proxy."""
    no_proxy: Words = ()
    """Hosts, and domains with all that is in them, that are asked without `proxy`."""
    deadline: Annotated[float, Field(gt=0)] = 3600.0
    """Seconds a file may take."""
    stall: Annotated[float, Field(gt=0)] = 60.0
    """Seconds without a byte after which a connection is given up, and tried again."""
    sources: tuple[SourceSection, ...] = ()
    """Places with an authority, a proxy or credentials of their own; the longest prefix counts."""
    uploads: UploadsSection = UploadsSection()


class Cache(Section):
    """Where fetched files are kept, `cache` in the state directory by default, and how many MB of them at most."""

    directory: AbsolutePath | None = None
    size: Annotated[int, Field(ge=1)] = 20_000
    concurrency_level: Annotated[int, Field(ge=1)] = 10
    """How many files are written at once."""

    def place(self, state_directory: Path) -> Path:
        """Kadeploy3's usual one, where everybody may write, is only where it is made."""
        if self.directory is None:
            return state_directory / "cache"
        return self.directory / "kadeploy-cache" if self.directory in _EVERYBODYS else self.directory
