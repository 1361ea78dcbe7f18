"""Where the server lets itself be sent by a URL, and by whom: redirects, clients' files, proxies, private CAs."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from kadeploy.errors import InvalidExport, InvalidFile
from kadeploy.files.cache import FileCache
from kadeploy.files.depot import Depot
from kadeploy.files.reach import Reach
from kadeploy.files.web import Web
from kadeploy.ports.files import ANYBODY, FileOrder, Reader
from tests.integration.files.conftest import HASTY, LOOPBACK, MIB, OpenCache
from tests.integration.files.web_server import WebServer, content, status, web_server
from tests.integration.security.certificates import SERVER, TestAuthority

BODY = b"an image" * 1000
HOME = Reader(users=("alice",), address="127.0.0.1")
AWAY = Reader(users=("alice",), address="192.0.2.7")
CLOSED = replace(LOOPBACK, reach=Reach())


def pin(cache: FileCache, url: str, reader: Reader = AWAY, **how: object) -> int:
    return asyncio.run(cache.pin(FileOrder(url=url, reader=reader, **how), owner="D-1")).size  # type: ignore[arg-type]


def of_client(web: WebServer, path: str = "/home/alice/image") -> str:
    place = f"/{base64.urlsafe_b64encode(path.encode()).decode()}"
    web.answers[place] = content(BODY, etag='"1-2-3"')
    return f"client+{web.url}{place}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_a_url_does_not_lead_to_the_server_itself(open_cache: OpenCache, web: WebServer, host: str) -> None:
    web.answers["/secret"] = content(BODY)
    cache = open_cache(web=CLOSED)
    with pytest.raises(InvalidFile, match=r"keep for themselves|cannot be fetched"):
        pin(cache, f"{web.url}/secret".replace("127.0.0.1", host))
    assert web.requests == []


def test_who_asks_from_there_may_be_fetched_from(open_cache: OpenCache, web: WebServer) -> None:
    web.answers["/image"] = content(BODY)
    cache = open_cache(web=CLOSED)
    assert pin(cache, f"{web.url}/image", HOME) == len(BODY)
    assert pin(cache, f"{web.url}/image", trusted=True) == len(BODY)
    with pytest.raises(InvalidFile):
        pin(cache, f"{web.url}/image", AWAY)


def test_a_redirect_is_judged_like_a_url(open_cache: OpenCache, web: WebServer) -> None:
    """The first place is permitted; where it leads to is not."""
    web.answers["/image"] = status(302, Location=web.url.replace("127.0.0.1", "127.0.0.2") + "/secret")
    web.answers["/secret"] = content(BODY)
    cache = open_cache(web=replace(CLOSED, reach=Reach(permitted=(ip_network("127.0.0.1/32"),))))
    with pytest.raises(InvalidFile, match=r"127\.0\.0\.2 is an address that machines keep"):
        pin(cache, f"{web.url}/image")
    assert web.count("/secret") == 0


def test_a_clients_file_comes_from_the_client_that_asks(cache: FileCache, web: WebServer) -> None:
    url = of_client(web)
    assert pin(cache, url, HOME) == len(BODY)
    with pytest.raises(InvalidFile, match=r"/home/alice/image on 127\.0\.0\.1 is not fetched: .* only, 192"):
        pin(cache, url, AWAY)
    with pytest.raises(InvalidFile, match="which is not known"):
        pin(cache, url, ANYBODY)


def test_a_clients_redirect_is_not_followed(cache: FileCache, web: WebServer) -> None:
    url = of_client(web)
    web.answers[url.removeprefix(f"client+{web.url}")] = status(302, Location="/other")
    with pytest.raises(InvalidFile, match="leads through more than 0 redirects"):
        pin(cache, url, HOME)


def test_a_clients_file_is_fetched_anew_each_time_and_bounded(cache: FileCache, web: WebServer) -> None:
    url = of_client(web)
    pin(cache, url, HOME)
    web.answers[url.removeprefix(f"client+{web.url}")] = content(b"newer", etag='"1-2-3"')
    assert pin(cache, url, HOME) == 5
    assert "If-None-Match" not in web.requests[-1][1]
    assert web.requests[-1][1]["Accept"] == "*/*"
    with pytest.raises(InvalidFile, match="larger than 4 bytes"):
        pin(cache, url, HOME, limit=4)


def test_a_site_may_want_clients_to_speak_tls(open_cache: OpenCache, web: WebServer) -> None:
    cache = open_cache(web=replace(LOOPBACK, secure_clients=True))
    with pytest.raises(InvalidExport, match="wants files to be served by https"):
        pin(cache, of_client(web), HOME)


def test_a_private_authority_is_believed_where_it_is_named_and_nowhere_else(
    open_cache: OpenCache, tmp_path: Path
) -> None:
    authority = TestAuthority("images")
    ca = authority.write(tmp_path / "ca.pem")
    with web_server(tls=speaking(authority, tmp_path)) as web:
        web.answers["/image"] = content(BODY)
        url = f"{web.url}/image"
        with pytest.raises(InvalidFile, match="CERTIFICATE_VERIFY_FAILED"):
            with_cache(open_cache, LOOPBACK, url)
        assert with_cache(open_cache, replace(LOOPBACK, ca=ca), url) == len(BODY)
        depot = Depot(prefix=f"{url.removesuffix('image')}", ca=ca)
        assert with_cache(open_cache, replace(LOOPBACK, depots=(depot,)), url) == len(BODY)
        with pytest.raises(InvalidFile, match=r"CERTIFICATE_VERIFY_FAILED.*mismatch"):
            with_cache(open_cache, replace(LOOPBACK, ca=ca), url.replace("127.0.0.1", "localhost"))


def speaking(authority: TestAuthority, directory: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = authority.issue("files", usage=SERVER, address="127.0.0.1")
    context.load_cert_chain(pair.write(directory / "images.pem"))
    return context


def with_cache(open_cache: OpenCache, web: Web, url: str) -> int:
    cache = open_cache(web=web)
    try:
        return pin(cache, url)
    finally:
        cache.close()


def test_a_clients_own_certificate_is_not_verified_and_that_is_logged(
    cache: FileCache, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Kadeploy3's tools make it on the spot: who they are is known by their address."""
    with web_server(tls=speaking(TestAuthority("client"), tmp_path)) as web, caplog.at_level(logging.INFO):
        assert pin(cache, of_client(web), HOME) == len(BODY)
    assert "known by its address, not by its certificate" in caplog.text


