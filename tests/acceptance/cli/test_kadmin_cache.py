"""`kadmin cache`: whether the server runs or not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from kadeploy.config.load import load_server
from kadeploy.fetching import open_cache
from kadeploy.ports.files import FileOrder
from tests.acceptance.cli.secured_server import secured_server
from tests.acceptance.cli.tools import Run, environment, run


def configure(directory: Path, port: int = 25300, *, secure: bool = True) -> None:
    images = directory / "images"
    images.mkdir()
    for name in "ab":
        (images / name).write_bytes(name.encode() * 1_000_000)
    settings = {
        "state_directory": str(directory / "state"),
        "listen": {"port": port},
        "security": {"secure_server": secure},
        "rights": {"almighty_users": ["root"]},
        "files": {"roots": [str(images)]},
        "cache": {"size": 100},
    }
    (directory / "server.conf").write_text(yaml.safe_dump(settings))


def fill(directory: Path) -> dict[str, str]:
    """Two files, one of them in use by an operation."""
    config = load_server(directory)
    config.state_directory.mkdir(exist_ok=True)
    cache = open_cache(config)

    async def story() -> dict[str, str]:
        pinned = {}
        for name in "ab":
            url = f"server://{directory}/images/{name}"
            pinned[name] = (await cache.pin(FileOrder(url=url, copied=True), owner=f"D-{name}")).sha256
        await cache.release("D-b")
        return pinned

    try:
        return asyncio.run(story())
    finally:
        cache.close()


def kadmin(directory: Path, *words: str) -> Run:
    return run("kadmin", "cache", *words, "--config", str(directory), env=environment(directory, ""))


def test_what_is_kept_and_why_while_no_server_runs(tmp_path: Path) -> None:
    configure(tmp_path)
    pinned = fill(tmp_path)
    told = json.loads(kadmin(tmp_path, "list", "--json").stdout)
    assert {one["sha256"]: one["users"] for one in told["contents"]} == {pinned["a"]: ["D-a"], pinned["b"]: []}
    assert (told["size"], told["limit"]) == (2_000_000, 100 * 1024**2)
    listed = kadmin(tmp_path, "list").stdout
    assert "D-a" in listed
    assert "2.0 MB of 105 MB" in listed
    refused = kadmin(tmp_path, "clean", pinned["a"])
    assert (refused.exit, refused.stderr) == (1, f"kadmin: {pinned['a']} is in use by D-a\n")
    assert kadmin(tmp_path, "clean", "0" * 64).exit == 1
    assert kadmin(tmp_path, "clean").stdout == "1 file removed, 1.0 MB\n"
    assert [one["sha256"] for one in json.loads(kadmin(tmp_path, "list", "--json").stdout)["contents"]] == [pinned["a"]]


@pytest.mark.parametrize("secure", [True, False])
def test_a_server_that_runs_is_asked(tmp_path: Path, secure: bool) -> None:
    state = tmp_path / "state"
    with secured_server(state, secure=secure) as server:
        configure(tmp_path, port=urlsplit(server.url).port or 0, secure=secure)
        listed = kadmin(tmp_path, "list", "--json")
        assert (listed.exit, listed.stderr) == (0, "")
        assert json.loads(listed.stdout)["contents"] == []
        assert kadmin(tmp_path, "clean").stdout == "0 files removed, 0 B\n"
        refused = kadmin(tmp_path, "clean", "0" * 64)
        assert refused.exit == 1
        assert "the cache has no content" in refused.stderr
        tokens = run("kadmin", "token", "list", "--json", "--config", str(tmp_path), env=environment(tmp_path, ""))
        assert json.loads(tokens.stdout) == []
