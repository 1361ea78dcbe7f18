"""What the configuration says of places that files come from, and through which proxy each is reached."""

from __future__ import annotations

import pytest

from kadeploy.files.depot import Depot
from kadeploy.files.web import Web


@pytest.mark.parametrize(
    ("prefix", "url", "held"),
    [
        ("https://files/images/", "https://files/images/debian", True),
        ("https://files/images/", "https://files:443/images/debian", True),
        ("https://files/images", "https://files/images/debian", True),
        ("https://files/images/", "https://files/images-of-others/debian", False),
        ("https://files/", "https://files.evil.org/debian", False),
        ("https://files/", "https://files@evil.org/debian", False),
        ("https://files/", "http://files/debian", False),
        ("https://files/", "https://files:8443/debian", False),
        ("s3://images/", "s3://images/debian", True),
        ("s3://images/", "s3://images-too/debian", False),
    ],
)
def test_a_place_is_what_is_below_its_prefix(prefix: str, url: str, held: bool) -> None:
    assert Depot(prefix=prefix).holds(url) is held


def test_the_most_particular_place_counts() -> None:
    wide, narrow = Depot(prefix="https://files/"), Depot(prefix="https://files/private/")
    web = Web(depots=(wide, narrow))
    assert web.depot("https://files/private/debian") is narrow
    assert web.depot("https://files/debian") is wide
    assert web.depot("https://elsewhere/debian") is None


def test_secrets_are_not_shown() -> None:
    told = repr(Depot(prefix="s3://x/", key="AKIA", secret="sesame", password="hunter2", token="t0ken"))
    assert not [secret for secret in ("sesame", "hunter2", "t0ken") if secret in told]


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://far.org/debian", "http://proxy:3128"),
        ("http://near.example.org/debian", None),
        ("http://example.org/debian", None),
        ("http://notexample.org/debian", "http://proxy:3128"),
        ("https://files/debian", "http://other:8080"),
        ("https://files/direct/debian", None),
    ],
)
def test_each_url_has_its_proxy(url: str, proxy: str | None) -> None:
    web = Web(
        proxy="http://proxy:3128",
        no_proxy=(".example.org",),
        depots=(
            Depot(prefix="https://files/", proxy="http://other:8080"),
            Depot(prefix="https://files/direct/", proxy=""),
        ),
    )
    assert web.proxy_for(url) == proxy


def test_the_environment_decides_where_nothing_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert Web().proxy_for("http://far.org/x") is None
    monkeypatch.setenv("http_proxy", "proxy:3128")
    monkeypatch.setenv("no_proxy", "localhost, .example.org")
    assert Web().proxy_for("http://far.org/x") == "http://proxy:3128"
    assert Web().proxy_for("http://www.example.org/x") is None
    assert Web().proxy_for("https://far.org/x") is None
    assert Web(proxy="").proxy_for("http://far.org/x") is None
