"""Automata as administrators and users write them: what they become, and every fault at once with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kadeploy.config.automata import requested_automaton
from kadeploy.config.load import load_site
from kadeploy.domain.automaton import BUILT_IN, Chosen, MicroSettings
from kadeploy.domain.environment import Archive
from kadeploy.domain.image import Compression
from kadeploy.domain.node import Cluster, Nfsroot
from kadeploy.domain.timeout import Timeout
from kadeploy.errors import Faults
from tests.unit.config import files
from tests.unit.config.test_load import faults_of


def cluster_with(directory: Path, **more: object) -> Cluster:
    loaded = load_site(files.write(directory, lab={**files.cluster(), **more}))
    assert loaded.warnings == ()
    return loaded.site.clusters["lab"]


def automata(**macrosteps: object) -> dict[str, Any]:
    return {"automata": {"macrosteps": macrosteps}}


def test_without_automata_the_built_in_ones_are_used(tmp_path: Path) -> None:
    assert cluster_with(tmp_path).automaton == BUILT_IN


def test_what_is_written_is_what_is_tried(tmp_path: Path) -> None:
    micro = {"name": "wait_reboot", "timeout": "60 + n", "retries": 1, "raisable": False, "breakpoint": True}
    found = cluster_with(
        tmp_path,
        **automata(
            BootNewEnv=[{"type": "BootNewEnvClassical", "timeout": 900, "raisable": False}, {"type": "HardReboot"}],
            SetDeploymentEnv=[{"type": "Untrusted", "retries": 2, "timeout": "400 + 2*n", "microsteps": [micro]}],
        ),
    ).automaton
    assert list(found) == ["SetDeploymentEnv", "BroadcastEnv", "BootNewEnv"]
    settings = MicroSettings(timeout=Timeout("60 + n"), retries=1, raisable=False, breakpoint=True)
    assert found == {
        "SetDeploymentEnv": (
            Chosen(
                instance="Untrusted", retries=2, timeout=Timeout("400 + 2*n"), micro_steps={"wait_reboot": settings}
            ),
        ),
        "BroadcastEnv": BUILT_IN["BroadcastEnv"],
        "BootNewEnv": (
            Chosen(instance="Classical", timeout=Timeout("900"), raisable=False),
            Chosen(instance="HardReboot"),
        ),
    }


def test_custom_operations_of_a_micro_step_belong_to_its_instance(tmp_path: Path) -> None:
    operation = {"name": "hello", "action": "exec", "command": "echo hello"}
    micro = {"name": "sync", "pre-ops": [operation], "substitute": [operation]}
    found = cluster_with(tmp_path, **automata(BroadcastEnv=[{"type": "Chain", "microsteps": [micro]}]))
    assert [one.path for one in found.operations] == [
        "BroadcastEnvChain.sync.pre-ops",
        "BroadcastEnvChain.sync.substitute",
    ]


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    wrong = automata(
        SetDeploymentEnv=[
            {"type": "Trusted", "retries": -1, "timeout": "__import__('os')"},
            {"type": "Kexec", "microsteps": [{"name": "wait"}, {"name": "sync", "retries": "often"}]},
        ],
        BootNewEnv=[{"type": "PivotRoot"}, {"retries": 1}],
    )
    told = faults_of(files.write(tmp_path, lab={**files.cluster(), **wrong}))
    place = "lab.conf: automata.macrosteps"
    expected = [
        f"{place}.SetDeploymentEnv[0].type: must be Untrusted, Kexec, UntrustedCustomPreInstall, Prod, Nfsroot, Dummy, "
        "not 'Trusted'",
        f"{place}.SetDeploymentEnv[0].retries: must be at least 0, not -1",
        f"{place}.SetDeploymentEnv[0].timeout: the timeout \"__import__('os')\" is not valid",
        f"{place}.SetDeploymentEnv[1].microsteps[0].name: must be a micro-step such as wait_reboot, not 'wait'",
        f"{place}.SetDeploymentEnv[1].microsteps[1].retries: must be a whole number, not 'often'",
        f"{place}.BootNewEnv[0].type: PivotRoot does not exist; use Kexec, Classical or HardReboot",
        f"{place}.BootNewEnv[1].type: is required",
    ]
    assert [fault[: len(start)] for fault, start in zip(told, expected, strict=True)] == expected


def test_a_step_is_set_once(tmp_path: Path) -> None:
    twice = automata(BroadcastEnv=[{"type": "Chain", "microsteps": [{"name": "sync"}, {"name": "sync"}]}])
    assert faults_of(files.write(tmp_path, lab={**files.cluster(), **twice})) == [
        "lab.conf: automata.macrosteps.BroadcastEnv[0].microsteps: sync is there twice"
    ]


def test_a_turn_has_at_least_the_time_of_its_reboot(tmp_path: Path) -> None:
    short = automata(
        SetDeploymentEnv=[{"type": "Untrusted", "timeout": "100 + n"}],
        BootNewEnv=[{"type": "Kexec", "timeout": 60}, {"type": "Classical", "timeout": 119}, {"type": "HardReboot"}],
    )
    assert faults_of(files.write(tmp_path, lab={**files.cluster(), **short})) == [
        "lab.conf: automata.macrosteps.SetDeploymentEnv[0].timeout: 100 + n is less than timeouts.reboot, "
        "120 + 10*log(n)",
        "lab.conf: automata.macrosteps.BootNewEnv[1].timeout: 119 is less than timeouts.reboot, 120 + 10*log(n)",
    ]


def test_the_rest_of_what_instances_need(tmp_path: Path) -> None:
    cluster = files.cluster()
    cluster["boot"]["kernels"]["nfsroot"] = {
        "vmlinuz": "/srv/nfs/vmlinuz",
        "initrd": "/srv/nfs/initrd",
        "params": "nfsroot=10.0.0.1:/srv/nfs/root",
    }
    cluster["boot"]["kernels"]["deploy"]["drivers"] = "ib_ipoib, mlx5_core"
    found = load_site(
        files.write(
            tmp_path,
            lab={
                **cluster,
                "kexec": {"repository": "/dev/shm/kernels"},
                "preinstall": {"files": [{"file": "/srv/pre.tgz", "format": "tgz", "script": "pre.sh -v"}]},
                "postinstall": {"files": [{"file": "/srv/post.txz", "format": "txz"}]},
                "localops": {"broadcastenv": {"cmd": "send --to NODEFILE ENVFILE", "decompress": False}},
            },
        )
    ).site.clusters["lab"]
    params = "nfsroot=10.0.0.1:/srv/nfs/root"
    assert found.nfsroot == Nfsroot(kernel="/srv/nfs/vmlinuz", initrd="/srv/nfs/initrd", params=params)
    assert found.drivers == ("ib_ipoib", "mlx5_core")
    assert found.kexec_folder == "/dev/shm/kernels"
    assert found.preinstalls == (
        Archive(archive="server:///srv/pre.tgz", compression=Compression.GZIP, script="pre.sh -v"),
    )
    assert found.postinstalls == (Archive(archive="server:///srv/post.txz", compression=Compression.XZ),)
    assert found.broadcast_command == ("send", "--to", "NODEFILE", "ENVFILE")
    assert not found.broadcast_decompresses


def test_a_command_for_the_broadcast_names_the_image(tmp_path: Path) -> None:
    lab = {**files.cluster(), "localops": {"broadcastenv": {"cmd": "send it"}}}
    assert faults_of(files.write(tmp_path, lab=lab)) == [
        "lab.conf: localops.broadcastenv.cmd: must hold ENVFILE, which stands for the image's file"
    ]


def test_what_a_request_asks_for() -> None:
    asked = {
        "BootNewEnv": [{"name": "Kexec", "retries": 0, "timeout": 90}, {"name": "BootNewEnvClassical", "retries": 1}],
        "BroadcastEnv": [{"name": "Kascade", "timeout": "300 + n"}],
    }
    assert requested_automaton(asked) == {
        "BroadcastEnv": (Chosen(instance="Kascade", timeout=Timeout("300 + n")),),
        "BootNewEnv": (Chosen(instance="Kexec", timeout=Timeout("90")), Chosen(instance="Classical", retries=1)),
    }


@pytest.mark.parametrize(
    ("asked", "faults"),
    [
        ([], ["automata: must be a mapping of macro-steps to lists of instances"]),
        (
            {"Deploy": [], "BootNewEnv": [], "BroadcastEnv": ["Chain"]},
            [
                "automata.Deploy: there is no such macro-step, but SetDeploymentEnv, BroadcastEnv, BootNewEnv",
                "automata.BootNewEnv: must be a list of at least one instance",
                "automata.BroadcastEnv[0]: must be a mapping of keys to values, not 'Chain'",
            ],
        ),
        (
            {"BootNewEnv": [{"name": "Chain", "retrys": 1}, {"name": "Kexec", "retries": 1000, "timeout": "n n"}]},
            [
                "automata.BootNewEnv[0].retrys: is not a known key; did you mean retries?",
                "automata.BootNewEnv[0].name: must be Kexec, Classical, HardReboot, Dummy, not 'Chain'",
                "automata.BootNewEnv[1].retries: must be at most 100, not 1000",
                "automata.BootNewEnv[1].timeout: the timeout 'n n' is not valid: 'n' (character 3) "
                "cannot be there: an operator is expected, or the end",
            ],
        ),
    ],
)
def test_all_that_is_wrong_with_a_request(asked: object, faults: list[str]) -> None:
    with pytest.raises(Faults) as caught:
        requested_automaton(asked)
    assert list(caught.value.faults) == faults
