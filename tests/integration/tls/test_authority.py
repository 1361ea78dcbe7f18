"""The server's own authority and what it issues: made once, kept private, renewed in time."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from starlette.types import Receive, Scope, Send

from kadeploy.errors import BadConfiguration
from kadeploy.serving import listen, serve
from kadeploy.tls.authority import open_authority
from kadeploy.tls.contexts import authority_fingerprint, server_context
from kadeploy.tls.opened import ServerTls, Wanted, open_tls
from kadeploy.tls.server_certificate import must_renew
from tests.integration.security.certificates import SERVER, TestAuthority

DAY = timedelta(days=1)
NAMES = ("kadeploy.example.org", "localhost", "127.0.0.1", "::1")


def now() -> datetime:
    return datetime.now(UTC)


def wanted(directory: Path, **changes: object) -> Wanted:
    usual: dict[str, object] = {"directory": directory / "tls", "names": NAMES, "lifetime": 90 * DAY}
    return Wanted(**{**usual, **changes})  # type: ignore[arg-type]


def test_it_is_made_once_and_its_keys_are_private(tmp_path: Path) -> None:
    first = open_tls(wanted(tmp_path), now())
    again = open_tls(wanted(tmp_path), now())
    assert first.authority is not None
    assert again.authority is not None
    assert first.authority.fingerprint == again.authority.fingerprint == authority_fingerprint(first.api_authority)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tls").iterdir()}
    assert modes == {"ca.key": 0o600, "ca.pem": 0o600, "server.pem": 0o600}
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_two_servers_that_start_at_once_have_the_same(tmp_path: Path) -> None:
    program = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from kadeploy.tls.authority import open_authority
print(open_authority(Path(sys.argv[1]), host="x", now=datetime.now(UTC)).fingerprint)
"""
    argv = [sys.executable, "-c", program, str(tmp_path / "tls")]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = {process.communicate(timeout=30)[0] for process in running}
    assert len(said) == 1
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == ["ca.key", "ca.pem"]


def test_a_key_without_its_certificate_gets_one(tmp_path: Path) -> None:
    """As after a crash between the two."""
    before = open_authority(tmp_path, host="x", now=now())
    (tmp_path / "ca.pem").unlink()
    after = open_authority(tmp_path, host="x", now=now())
    assert after.certificate.public_key() == before.certificate.public_key()


@pytest.mark.parametrize(("file", "said"), [("ca.key", "cannot be used"), ("ca.pem", "cannot be used")])
def test_files_that_are_damaged_are_not_replaced(tmp_path: Path, file: str, said: str) -> None:
    open_authority(tmp_path, host="x", now=now())
    (tmp_path / file).write_text("nonsense")
    with pytest.raises(BadConfiguration, match=said):
        open_authority(tmp_path, host="x", now=now())
    assert (tmp_path / file).read_text() == "nonsense"


def test_a_certificate_of_another_key_is_refused(tmp_path: Path) -> None:
    open_authority(tmp_path / "a", host="x", now=now())
    open_authority(tmp_path / "b", host="x", now=now())
    (tmp_path / "a" / "ca.pem").write_bytes((tmp_path / "b" / "ca.pem").read_bytes())
    with pytest.raises(BadConfiguration, match="is not of the key"):
        open_authority(tmp_path / "a", host="x", now=now())


def test_when_a_certificate_is_renewed(tmp_path: Path) -> None:
    authority = open_authority(tmp_path, host="x", now=now())
    began = now()
    certificate = authority.issue(authority.key, NAMES, now=began, lifetime=90 * DAY)

    def due(days: float = 0, names: tuple[str, ...] = NAMES, of: x509.Certificate = authority.certificate) -> bool:
        return must_renew(certificate, of, names, began + days * DAY)

    assert [due(days) for days in (0, 59, 61, 91, -1)] == [False, False, True, True, True]
    assert due(names=(*NAMES, "10.0.0.1"))
    assert not due(names=("kadeploy.example.org", "localhost", "127.0.0.1", "0:0:0:0:0:0:0:1"))
    assert due(of=TestAuthority().pair.certificate)


