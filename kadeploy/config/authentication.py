"""`authentication` and `roles` of server.conf: how people prove who they are, and what they are to this server."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from kadeploy.config.decode import Section
from kadeploy.config.values import AbsolutePath, AnyHosts, Hosts, Words, not_empty
from kadeploy.domain.access import Role

_LOOPBACK = re.compile(r"http://(127\.\d+\.\d+\.\d+|\[::1\]|localhost)(:\d+)?(/|\Z)")


def _secure(value: str) -> str:
    if value and not value.startswith("https://") and not _LOOPBACK.match(value):
        raise ValueError(f"must begin with https:// (http:// is for this machine itself), not {value!r}")
    return value


SecureUrl = Annotated[str, AfterValidator(_secure)]


class GlobalAuthentication(Section):
    headers_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$")] = "X-Kadeploy-"


class Acl(Section):
    """Hosts whose User header is believed: addresses, networks, names, or /patterns/ of names."""

    whitelist: Hosts


class HttpBasic(Section):
    """Passwords from an htpasswd file; an empty whitelist means any host."""

    dbfile: AbsolutePath
    realm: Annotated[str, Field(pattern=r"^[ !#-\[\]-~]*$")] = "Kadeploy"
    whitelist: AnyHosts = ()


class Certificate(Section):
    """Certificates of clients, signed by `ca_cert`, whose common name is the user; an empty whitelist means any host.

    They count when the client's TLS has proved that it holds the key. From `proxies`, which end TLS before this
    server, the Certificate header is believed to be so proved.
    """

    KADEPLOY3: ClassVar = {"ca_public_key": "a bare key cannot vouch in TLS, give the certificate as ca_cert"}

    ca_cert: AbsolutePath
    crl: AbsolutePath | None = None
    proxies: AnyHosts = ()
    whitelist: AnyHosts = ()


class Ident(Section):
    """Hosts whose own word on whose connection it is (RFC 1413) is believed."""

    whitelist: Hosts
    timeout: Annotated[float, Field(gt=0, le=30)] = 10.0
    """Seconds a host has to answer."""
    port: Annotated[int, Field(ge=1, le=65535)] = 113


class Tokens(Section):
    """Tokens that users make for themselves. Days they live when nothing is said, and at most."""

    default_days: Annotated[float, Field(gt=0)] = 30
    longest_days: Annotated[float, Field(gt=0)] = 366

    @model_validator(mode="after")
    def _default_fits(self) -> Self:
        if self.default_days > self.longest_days:
            raise ValueError(f"default_days is {self.default_days}, more than longest_days, {self.longest_days}")
        return self


Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class Oidc(Section):
    """Access tokens (JWT) of an OpenID Connect issuer."""

    issuer: SecureUrl
    audience: Annotated[Words, AfterValidator(not_empty)]
    algorithms: Annotated[tuple[Algorithm, ...], AfterValidator(not_empty)] = ("RS256", "ES256")
    jwks_uri: SecureUrl = ""
    """Where the issuer's keys are; asked of the issuer when it is not given."""
    ca_cert: AbsolutePath | None = None
    """The authority of the issuer's own TLS certificate, where it is not a public one."""
    user_claim: str = "preferred_username"
    groups_claim: str = "groups"
    leeway: Annotated[float, Field(ge=0, le=300)] = 30
    """Seconds the clocks may differ."""
    refresh: Annotated[float, Field(ge=10)] = 3600
    """Seconds after which the keys are fetched again."""


class Failures(Section):
    """How many failures from an address for one user, and from an address in all, within so many seconds."""

    per_user: Annotated[int, Field(ge=1)] = 10
    per_address: Annotated[int, Field(ge=1)] = 100
    within: Annotated[float, Field(gt=0)] = 60.0


class Authentication(Section):
    global_: Annotated[GlobalAuthentication, Field(alias="global")] = GlobalAuthentication()
    acl: Acl | None = None
    http_basic: HttpBasic | None = None
    certificate: Certificate | None = None
    ident: Ident | None = None
    tokens: Tokens = Tokens()
    oidc: Oidc | None = None
    failures: Failures = Failures()


class Members(Section):
    """Who has a role: users, and groups as the issuer of access tokens names them."""

    users: Words = ()
    groups: Words = ()


class Roles(Section):
    """The highest role of a user counts; `default` is that of everybody else, where `none` shuts them out."""

    default: Literal["operator", "user", "read-only", "none"] = "user"
    admin: Members = Members()
    operator: Members = Members()
    user: Members = Members()
    read_only: Annotated[Members, Field(alias="read-only")] = Members()

    def members(self) -> tuple[tuple[Role, Members], ...]:
        """Highest first."""
        return (
            (Role.ADMIN, self.admin),
            (Role.OPERATOR, self.operator),
            (Role.USER, self.user),
            (Role.READ_ONLY, self.read_only),
        )
