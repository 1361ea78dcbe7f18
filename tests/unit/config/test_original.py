"""Kadeploy3's files, with every key that they have, are read as they are; nothing of them is ignored in silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kadeploy.config.load import examine, load_site
from kadeploy.domain.power import Level, Verb
from tests.unit.config.original_site import install

WITHOUT_MEANING = {
    "server.conf": (
        *(f"database.{key}" for key in ("kind", "host", "name", "login", "passwd")),
        *(f"external.{key}" for key in ("taktuk", "bittorrent", "kastafior", "kascade", "mkfs", "tar")),
        *("rights.purge_deployment_timer", "security.private_key.algorithm", "network.ports.test_deploy_env"),
        *("network.tcp_buffer_size", "environments.deployment", "verbosity.clients", "logs", "pxe"),
    ),
    "clusters.conf": ("clusters[0].prefix",),
    "graphene.conf": (
        *("partitioning.script", "boot.kernels.deploy.vmlinuz", "boot.kernels.deploy.initrd"),
        *("boot.sleep_time_before_ping", "boot.install_bootloader", "remoteops.level_name", "pxe", "hooks"),
    ),
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return install(tmp_path / "kadeploy3")


def test_what_has_no_meaning_is_told_in_one_line_with_file_and_path(site: Path) -> None:
    found = examine(site)
    assert found.findings.faults == []
    without = [line for line in found.findings.warnings if "has no effect here" in line]
    of_graphene = [line for line in without if not line.startswith(str(site))]
    assert sorted(line.partition(": is Kadeploy3's and has no effect here: ")[0] for line in of_graphene) == sorted(
        f"{file}: {path}" for file, paths in WITHOUT_MEANING.items() for path in paths
    )
    assert not [line for line in found.findings.warnings if "is not a known key" in line]


def test_the_server_means_what_it_meant(site: Path) -> None:
    server = load_site(site).server
    assert (str(server.listen.address), server.listen.port) == ("0.0.0.0", 25301)
    assert server.boot is not None
    assert str(server.boot.address) == "172.16.0.1"
    assert server.ssh_private_key == site / "keys/id_deploy"
    assert server.network.vlan.set_cmd[1:] == ("-s", "-i", "VLAN_ID", "-u", "USER", "NODES")
    assert (server.windows.reboot.size, server.windows.reboot.sleep_time, server.windows.check.size) == (40, 5, 60)
    assert server.authentication.ident is not None
    assert server.cache_directory == Path("/tmp/kadeploy-cache")
    assert server.rights.almighty_users == ("root", "admin")
    assert (server.environments.max_preinstall_size, server.autoclean_threshold) == (30, 300)


def test_the_nodes_and_their_commands_mean_what_they_meant(site: Path) -> None:
    loaded = load_site(site).site
    names = [f"graphene-{number}.nancy.example.org" for number in (1, 2, 3, 4, 7, 9)]
    assert list(loaded.nodes) == [*names, "griffon-1.nancy.example.org"]
    assert loaded.nodes[names[5]].address == "172.16.64.9"
    commands = loaded.nodes[names[0]].commands
    assert commands.acts[Verb.REBOOT, Level.SOFT].line.startswith(f"{site}/bin/ssh -A -l root -q root@HOSTNAME_FQDN")
    assert [len(group) for group in commands.acts[Verb.REBOOT, Level.VERY_HARD].groups] == [2, 2]
    assert commands.acts[Verb.OFF, Level.HARD].line == f"{site}/bin/ipmi HOSTNAME_SHORT off"
    own = loaded.nodes[names[2]]
    assert {act.line.rpartition(" own-")[2] for act in own.commands.acts.values()} == {
        *("soft", "hard", "very-hard", "on", "on-hard", "on-very-hard", "off", "off-hard", "off-very-hard"),
    }
    assert own.console is not None
    assert own.console.line == f"{site}/bin/conman own-HOSTNAME_SHORT"


def test_the_clusters_mean_what_they_meant(site: Path) -> None:
    graphene, griffon = (load_site(site).site.clusters[name] for name in ("graphene", "griffon"))
    assert [chosen.instance for chosen in graphene.automaton["BootNewEnv"]] == ["Kexec", "Classical", "HardReboot"]
    assert graphene.automaton["BroadcastEnv"][0].timeout.seconds(10) == 310
    assert sorted((one.micro, str(one.position)) for one in graphene.operations) == [
        ("create_partition_table", "pre-ops"),
        ("mount_deploy_part", "post-ops"),
        ("set_vlan", "substitute"),
    ]
    assert graphene.broadcast_command[2] == f"{site}/bin/ssh -A -l root -q"
    assert graphene.nfsroot is not None
    assert graphene.nfsroot.kernel == str(site / "tftpboot/nfsroot-vmlinuz")
    assert [archive.script for archive in graphene.postinstalls] == ["traitement.ash /rambin", "none", "last.sh"]
    assert (griffon.reboot_timeout.formula, griffon.kexec_timeout.formula) == ("120", "60"), "Kadeploy3's defaults"
    assert griffon.broadcast_command == ()


def test_the_old_names_of_files_are_read(site: Path) -> None:
    before = load_site(site)
    old = {"server.conf": "server_conf.yml", "clusters.conf": "clusters.yml", "command.conf": "cmd.yml"}
    for name, was in old.items():
        (site / name).rename(site / was)
    after = load_site(site)
    assert (after.server, after.site) == (before.server, before.site)
    assert {f"{was}: is an old name, call it {name}" for name, was in old.items()} <= set(after.warnings)


def test_a_bare_key_of_an_authority_is_told_of(site: Path) -> None:
    server = yaml.safe_load((site / "server.conf").read_text())
    server["authentication"]["certificate"] = {"ca_public_key": {"algorithm": "RSA", "file": "/k.pem"}, "whitelist": []}
    (site / "server.conf").write_text(yaml.safe_dump(server))
    loaded = load_site(site)
    assert loaded.server.authentication.certificate is None
    assert loaded.server.authentication.acl is not None
    assert any("certificate: is left out: a bare key" in line for line in loaded.warnings)


def test_every_leaf_of_the_files_is_understood_or_told_of(site: Path) -> None:
    """Renaming any key of theirs is noticed: so none of them is passed over."""
    for name in ("server.conf", "clusters.conf", "graphene.conf"):
        text = (site / name).read_text()
        usual = examine(site).findings
        for path in _keys(yaml.safe_load(text)):
            (site / name).write_text(yaml.safe_dump(_renamed(yaml.safe_load(text), path)))
            found = examine(site).findings
            changed = set(found.faults) ^ set(usual.faults) or set(found.warnings) ^ set(usual.warnings)
            assert changed or path[0] in ("pxe", "logs", "hooks", "external", "environments", "database"), path
        (site / name).write_text(text)


def _keys(data: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key)
            yield from _keys(value, (*path, key))
    if isinstance(data, list) and data and isinstance(data[0], dict):
        yield from _keys(data[0], (*path, 0))


def _renamed(data: object, path: tuple[str | int, ...]) -> object:
    here = data
    for part in path[:-1]:
        here = here[part]  # type: ignore[index]
    assert isinstance(here, dict)
    here[f"x{path[-1]}x"] = here.pop(path[-1])
    return data