def test_a_running_server_takes_over_names(tmp_path: Path) -> None:
    async def story() -> None:
        tls = open_tls(wanted(tmp_path), now())
        assert tls.issued is not None
        async with answering(tls) as port:
            before = await shown(port, tls.api_authority)
            tls.prepare(wanted(tmp_path), now())()
            assert await shown(port, tls.api_authority) == before, "nothing is different"
            turn = tls.prepare(replace(wanted(tmp_path), names=(*NAMES, "other.example.org"), lifetime=9 * DAY), now())
            assert await shown(port, tls.api_authority) == before, "other parts may still find a fault"
            turn()
            after = x509.load_der_x509_certificate(await shown(port, tls.api_authority))
            named = after.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            assert "other.example.org" in named.get_values_for_type(x509.DNSName)
            assert after.not_valid_after_utc < now() + 10 * DAY
            assert not tls.issued.renew(now()), "the next look at it finds what it should be"

    asyncio.run(story())


def test_a_running_server_shows_the_new_one_without_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        old = now() - 80 * DAY
        tls = open_tls(wanted(tmp_path), old)
        assert tls.issued is not None
        async with answering(tls) as port:
            before = await shown(port, tls.api_authority)
            tls.issued.refresh(tls.renewable, old + DAY)
            assert await shown(port, tls.api_authority) == before
            tls.issued.refresh(tls.renewable, now())
            after = await shown(port, tls.api_authority)
            assert after != before
            assert x509.load_der_x509_certificate(after).not_valid_after_utc > now() + 89 * DAY

    asyncio.run(story())


@contextlib.asynccontextmanager
async def answering(tls: ServerTls) -> AsyncIterator[int]:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        """Nobody gets further than TLS."""

    listening = listen("127.0.0.1", 0)
    serving = asyncio.create_task(serve(application, listening, tls=tls.api))
    try:
        yield listening.getsockname()[1]
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def shown(port: int, authority: str) -> bytes:
    """The certificate (DER) a client that trusts the authority sees."""
    context = ssl.create_default_context(cadata=authority)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="kadeploy.example.org")
    certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return certificate


def test_old_versions_of_tls_are_not_spoken(tmp_path: Path) -> None:
    context = open_tls(wanted(tmp_path), now()).api
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_certificate_of_the_sites_is_used_and_pinned(tmp_path: Path) -> None:
    site = TestAuthority("Site")
    pair = site.issue("kadeploy", usage=SERVER, address="127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(pair.cert_pem + site.pair.cert_pem)
    key.write_bytes(pair.pem)
    tls = open_tls(wanted(tmp_path, given=(chain, key), agents=False), now())
    assert tls.api_authority.encode() == site.pair.cert_pem
    assert tls.authority is None
    assert not (tmp_path / "tls").exists()
    both = open_tls(wanted(tmp_path, given=(chain, key)), now())
    assert both.api_authority.encode() == site.pair.cert_pem
    assert both.authority is not None
    assert list(both.renewable) == [both.agents]


def test_a_key_that_is_not_the_certificates_is_refused(tmp_path: Path) -> None:
    site = TestAuthority("Site")
    one, other = site.issue("a", usage=SERVER), site.issue("b", usage=SERVER)
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(one.cert_pem)
    key.write_bytes(other.pem)
    with pytest.raises(BadConfiguration, match="key values mismatch"):
        server_context(chain, key)
    with pytest.raises(BadConfiguration, match="cannot be used"):
        server_context(chain, tmp_path / "none")


def test_without_tls_there_is_no_authority(tmp_path: Path) -> None:
    assert open_tls(wanted(tmp_path, api=False, agents=False), now()) == ServerTls()
    assert not (tmp_path / "tls").exists()
