"""Whatever is sent as JSON, as YAML or in a query: a value or a clear error, never a defect, and none in the log."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.boot.test_http import World, with_pages
from tests.integration.security.attacked import Attacked, Visitor

QUICK = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
TEXTS = st.one_of(
    st.text(st.characters(), max_size=12),
    st.sampled_from(
        ["", "node-1", "node-[1-2]", "node-[2-1]", "*", "%", "@all", "linux", "tar", "gzip", "true", "false", "null"]
        + [
            "server:///x",
            "upload://" + "a" * 64,
            "http://[",
            "http://x:99999/",
            "client+http://x",
            "local:///x",
            "s3://x",
        ]
        + ["/dev/vda3", "vda", "3", "-1", "1e9", "0x83", "BootNewEnv", "BootNewEnv:kexec", "simple", "recorded_env"]
        + ["4h", "2027-01-31T18:00:00", "log(n)", "\0", "\ud800", "é", "x" * 300, "alice", "simulated", "anonymous"]
    ),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**30]), st.floats(), TEXTS
)
KEYS = st.one_of(
    TEXTS,
    st.sampled_from(
        ["name", "user", "version", "kind", "file", "image", "compression", "archive", "script", "kernel", "action"]
        + ["SetDeploymentEnv", "BootNewEnv", "mount_deploy_part", "pre-ops", "post-ops", "substitute", "override"]
        + ["command", "destination", "params", "content", "retries", "timeout", "profile", "singularities", "os"]
    ),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
LAUNCH = (
    ["nodes", "environment", "deploy_partition", "block_device", "boot_partition", "vlan", "automata", "pxe", "client"]
    + [
        "custom_operations",
        "custom_variables",
        "timeout_reboot_classical",
        "timeout_reboot_kexec",
        "breakpoint",
        "kind",
    ]
    + ["ssh_authorized_keys", "ssh_authorized_keys_content", "reformat_tmp_partition", "disable_kexec", "hook", "force"]
    + ["verbose_level", "debug", "wait_nodes", "check_destructive", "status", "level"]
)
DESCRIPTION = [
    "name",
    "version",
    "description",
    "author",
    "alias",
    "arch",
    "user",
    "visibility",
    "destructive",
    "os",
    "image",
] + ["preinstall", "postinstalls", "boot", "filesystem", "partition_type", "multipart", "options", "custom_variables"]
RIGHTS = ["username", "group", "nodes", "partitions", "overwrite", "from", "until", "for", "detailed"]


def some(keys: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.one_of(st.sampled_from(keys), TEXTS), VALUES, max_size=4)


def send(visitor: Visitor, method: str, path: str, body: dict[str, Any], as_yaml: bool) -> None:
    if as_yaml:
        content = yaml.safe_dump(body, allow_unicode=True).encode(errors="surrogatepass")
        answer = visitor.ask(method, path, content, kind="application/x-yaml")
    else:
        answer = visitor.ask(method, path, body)
    assert answer.status == 200 or answer.is_refusal, f"{answer.status}: {answer.text}"


@QUICK
@given(st.sampled_from(["deployment", "reboot", "power"]), some(LAUNCH), st.booleans())
def test_launches(server: Attacked, kind: str, changes: dict[str, Any], as_yaml: bool) -> None:
    alice = server.user()
    usual = (
        {"nodes": ["node-1"], "environment": {"kind": "anonymous", **alice.description()}}
        if kind == "deployment"
        else {}
    )
    usual |= {"nodes": ["node-1"], "kind": "simple", "status": "on"} if kind != "deployment" else {}
    body = {**usual, **changes, "dry_run": True}
    send(alice, "PUT" if kind == "power" else "POST", f"/{kind}", body, as_yaml)


@QUICK
@given(some(DESCRIPTION), st.booleans())
def test_environments(server: Attacked, changes: dict[str, Any], as_yaml: bool) -> None:
    alice = server.user()
    body = {"environment": {**alice.description("fuzzed"), **changes}, "dry_run": True}
    send(alice, "POST", "/environments", body, as_yaml)


@QUICK
@given(some(RIGHTS), st.booleans())
def test_rights(server: Attacked, changes: dict[str, Any], as_yaml: bool) -> None:
    send(server.user("admin"), "POST", "/rights", {"username": "eve", **changes, "dry_run": True}, as_yaml)


@QUICK
@given(
    st.sampled_from(["nodes", "environments", "stats", "rights", "console", "deployment", "audit", "tokens", "power"]),
    st.dictionaries(
        st.sampled_from([*RIGHTS, "name", "version", "last", "limit", "since", "fields", "sort"]), TEXTS, max_size=3
    ),
    st.binary(max_size=12),
)
def test_queries(server: Attacked, path: str, query: dict[str, str], noise: bytes) -> None:
    pairs = [f"{key}={_quoted(value.encode(errors='surrogatepass'))}" for key, value in query.items()]
    answer = server.user("admin").get(f"/{path}?{'&'.join([*pairs, _quoted(noise)])}")
    assert answer.status == 200 or answer.is_refusal, f"{answer.status}: {answer.text}"


@QUICK
@given(st.binary(max_size=400), st.sampled_from(["application/json", "application/x-yaml", "text/yaml"]))
def test_any_bytes(server: Attacked, content: bytes, kind: str) -> None:
    answer = server.user().ask("POST", "/reboot", content or b" ", kind=kind)
    assert answer.is_refusal, answer.text


def _quoted(content: bytes) -> str:
    return "".join(f"%{byte:02x}" for byte in content)


def test_the_boot_pages(tmp_path: Path) -> None:
    """Machines that boot are asked no password, so anybody may say anything to them."""
    paths = ["/boot/ipxe", "/boot/nfsroot/", "/files/", "/boot/", "/boot/agent.pyz", "/"]
    told: list[tuple[str, int, bytes]] = []

    async def scenario(world: World) -> None:
        @settings(max_examples=150)
        @given(
            st.sampled_from(paths), st.binary(max_size=30), st.sampled_from(["mac", "x", ""]), st.binary(max_size=30)
        )
        def ask(path: str, more: bytes, key: str, value: bytes) -> None:
            target = f"{path}{_quoted(more)}?{key}={_quoted(value)}"
            told.append((target, *world.get(target, source="127.0.5.1")))

        await asyncio.to_thread(ask)

    with_pages(tmp_path, scenario)
    for target, status, content in told:
        assert status in (200, 404, 405), target
        assert b"Traceback" not in content
