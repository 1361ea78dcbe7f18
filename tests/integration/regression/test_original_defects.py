"""What was wrong in the original at its last version, asked of a running server: each is right here.

Those about the tools and about what happens on a node are in `test_original_defects_elsewhere.py`.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integration.security.attacked import Attacked

FSA = {"file": "upload://" + "a" * 64, "kind": "fsa", "compression": 0}


def test_formulas_with_n_count_the_nodes_where_reboots_are_waited_for(server: Attacked) -> None:
    text = server.user().deploy(timeout_reboot_classical="100+n", nodes=["node-[1-3]"]).json()["text"]
    assert text.count("wait_reboot  103 s") == 3


def test_a_formula_with_n_waits_in_a_real_deployment(server: Attacked) -> None:
    view = ended(server, nodes=["node-[1-2]"], timeout_reboot_classical="100+n", timeout_reboot_kexec="60+5*log(n)")
    assert sorted(view["nodes"]["ok"]) == ["node-1", "node-2"]


@pytest.mark.parametrize("way", ["tree", "chain"])
def test_the_way_a_file_is_scattered_is_the_one_that_is_asked_for(server: Attacked, way: str) -> None:
    operation = {"name": "f", "action": "send", "content": "x", "destination": "/tmp", "scattering": way}
    custom = {"BroadcastEnv": {"send_environment": {"post-ops": [operation]}}}
    answer = server.user().deploy(custom_operations=custom)
    assert answer.status == 200, answer.text
    wrong = {"tree": "chain", "chain": "tree"}[way]
    refused = server.user().deploy(
        custom_operations={
            "BroadcastEnv": {"send_environment": {"post-ops": [{**operation, "scattering": f"{wrong}s"}]}}
        }
    )
    assert refused.code == "8", refused.text


def test_without_kexec_the_minimal_environment_is_not_reached_by_it_either(server: Attacked) -> None:
    automata = {"SetDeploymentEnv": [{"name": "Kexec"}]}
    with_kexec = server.user().deploy(automata=automata).json()["text"]
    without = server.user().deploy(automata=automata, disable_kexec=True).json()["text"]
    assert "SetDeploymentEnv: Kexec" in with_kexec
    assert "SetDeploymentEnv: Kexec" not in without
    assert "    kexec " not in without


def test_rights_are_asked_for_every_partition_of_an_image_of_several(server: Attacked) -> None:
    """Here without a crash, and each partition that is missing is named."""
    admin, carol = server.user("admin"), server.user("mallory")
    assert (
        admin.post("/rights", username="mallory", nodes=["node-9"], partitions=["/dev/vda3"], overwrite=True).status
        == 200
    )
    several: dict[str, Any] = {
        "image": {"file": f"server://{server.folder}/images/a.tgz", "kind": "fsa", "compression": 0},
        "multipart": True,
        "options": {"partitions": [{"id": 0, "device": "vda3"}, {"id": 1, "device": "vda1"}]},
        "boot": {"kernel": "/vmlinuz", "block_device": "vda", "partition": 3},
    }
    environment = {"kind": "anonymous", **carol.description(**several)}
    refused = carol.deploy(nodes=["node-9"], environment=environment)
    assert refused.is_refusal, refused.text
    assert refused.code == "6", refused.text
    assert "/dev/vda1" in refused.text
    assert "/dev/vda3" not in refused.text
    assert admin.ask("DELETE", "/rights/mallory").status == 200


@pytest.mark.parametrize("kind", ["tar", "fsa"])
def test_only_an_image_of_a_disk_goes_onto_a_whole_disk(server: Attacked, kind: str) -> None:
    alice = server.user()
    image = {"file": f"server://{server.folder}/images/a.tgz", "kind": kind}
    image["compression"] = "gzip" if kind == "tar" else "0"
    answer = alice.deploy(environment={"kind": "anonymous", **alice.description(image=image)}, block_device="/dev/vda")
    assert answer.code == "13", answer.text
    assert "only a dd image can be deployed to a whole disk" in answer.text


@pytest.mark.parametrize("place", ["image", "preinstall", "postinstall"])
def test_files_are_looked_at_before_any_node_is_touched(server: Attacked, place: str) -> None:
    alice, missing = server.user(), f"server://{server.folder}/images/none.tgz"
    archive = {"archive": missing, "compression": "gzip", "script": "none"}
    changes: dict[str, dict[str, Any]] = {
        "image": {"image": {"file": missing, "kind": "tar", "compression": "gzip"}},
        "preinstall": {"preinstall": archive},
        "postinstall": {"postinstalls": [archive]},
    }
    environment = {"kind": "anonymous", **alice.description(**changes[place])}
    answer = alice.post("/deployment", nodes=["node-1"], environment=environment)
    assert answer.code == "5", answer.text
    assert "none.tgz does not exist" in answer.text


def test_a_vlan_without_a_configuration_is_refused_at_once(server: Attacked) -> None:
    answer = server.user().deploy(vlan="3")
    assert (answer.code, "this server moves no nodes between VLANs" in answer.text) == ("9", True)


def test_scripts_after_the_installation_find_what_was_written_by_dd(server: Attacked) -> None:
    """A dd image was never mounted in some ways to send it, and the scripts ran all the same."""
    alice = server.user()
    image = {"file": f"server://{server.folder}/images/a.tgz", "kind": "dd", "compression": "gzip"}
    archive = {"archive": f"server://{server.folder}/images/a.tgz", "compression": "gzip", "script": "none"}
    environment = alice.description(image=image, postinstalls=[archive])
    for way in ("Chain", "Tree", "Kastafior"):
        answer = alice.deploy(
            environment={"kind": "anonymous", **environment}, automata={"BroadcastEnv": [{"name": way}]}
        )
        assert answer.status == 200, answer.text
        steps = answer.json()["text"].partition("BroadcastEnv")[2]
        assert -1 < steps.find("send_environment") < steps.find("  mount_deploy_part") < steps.find("post_install")


def test_nodes_at_a_breakpoint_have_not_succeeded(server: Attacked) -> None:
    alice = server.user()
    body = {"nodes": ["node-3"], "environment": {"kind": "database", "name": "simulated"}, "breakpoint": "BootNewEnv"}
    wid = alice.post("/deployment", **body).json()["wid"]
    told = alice.events(f"/deployment/{wid}")
    assert any(event.get("kind") == "nodes_held" for event in told)
    view = alice.get(f"/deployment/{wid}").json()
    assert view["nodes"]["ok"] == []
    assert alice.ask("DELETE", f"/deployment/{wid}", {"cancel": True}).status == 200
    assert any(event.get("kind") == "operation_ended" for event in told)
    (row,) = [line for line in server.user("admin").get("/stats").text.splitlines() if line.startswith(wid)]
    assert ",false,aborted by alice" in row


def test_statistics_say_which_image_was_installed(server: Attacked) -> None:
    """There was a column for it, always empty."""
    wid = ended(server, nodes=["node-4"])["wid"]
    rows = server.user("admin").get(f"/stats?wid={wid}&fields=hostname&fields=image_sha256&format=json").json()
    assert [row["hostname"] for row in rows] == ["node-4"]
    assert re.fullmatch("[0-9a-f]{64}", rows[0]["image_sha256"])


def test_files_of_environments_are_moved(server: Attacked) -> None:
    alice, admin = server.user(), server.user("admin")
    images = server.folder / "images"
    (images / "new").mkdir()
    (images / "old.tgz").write_bytes((images / "a.tgz").read_bytes())
    image = {"file": f"server://{images}/old.tgz", "kind": "tar", "compression": "gzip"}
    assert alice.post("/environments", environment=alice.description("moved", image=image)).status == 200
    (images / "old.tgz").rename(images / "new" / "old.tgz")
    moves = {f"server://{images}/old": f"server://{images}/new/old"}
    answer = admin.ask("PUT", "/environments", {"update_files": moves})
    assert answer.status == 200, answer.text
    shown = alice.get("/environments?name=moved").json()
    assert shown[0]["image"]["file"] == f"server://{images}/new/old.tgz"
    assert alice.deploy(environment={"kind": "database", "name": "moved"}).status == 200


@pytest.mark.parametrize("nodes", ["node-[1-3]", "node-[1,2,3]", "node-1,node-2,node-3", "node-[1-2],node-3"])
def test_names_fold_into_what_they_were(server: Attacked, nodes: str) -> None:
    """Folding glued groups together."""
    assert server.user().deploy(nodes=[nodes]).json()["nodes"] == ["node-1", "node-2", "node-3"]


def ended(server: Attacked, **changes: object) -> dict[str, Any]:
    alice = server.user()
    body = {"environment": {"kind": "database", "name": "simulated"}, **changes}
    answer = alice.post("/deployment", **body)
    assert answer.status == 200, answer.text
    path = f"/deployment/{answer.json()['wid']}"
    assert any(event.get("kind") == "operation_ended" for event in alice.events(path))
    told = dict(alice.get(path).json())
    assert told["done"]
    return told
