"""The schemes of authentication in the order in which they are asked, made from the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from kadeploy.api.auth.acl import Acl
from kadeploy.api.auth.basic import Basic
from kadeploy.api.auth.credentials import Credentials, Scheme
from kadeploy.api.auth.htpasswd import Htpasswd
from kadeploy.api.auth.names import Names
from kadeploy.api.auth.whitelist import Whitelist
from kadeploy.config.server import Authentication
from kadeploy.errors import NotAuthenticated
from kadeploy.operations.caller import Caller, is_user_name


class Chain:
    """The first scheme that knows the user wins. `challenge` is what WWW-Authenticate offers, if anything."""

    def __init__(self, schemes: Sequence[Scheme], *, administrators: frozenset[str], challenge: str = "") -> None:
        self._schemes = tuple(schemes)
        self._administrators = administrators
        self.challenge = challenge

    async def caller(self, credentials: Credentials) -> Caller:
        """Raises NotAuthenticated."""
        for scheme in self._schemes:
            user = await scheme.user(credentials)
            if user is not None:
                if not is_user_name(user):
                    raise NotAuthenticated(f"{user!r} is not a user's name")
                return Caller(name=user, is_administrator=user in self._administrators)
        raise NotAuthenticated(
            "nothing tells who you are: your host is not trusted to say it, and no password was sent"
            if credentials.user
            else "nothing tells who you are: neither a user header nor a password was sent"
        )


def chain_of(authentication: Authentication, administrators: frozenset[str]) -> Chain:
    """Kadeploy3's order: trusted hosts, then passwords. Raises BadConfiguration for a faulty whitelist."""
    names = Names()
    schemes: list[Scheme] = []
    challenge = ""
    if authentication.acl is not None:
        schemes.append(Acl(Whitelist(authentication.acl.whitelist, names)))
    if basic := authentication.http_basic:
        whitelist = Whitelist(basic.whitelist, names) if basic.whitelist else None
        schemes.append(Basic(Htpasswd(basic.dbfile), whitelist))
        challenge = f'Basic realm="{basic.realm}", charset="UTF-8"'
    return Chain(schemes, administrators=administrators, challenge=challenge)
