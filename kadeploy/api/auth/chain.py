"""The schemes of authentication in the order in which they are asked, made from the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from kadeploy.api.auth.acl import Acl
from kadeploy.api.auth.basic import Basic, claimed_user
from kadeploy.api.auth.bearer import Bearer
from kadeploy.api.auth.certificate import Certificate
from kadeploy.api.auth.credentials import Credentials, Identity, Scheme
from kadeploy.api.auth.failures import FailureLimit
from kadeploy.api.auth.htpasswd import Htpasswd
from kadeploy.api.auth.ident import Ident
from kadeploy.api.auth.issued import Issuers
from kadeploy.api.auth.jwks import IssuerKeys
from kadeploy.api.auth.names import Names
from kadeploy.api.auth.oidc import AccessTokens
from kadeploy.api.auth.roles import RoleBook
from kadeploy.api.auth.whitelist import Whitelist
from kadeploy.config.authentication import Authentication, Roles
from kadeploy.errors import Forbidden, NotAuthenticated
from kadeploy.operations.caller import Caller, is_user_name
from kadeploy.operations.tokens import Tokens


class Chain:
    """The first scheme that knows the user wins. `challenge` is what WWW-Authenticate offers."""

    def __init__(self, schemes: Sequence[Scheme], *, roles: RoleBook, failures: FailureLimit, challenge: str) -> None:
        self._schemes = tuple(schemes)
        self._roles = roles
        self._failures = failures
        self.challenge = challenge

    def become(self, other: Chain) -> None:
        """What the other does, from the next request on; failures are counted anew."""
        self._schemes, self._roles = other._schemes, other._roles
        self._failures, self.challenge = other._failures, other.challenge

    async def caller(self, credentials: Credentials) -> Caller:
        """Raises NotAuthenticated, TooManyFailures, and Forbidden for who has no role here."""
        found = await self._identified(credentials)
        if not is_user_name(found.user):
            raise NotAuthenticated(f"{found.user!r} is not a user's name")
        role = self._roles.role_of(found.user, found.groups)
        if role is None:
            raise Forbidden(f"{found.user} has no role on this server")
        return Caller(
            name=found.user,
            role=role,
            scope=found.scope,
            groups=found.groups,
            scheme=found.scheme,
            token=found.token,
            address=credentials.address,
        )

    async def _identified(self, credentials: Credentials) -> Identity:
        try:
            for scheme in self._schemes:
                identity = await scheme.identify(credentials)
                if identity is not None:
                    return identity
        except NotAuthenticated:
            user = claimed_user(credentials)
            self._failures.check(credentials.address, user)
            self._failures.note(credentials.address, user)
            raise
        raise NotAuthenticated(
            "nothing tells who you are: your host is not trusted to say it, and neither a token nor a password was sent"
            if credentials.user
            else "nothing tells who you are: neither a token nor a password was sent",
            hint="kadeploy login gets a token",
        )


def chain_of(
    authentication: Authentication, roles: Roles, tokens: Tokens, *, administrators: frozenset[str] = frozenset()
) -> Chain:
    """Tokens, then Kadeploy3's order: trusted hosts, passwords, certificates, ident. Raises BadConfiguration."""
    limits = authentication.failures
    failures = FailureLimit(per_user=limits.per_user, per_address=limits.per_address, within=limits.within)
    basic = authentication.http_basic
    return Chain(
        [Bearer(tokens, issued_tokens(authentication)), *other_schemes(authentication, failures)],
        roles=RoleBook(roles, administrators),
        failures=failures,
        challenge=f'Basic realm="{basic.realm}", charset="UTF-8"' if basic else 'Bearer realm="Kadeploy"',
    )


def issued_tokens(authentication: Authentication) -> AccessTokens | None:
    """Raises BadConfiguration for an authority that cannot be used."""
    oidc = authentication.oidc
    return AccessTokens(oidc, IssuerKeys(oidc)) if oidc else None


def other_schemes(authentication: Authentication, failures: FailureLimit) -> list[Scheme]:
    """Those that are configured. Raises BadConfiguration for a faulty whitelist and for files that cannot be used."""
    names = Names()
    schemes: list[Scheme] = []
    if acl := authentication.acl:
        schemes.append(Acl(Whitelist(acl.whitelist, names)))
    if basic := authentication.http_basic:
        schemes.append(Basic(Htpasswd(basic.dbfile), _limited(basic.whitelist, names), failures))
    if certificate := authentication.certificate:
        schemes.append(
            Certificate(
                Issuers.read(certificate.ca_cert, certificate.crl),
                proxies=_limited(certificate.proxies, names),
                whitelist=_limited(certificate.whitelist, names),
            )
        )
    if ident := authentication.ident:
        schemes.append(Ident(Whitelist(ident.whitelist, names), timeout=ident.timeout, port=ident.port))
    return schemes


def _limited(entries: Sequence[str], names: Names) -> Whitelist | None:
    return Whitelist(entries, names) if entries else None
