"""Who is believed: trusted hosts, passwords, and their order."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from pathlib import Path

import bcrypt
import pytest

from kadeploy.api.auth.chain import Chain, chain_of
from kadeploy.api.auth.credentials import Credentials
from kadeploy.api.auth.htpasswd import Htpasswd, parse, verified
from kadeploy.api.auth.names import Names
from kadeploy.api.auth.whitelist import Whitelist
from kadeploy.config.authentication import Acl, Authentication, Failures, HttpBasic, Roles
from kadeploy.domain.access import Role
from kadeploy.errors import BadConfiguration, NotAuthenticated, TooManyFailures
from kadeploy.operations.caller import Caller
from kadeploy.operations.tokens import Lifetimes, Tokens
from kadeploy.testing.clock import LoopClock
from kadeploy.testing.tokens import MemoryApiTokens

# Made with `openssl passwd -apr1 -salt SALT PASSWORD`, OpenSSL 3.0.
OPENSSL = {
    "s3cret": "$apr1$abcdefgh$M2T3erDstkD7SsE2QQnfH0",
    "a rather long password of more than sixteen bytes": "$apr1$ab$H7oa2R1IA3.R7nASBHVa4.",
}


class FixedNames(Names):
    """Answers from tables instead of a resolver."""

    def __init__(self, addresses: dict[str, str], names: dict[str, str]) -> None:
        super().__init__()
        self._fixed_addresses, self._fixed_names = addresses, names

    async def addresses(self, name: str) -> frozenset[str]:
        return frozenset(filter(None, [self._fixed_addresses.get(name)]))

    async def names(self, address: str) -> frozenset[str]:
        return frozenset(filter(None, [self._fixed_names.get(address)]))


NAMES = FixedNames({"frontend": "10.0.0.9"}, {"10.1.0.7": "login-3.site.org"})


@pytest.mark.parametrize(
    ("entries", "address", "allowed"),
    [
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.1"], "127.0.0.2", False),
        (["127.0.0.1"], "::ffff:127.0.0.1", True),
        (["10.0.0.0/8", "::1"], "10.200.3.4", True),
        (["10.0.0.0/8", "::1"], "::1", True),
        (["10.0.0.0/8", "::1"], "11.0.0.1", False),
        (["frontend"], "10.0.0.9", True),
        (["frontend"], "10.0.0.8", False),
        (["/^login-\\d+\\.site\\.org$/"], "10.1.0.7", True),
        (["/^login-\\d+\\.site\\.org$/"], "10.1.0.8", False),
        (["127.0.0.1"], "", False),
        (["127.0.0.1"], "testclient", False),
        ([], "127.0.0.1", False),
    ],
)
def test_whitelists(entries: list[str], address: str, allowed: bool) -> None:
    assert asyncio.run(Whitelist(entries, NAMES).allows(address)) is allowed


@pytest.mark.parametrize("entry", ["10.0.0.300", "a b", "/(/", "10.0.0.0/99", ""])
def test_entries_that_are_none(entry: str) -> None:
    with pytest.raises(BadConfiguration, match="whitelist"):
        Whitelist([entry])


# `{SHA}` of "abc": the digest is that of FIPS 180-1, appendix A.
SHA = ("abc", "{SHA}" + base64.b64encode(bytes.fromhex("a9993e364706816aba3e25717850c26c9cd0d89d")).decode())


@pytest.mark.parametrize(("password", "entry"), [*OPENSSL.items(), SHA])
def test_entries_of_other_programs(password: str, entry: str) -> None:
    assert verified(password, entry)
    assert not verified(password[:-1], entry)
    assert not verified("", entry)


@pytest.mark.parametrize("entry", ["", "plain", "$1$x$y", "$2y$05$tooshort", "{SHA}", "$apr1$", "$apr1$salt$"])
def test_other_entries_never_match(entry: str) -> None:
    assert not verified("plain", entry)
    assert not verified("", entry)


def test_lines_of_the_file() -> None:
    assert parse("# comment\nalice:{SHA}x\n\nbob:$apr1$y:more\nnothing\n") == {"alice": "{SHA}x", "bob": "$apr1$y"}


def entry_of(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def test_the_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "htpasswd"
    path.write_text(f"alice:{entry_of('old')}\n")
    passwords = Htpasswd(path)
    assert passwords.accepts("alice", "old")
    assert passwords.accepts("alice", "old")
    path.write_text(f"alice:{entry_of('new')}\nbob:{entry_of('b')}\n")
    os.utime(path, ns=(1, 1))
    assert not passwords.accepts("alice", "old")
    assert passwords.accepts("alice", "new")
    assert passwords.accepts("bob", "b")
    path.unlink()
    assert not passwords.accepts("alice", "new")


def chain(tmp_path: Path, **changes: object) -> Chain:
    path = tmp_path / "htpasswd"
    path.write_text(f"alice:{entry_of('s3cret')}\nroot:{entry_of('toor')}\n")
    schemes: dict[str, object] = {
        "acl": Acl(whitelist=("127.0.0.1",)),
        "http_basic": HttpBasic(dbfile=path, realm="Here"),
        **changes,
    }
    tokens = Tokens(MemoryApiTokens(), LoopClock(), Lifetimes())
    return chain_of(Authentication(**schemes), Roles(), tokens, administrators=frozenset({"root"}))  # type: ignore[arg-type]


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


def known(name: str, scheme: str, address: str = "127.0.0.1", role: Role = Role.USER) -> Caller:
    return Caller(name=name, scheme=scheme, address=address, role=role)


@pytest.mark.parametrize(
    ("credentials", "caller"),
    [
        (Credentials(address="127.0.0.1", user="bob"), known("bob", "acl")),
        (Credentials(address="127.0.0.1", user="root"), known("root", "acl", role=Role.ADMIN)),
        # A trusted host is believed before any password is looked at.
        (Credentials(address="127.0.0.1", user="bob", authorization=basic("alice:wrong")), known("bob", "acl")),
        (
            Credentials(address="10.0.0.1", user="root", authorization=basic("alice:s3cret")),
            known("alice", "password", "10.0.0.1"),
        ),
        (
            Credentials(address="10.0.0.1", authorization=basic("alice:s3cret\n")),
            known("alice", "password", "10.0.0.1"),
        ),
        (
            Credentials(address="127.0.0.1", authorization=basic("root:toor")),
            known("root", "password", role=Role.ADMIN),
        ),
    ],
)
def test_who_it_is(tmp_path: Path, credentials: Credentials, caller: Caller) -> None:
    assert asyncio.run(chain(tmp_path).caller(credentials)) == caller


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (Credentials(address="10.0.0.1", user="root"), "your host is not trusted"),
        (Credentials(address="127.0.0.1"), "neither a token nor a password was sent"),
        (Credentials(address="10.0.0.1", authorization=basic("alice:wrong")), "user and password do not match"),
        (Credentials(address="10.0.0.1", authorization=basic("nobody:s3cret")), "user and password do not match"),
        (Credentials(address="10.0.0.1", authorization=basic("alice")), "has no password"),
        (Credentials(address="10.0.0.1", authorization="Basic !!!"), "cannot be read"),
        (Credentials(address="10.0.0.1", authorization="Bearer x"), "this token is not valid"),
        # A token that is shown is what counts, also from a host that is believed without one.
        (Credentials(address="127.0.0.1", user="bob", authorization="Bearer x"), "this token is not valid"),
        (Credentials(address="127.0.0.1", user="a b|c"), "is not a user's name"),
        (Credentials(address="127.0.0.1", user="x" * 65), "is not a user's name"),
    ],
)
def test_who_it_is_not(tmp_path: Path, credentials: Credentials, message: str) -> None:
    with pytest.raises(NotAuthenticated) as caught:
        asyncio.run(chain(tmp_path).caller(credentials))
    assert message in str(caught.value)


def test_passwords_may_be_limited_to_hosts(tmp_path: Path) -> None:
    limited = HttpBasic(dbfile=tmp_path / "htpasswd", whitelist=("10.0.0.0/24",))
    only = chain(tmp_path, acl=None, http_basic=limited)
    shown = Credentials(address="10.0.0.5", authorization=basic("alice:s3cret"))
    assert asyncio.run(only.caller(shown)).name == "alice"
    with pytest.raises(NotAuthenticated, match="not accepted from your host"):
        asyncio.run(only.caller(Credentials(address="10.0.1.5", authorization=shown.authorization)))
    assert only.challenge == 'Basic realm="Kadeploy", charset="UTF-8"'


def test_guesses_are_limited_and_the_right_password_waits_too(tmp_path: Path) -> None:
    few = chain(tmp_path, failures=Failures(per_user=2, per_address=100))

    async def story() -> None:
        for _ in range(2):
            with pytest.raises(NotAuthenticated, match="do not match"):
                await few.caller(Credentials(address="10.0.0.1", authorization=basic("alice:guess")))
        for password in ("guess", "s3cret"):
            with pytest.raises(TooManyFailures, match="try again in"):
                await few.caller(Credentials(address="10.0.0.1", authorization=basic(f"alice:{password}")))
        # Neither others there nor she elsewhere are shut out.
        assert await few.caller(Credentials(address="10.0.0.1", authorization=basic("root:toor")))
        assert await few.caller(Credentials(address="10.0.0.2", authorization=basic("alice:s3cret")))

    asyncio.run(story())


def test_who_is_unknown_is_told_the_same_and_costs_the_same(tmp_path: Path) -> None:
    path = tmp_path / "htpasswd"
    path.write_text(f"alice:{bcrypt.hashpw(b's3cret', bcrypt.gensalt(10)).decode()}\n")
    passwords = Htpasswd(path)

    def seconds(user: str) -> float:
        began = time.process_time()
        assert not passwords.accepts(user, "guess")
        return time.process_time() - began

    assert min(seconds("nobody") for _ in range(3)) > min(seconds("alice") for _ in range(3)) / 3
