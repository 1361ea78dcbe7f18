"""Bodies of launches, field by field, in the types in which the tools send them (section 6), as dry runs."""

from __future__ import annotations

import pytest

from tests.acceptance.wire.client import Answer, Client
from tests.acceptance.wire.server import Kadeployd, healthy_nodes
from tests.acceptance.wire.stage import Stage

NODES = [name.partition(".")[0] for name in healthy_nodes()]
SIMULATED = {"kind": "database", "user": "root", "name": "simulated", "version": 1}
STEP = {"BroadcastEnv": {"send_environment": {"post-ops": [{"name": "x", "action": "exec", "command": "true"}]}}}
CHOSEN = {"BroadcastEnv": [{"name": "Kascade", "retries": 0, "timeout": 1000}]}
PROFILE = {"profile": "#!ipxe\nboot\n", "singularities": {"node-1": "x"}, "files": []}


@pytest.fixture
def client(stage: Stage, plain: Kadeployd) -> Client:
    return Client(server=plain)


@pytest.mark.parametrize(
    "field",
    [
        {"debug": True},
        {"force": True},
        {"hook": True},
        {"verbose_level": 4},
        {"breakpoint": "BroadcastEnv"},
        {"breakpoint": "BroadcastEnv:send_environment"},
        {"custom_operations": STEP},
        {"deploy_partition": "3"},
        {"boot_partition": 0},
        {"boot_partition": 2},
        {"boot_partition": 3},
        {"reformat_tmp_partition": "ext4"},
        {"timeout_reboot_classical": "100+n"},
        {"timeout_reboot_kexec": "60"},
        {"disable_kexec": True, "disable_bootloader_install": True, "disable_disk_partitioning": True},
        {"pxe": PROFILE},
        {"automata": CHOSEN},
        {"environment": {"kind": "database", "user": "root", "name": "simulated", "version": None}},
    ],
    ids=lambda field: "+".join(field),
)
def test_a_deployment_with(client: Client, field: dict[str, object]) -> None:
    body = {"environment": SIMULATED, **field, "dry_run": True, "nodes": NODES[:2]}
    assert _ends_silently(client.send("POST", "/deployment/", body))


@pytest.mark.parametrize(
    "field",
    [
        {"kind": "simple", "level": "soft"},
        {"kind": "simple", "level": "hard"},
        {"kind": "simple", "level": "very_hard"},
        {"kind": "simple", "timeout_reboot_classical": "2*n+30"},
        {"kind": "set_pxe", "pxe": PROFILE},
        {"kind": "deploy_env"},
        {"kind": "recorded_env", "environment": {"user": "root", "name": "simulated", "version": 1}},
        {
            "kind": "recorded_env",
            "environment": {"user": "root", "name": "simulated", "version": 1},
            "deploy_partition": "3",
            "check_destructive": True,
        },
    ],
    ids=lambda field: "+".join(map(str, field.values()))[:40],
)
def test_a_reboot_with(client: Client, field: dict[str, object]) -> None:
    assert _ends_silently(client.send("POST", "/reboot/", {**field, "dry_run": True, "nodes": NODES[:2]}))


@pytest.mark.parametrize("status", ["on", "off"])
@pytest.mark.parametrize("level", ["soft", "hard", "very_hard"])
def test_power(client: Client, status: str, level: str) -> None:
    body = {"level": level, "status": status, "dry_run": True, "nodes": NODES[:2]}
    assert _ends_silently(client.send("PUT", "/power/", body))


def test_the_powers_query_has_its_parameters_before_the_nodes(client: Client) -> None:
    query = f"dry_run=true&debug=true&verbose_level=2&force=true&hook=true&nodes={NODES[0]}&nodes={NODES[1]}"
    assert _ends_silently(client.get(f"/power?{query}"))


def test_a_vlan_where_there_are_none(client: Client) -> None:
    body = {"environment": SIMULATED, "vlan": "42", "dry_run": True, "nodes": NODES[:1]}
    answer = client.send("POST", "/deployment/", body)
    assert (answer.status, answer.headers["x-application-error-code"]) == (400, "9"), str(answer)


def _ends_silently(answer: Answer) -> bool:
    """What a dry run's tool needs: a success, whatever is in it."""
    assert answer.is_usable(), str(answer)
    return True


def test_a_tree_on_a_whole_disk_that_is_not_the_nodes_own(client: Client) -> None:
    """`-b DEVICE` without `-p` sends an empty partition: a whole disk, which an image of files cannot be put on."""
    wish = {"deploy_partition": "", "block_device": "/dev/elsewhere"}
    answer = client.send(
        "POST", "/deployment/", {"environment": SIMULATED, **wish, "dry_run": True, "nodes": NODES[:1]}
    )
    assert (answer.status, answer.headers["x-application-error-code"]) == (400, "13"), str(answer)
    assert "/dev/elsewhere" in answer.text