def test_a_proxy_is_asked_with_the_whole_url(open_cache: OpenCache, web: WebServer) -> None:
    """A proxy is a web server that is sent absolute URLs; the name need not be known here."""
    web.answers["http://images.invalid/debian"] = content(BODY)
    cache = open_cache(web=replace(LOOPBACK, proxy=web.url, no_proxy=("other.invalid",)))
    assert pin(cache, "http://images.invalid/debian") == len(BODY)
    with pytest.raises(InvalidFile, match="cannot be fetched"):
        pin(cache, "http://www.other.invalid/debian")
    cache.close()
    cache = open_cache(web=replace(CLOSED, proxy=web.url))
    with pytest.raises(InvalidFile, match="keep for themselves"):
        pin(cache, "http://localhost:1/secret")


def test_the_environments_proxy_is_used(open_cache: OpenCache, web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", web.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    web.answers["http://images.invalid/debian"] = web.answers["/direct"] = content(BODY)
    cache = open_cache(web=replace(LOOPBACK, proxy=None))
    assert pin(cache, "http://images.invalid/debian") == pin(cache, f"{web.url}/direct") == len(BODY)


def test_credentials_go_where_they_belong_and_into_no_message(
    open_cache: OpenCache, web: WebServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Those in a URL to its server only, those of a place to what is below it; none to where a redirect leads."""
    elsewhere = web.url.replace("127.0.0.1", "localhost")
    web.answers["/own?signature=s3cret"] = status(302, Location=f"{elsewhere}/image")
    web.answers["/private/image"] = web.answers["/image"] = web.answers["/privateer"] = content(BODY)
    depot = Depot(prefix=f"{web.url}/private/", token="t0ken")
    cache = open_cache(web=replace(LOOPBACK, depots=(depot,)))
    with caplog.at_level(logging.INFO, logger="kadeploy"):
        pin(cache, web.url.replace("//", "//alice:hunter2@") + "/own?signature=s3cret")
        pin(cache, f"{web.url}/private/image")
        pin(cache, f"{web.url}/privateer")
    shown = [headers.get("Authorization", "") for _, headers in web.requests]
    assert [one.partition(" ")[0] for one in shown] == ["Basic", "", "Bearer", ""]
    kept = (tmp_path / "cache" / "index.json").read_text()
    for secret in ("hunter2", "s3cret", "t0ken"):
        assert secret not in kept + caplog.text


def test_the_size_is_bounded_before_it_is_fetched(cache: FileCache, web: WebServer) -> None:
    web.answers["/image"] = content(BODY)
    with pytest.raises(InvalidFile, match=f"larger than {len(BODY) - 1} bytes"):
        pin(cache, f"{web.url}/image", limit=len(BODY) - 1)
    assert pin(cache, f"{web.url}/image", limit=len(BODY)) == len(BODY)
    assert cache.limit == 64 * MIB
    assert HASTY.resumes == 4
