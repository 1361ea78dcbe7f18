"""What the request and the cluster make of an automaton: a table, and that it is done once and for all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.automaton import BUILT_IN, INSTANCES, MICRO_STEPS, Automaton, Chosen, MicroSettings
from kadeploy.domain.boot import Profile
from kadeploy.domain.disk import Layout, Role
from kadeploy.domain.environment import Archive, Environment, KernelSpec, OsKind
from kadeploy.domain.image import Compression, Image, ImageKind
from kadeploy.domain.node import Cluster
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.request import DeployRequest
from kadeploy.domain.timeout import Timeout
from kadeploy.plans.adapt import Adapted, adapt, outline_of
from kadeploy.plans.deploy import MACROS
from kadeploy.plans.wanted import Wanted
from kadeploy.steps import CATALOGUE
from kadeploy.steps.send_image import SendImage
from kadeploy.testing.sites import LAYOUT, environment_of, request_for

NODES = NodeSet(["node-1"])
CLUSTER = Cluster(name="sim", layout=LAYOUT, drivers=("driver",))
SCRIPT = Archive(archive="server:///a.tgz", compression=Compression.GZIP, script="run.sh")
DD = environment_of(image=Image(file="server:///x", kind=ImageKind.DD, compression=Compression.XZ))
FSA = environment_of(image=Image(file="server:///x", kind=ImageKind.FSA, compression=Compression.NONE))
EVERYTHING = {
    "vlan": "3",
    "environment": environment_of(postinstalls=(SCRIPT,)),
}


def wanted(cluster: Cluster = CLUSTER, **changes: object) -> Wanted:
    request = request_for(NODES, **{**EVERYTHING, **changes})
    root = None if request.whole_disk else request.partition or cluster.layout.number_of(Role.DEPLOY)
    return Wanted(request=request, cluster=cluster, root=root)


def adapted(cluster: Cluster = CLUSTER, automaton: Automaton = BUILT_IN, **changes: object) -> Adapted:
    return adapt(outline_of({**BUILT_IN, **automaton}), wanted(cluster, **changes))


def steps(made: Adapted) -> set[str]:
    """Each as `macro-step.micro-step`."""
    return {
        f"{macro}.{entry.name}" for macro, lines in made.outline.items() for line in lines for entry in line.entries
    }


def instances(made: Adapted, macro: str) -> list[str]:
    return [line.chosen.instance for line in made.outline[macro]]


ALL = steps(adapted(replace(CLUSTER, postinstalls=(SCRIPT,))))
READS = {"mount_deploy_part", "configure_system", "manage_user_post_install", "check_kernel_files", "send_key"}
READS |= {"install_bootloader"}


@pytest.mark.parametrize(
    ("changes", "gone", "sentence"),
    [
        ({"vlan": ""}, {"set_vlan"}, "SetDeploymentEnv: no set_vlan: no VLAN was asked for"),
        (
            {"authorized_keys": ""},
            {"send_key", "send_key_in_deploy_env"},
            "BroadcastEnv: no send_key: no key was given",
        ),
        (
            {"environment": environment_of()},
            {"manage_user_post_install"},
            "BroadcastEnv: no manage_user_post_install: the environment has no postinstalls",
        ),
        (
            {"disable_bootloader_install": True},
            {"install_bootloader"},
            "BroadcastEnv: no install_bootloader: the request leaves the boot loader alone",
        ),
        (
            {"disable_disk_partitioning": True},
            {"create_partition_table", "format_tmp_part"},
            "SetDeploymentEnv: no create_partition_table: the request leaves the partition table alone",
        ),
        (
            {"disable_disk_partitioning": True, "reformat_tmp": "xfs"},
            {"create_partition_table"},
            "SetDeploymentEnv: no create_partition_table: the request leaves the partition table alone",
        ),
        (
            {"partition": 2},
            {"format_swap_part"},
            "SetDeploymentEnv: no format_swap_part: there is no swap partition besides the one deployed",
        ),
        (
            {"partition": 4},
            {"format_tmp_part"},
            "SetDeploymentEnv: no format_tmp_part: there is no partition for /tmp besides the one deployed",
        ),
    ],
)
def test_what_is_left_out_and_why(changes: dict[str, object], gone: set[str], sentence: str) -> None:
    made = adapted(**changes)  # type: ignore[arg-type]
    before = {name.partition(".")[2] for name in steps(adapted())}
    assert before - {name.partition(".")[2] for name in steps(made)} == gone
    assert sentence in made.sentences


def test_an_image_of_a_disk_is_mounted_once_it_is_written() -> None:
    made = adapted(environment=replace(DD, postinstalls=(SCRIPT,)))
    assert "SetDeploymentEnv.format_deploy_part" not in steps(made)
    assert "SetDeploymentEnv.mount_deploy_part" not in steps(made)
    assert "SetDeploymentEnv: no format_deploy_part: a dd image brings its own file system" in made.sentences
    names = [entry.name for entry in made.outline["BroadcastEnv"][0].entries]
    assert names.index("mount_deploy_part") == names.index("send_environment") + 1
    assert "manage_user_post_install" in names


def test_an_fsarchiver_image_is_restored_from_a_file() -> None:
    names = [entry.name for entry in adapted(environment=FSA).outline["BroadcastEnv"][0].entries]
    assert names[:3] == ["send_environment", "decompress_environment", "mount_deploy_part"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"whole_disk": True, "environment": replace(DD, postinstalls=(SCRIPT,))},
            "BroadcastEnv: no send_key: the whole disk is deployed",
        ),
        (
            {"environment": replace(DD, filesystem="ufs", postinstalls=(SCRIPT,))},
            "BroadcastEnv: no send_key: the minimal environment cannot mount the file system ufs",
        ),
        (
            {"environment": replace(DD, filesystem="", postinstalls=(SCRIPT,))},
            "BroadcastEnv: no send_key: the minimal environment cannot mount a file system that is not named",
        ),
    ],
)
def test_nothing_looks_into_what_cannot_be_mounted(changes: dict[str, object], sentence: str) -> None:
    made = adapted(**changes)  # type: ignore[arg-type]
    assert not {name.partition(".")[2] for name in steps(made)} & READS
    assert sentence in made.sentences
    assert instances(made, "BootNewEnv") == ["Classical", "HardReboot"]


def test_a_whole_disk_leaves_every_partition_alone() -> None:
    names = {name.partition(".")[2] for name in steps(adapted(whole_disk=True, environment=DD))}
    assert not names & {"create_partition_table", "format_deploy_part", "format_tmp_part", "format_swap_part"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"disable_kexec": True}, "the request asks for none"),
        ({"environment": environment_of(os=OsKind.OTHER)}, "the environment is other, not linux"),
        ({"environment": environment_of(os=OsKind.XEN)}, "the environment is xen, not linux"),
        ({"profile": Profile(script="#!ipxe")}, "the request has a profile for the firmware to boot"),
        ({"environment": replace(DD, boot=KernelSpec())}, "the environment names no kernel"),
    ],
)
def test_no_kexec_where_it_cannot_or_must_not_be(changes: dict[str, object], why: str) -> None:
    made = adapted(**changes)  # type: ignore[arg-type]
    assert instances(made, "BootNewEnv") == ["Classical", "HardReboot"]
    assert f"BootNewEnv: Kexec is left out: {why}" in made.sentences


def test_kexec_alone_becomes_a_reboot_with_time_for_the_firmware() -> None:
    alone = Chosen(instance="Kexec", retries=3, timeout=Timeout("60"))
    made = adapted(automaton={"BootNewEnv": (alone,)}, disable_kexec=True, reboot_timeout=Timeout("100 + n"))
    (line,) = made.outline["BootNewEnv"]
    assert (line.chosen.instance, line.chosen.retries) == ("Classical", 0)
    assert line.chosen.timeout.seconds(10) == 310
    assert "BootNewEnv: Classical, no Kexec: the request asks for none" in made.sentences


def test_no_kexec_is_for_the_first_macro_step_too() -> None:
    automaton = {"SetDeploymentEnv": (Chosen(instance="Kexec"), Chosen(instance="Nfsroot"))}
    made = adapted(automaton=automaton, disable_kexec=True)
    assert instances(made, "SetDeploymentEnv") == ["Untrusted", "Nfsroot"]


def test_a_preinstall_takes_the_place_of_all_with_the_first_ones_retries() -> None:
    first = Chosen(instance="Kexec", retries=4, timeout=Timeout("700"))
    automaton = {"SetDeploymentEnv": (first, Chosen(instance="Untrusted"))}
    made = adapted(automaton=automaton, environment=environment_of(preinstall=SCRIPT))
    (line,) = made.outline["SetDeploymentEnv"]
    assert line.chosen == replace(first, instance="UntrustedCustomPreInstall")
    assert "manage_admin_pre_install" in [entry.name for entry in line.entries]


@pytest.mark.parametrize("name", ["Kascade", "Kastafior", "Bittorrent"])
def test_older_ways_to_send_are_our_chain(name: str) -> None:
    made = adapted(automaton={"BroadcastEnv": (Chosen(instance=name, retries=2),)})
    (line,) = made.outline["BroadcastEnv"]
    assert (line.chosen.instance, line.chosen.retries) == ("Chain", 2)
    assert [sentence for sentence in made.sentences if sentence.startswith(f"BroadcastEnv: {name} ")]


@pytest.mark.parametrize(("name", "spread"), [("Chain", "chain"), ("Tree", "tree"), ("Unicast", "unicast")])
def test_an_image_is_spread_as_the_instance_says(name: str, spread: str) -> None:
    made = adapted(automaton={"BroadcastEnv": (Chosen(instance=name),)})
    (line,) = made.outline["BroadcastEnv"]
    (step,) = [entry.make(wanted()) for entry in line.entries if entry.name == "send_environment"]
    assert isinstance(step, SendImage)
    assert step.spread == spread


def test_a_tree_is_as_wide_as_the_cluster_says() -> None:
    made = adapted(automaton={"BroadcastEnv": (Chosen(instance="Tree"),)})
    (line,) = made.outline["BroadcastEnv"]
    (entry,) = [entry for entry in line.entries if entry.name == "send_environment"]
    steps = [entry.make(wanted(replace(CLUSTER, tree_readers=readers))) for readers in (0, 4)]
    assert [step.arity for step in steps if isinstance(step, SendImage)] == [0, 4]


def test_the_words_are_the_same_everywhere() -> None:
    chain = {"Kascade", "Kastafior", "Bittorrent"}
    assert {macro: set(table) | (chain if macro == "BroadcastEnv" else set()) for macro, table in MACROS.items()} == {
        macro: set(names) for macro, names in INSTANCES.items()
    }
    assert {name for name in CATALOGUE if not name.startswith("custom")} == MICRO_STEPS
    made = {entry.name for table in MACROS.values() for entries in table.values() for entry in entries}
    assert made <= MICRO_STEPS


def test_an_entry_makes_the_step_it_is_named_for() -> None:
    everything = wanted(
        replace(CLUSTER, postinstalls=(SCRIPT,), preinstalls=(SCRIPT,), broadcast_command=("send", "ENVFILE"))
    )
    entries = [entry for table in MACROS.values() for line in table.values() for entry in line]
    assert [entry.make(everything).name for entry in entries] == [entry.name for entry in entries]


settings = st.builds(MicroSettings, retries=st.integers(0, 2), raisable=st.booleans())
chosen = st.sampled_from(sorted(MICRO_STEPS))


def choices(macro: str) -> st.SearchStrategy[tuple[Chosen, ...]]:
    one = st.builds(
        Chosen,
        instance=st.sampled_from(INSTANCES[macro]),
        retries=st.integers(0, 3),
        timeout=st.sampled_from([Timeout("0"), Timeout("100 + n")]),
        micro_steps=st.dictionaries(chosen, settings, max_size=3),
    )
    return st.lists(one, min_size=1, max_size=3).map(tuple)


automata = st.fixed_dictionaries({macro: choices(macro) for macro in INSTANCES})
environments: st.SearchStrategy[Environment] = st.builds(
    lambda kind, **changes: environment_of(
        image=Image(file="server:///x", kind=kind, compression=Compression.XZ), **changes
    ),
    kind=st.sampled_from(ImageKind),
    os=st.sampled_from(OsKind),
    filesystem=st.sampled_from(["ext4", "zfs", ""]),
    multipart=st.booleans(),
    boot=st.sampled_from([KernelSpec(), KernelSpec(kernel="/vmlinuz")]),
    preinstall=st.sampled_from([None, SCRIPT]),
    postinstalls=st.sampled_from([(), (SCRIPT,)]),
)
requests: st.SearchStrategy[DeployRequest] = st.builds(
    lambda **changes: request_for(NODES, **changes),
    environment=environments,
    authorized_keys=st.sampled_from(["", "ssh-ed25519 AAAA"]),
    partition=st.sampled_from([None, 2, 4]),
    whole_disk=st.booleans(),
    disable_kexec=st.booleans(),
    disable_bootloader_install=st.booleans(),
    disable_disk_partitioning=st.booleans(),
    vlan=st.sampled_from(["", "3"]),
    reformat_tmp=st.sampled_from(["", "xfs"]),
    profile=st.sampled_from([None, Profile(script="#!ipxe")]),
)
layouts = st.sampled_from([LAYOUT, Layout(partitions=LAYOUT.partitions[2:3])])


@given(automata, requests, layouts)
def test_to_adapt_again_changes_nothing(automaton: Automaton, request: DeployRequest, layout: Layout) -> None:
    cluster = replace(CLUSTER, layout=layout)
    one = Wanted(request=request, cluster=cluster, root=None if request.whole_disk else request.partition or 3)
    once = adapt(outline_of(automaton), one)
    again = adapt(once.outline, one)
    assert again.outline == once.outline
    assert not again.sentences
    for line in (line for lines in once.outline.values() for line in lines):
        assert all(entry.make(one).name == entry.name for entry in line.entries)
