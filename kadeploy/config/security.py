"""`security` and `audit` of server.conf: TLS, and what is written down."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, ClassVar, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from kadeploy.config.decode import Section
from kadeploy.config.values import AbsolutePath, Words


def _empty_is_none(value: object) -> object:
    """Kadeploy3 writes `""` for a file that is not given."""
    return None if value == "" else value


_NAME: Final = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\Z")


def _names(values: tuple[str, ...]) -> tuple[str, ...]:
    """RFC 5280, 4.2.1.6: a name with other letters stands in a certificate as its ASCII form, `xn--...`."""
    for value in values:
        if not (_NAME.match(value) or _is_address(value)):
            raise ValueError(f"must be host names and addresses, as they are in DNS, which {value!r} is not")
    return values


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


GivenPath = Annotated[AbsolutePath | None, BeforeValidator(_empty_is_none)]


class PrivateKey(Section):
    KADEPLOY3: ClassVar = {"algorithm": "the key's file says what it is"}

    file: GivenPath = None


class Security(Section):
    """TLS of the API and of the agents. Without a certificate of the site's one is issued by an authority made here."""

    secure_server: bool = True
    """Whether the API speaks TLS."""
    force_secure_client: bool = False
    """Whether the tools of Kadeploy3 must serve their files by https (`--secure`)."""
    secure_agents: bool = True
    """Whether nodes' agents speak TLS with this server."""
    local_only: bool = False
    """Answer this machine only."""
    certificate: GivenPath = None
    private_key: PrivateKey = PrivateKey()
    names: Annotated[Words, AfterValidator(_names)] = ()
    """Further names and addresses that clients call this server by."""
    certificate_days: Annotated[float, Field(ge=1, le=825)] = 90
    """Days that an issued certificate is valid; it is renewed when a third of them is left. The date is looked at every
    hour."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.certificate is None) != (self.private_key.file is None):
            raise ValueError("certificate and private_key.file go together: give both, or none to have one issued")
        return self


class Audit(Section):
    """The audit log is in the database; `file` is written to as well, one JSON object a line."""

    file: AbsolutePath | None = None
