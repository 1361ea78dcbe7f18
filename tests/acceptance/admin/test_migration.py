"""From a site of Kadeploy3 to ours, as its administrator does it: check, migrate, import."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kadeploy.config.load import load_server
from tests.acceptance.cli.tools import Run, environment, run
from tests.unit.config import files
from tests.unit.config.original_site import install

DUMP = Path(__file__).parents[2] / "unit" / "admin" / "kadeploy3.sql"


@pytest.fixture
def original(tmp_path: Path) -> Path:
    return install(tmp_path / "kadeploy3")


def kadmin(home: Path, *words: str) -> Run:
    done = run("kadmin", *words, env=environment(home, ""), cwd=home)
    assert "Traceback" not in done.stderr
    return done


def test_the_files_of_kadeploy3_pass_with_a_warning_for_each_thing_without_meaning(
    tmp_path: Path, original: Path
) -> None:
    done = kadmin(tmp_path, "check", str(original))
    assert (done.exit, done.stderr) == (0, "")
    *warnings, last = done.stdout.splitlines()
    assert last == f"the configuration in {original} is valid"
    assert all(line.startswith("warning: ") for line in warnings)
    assert (
        "warning: graphene.conf: boot.install_bootloader: is Kadeploy3's and has no effect here: boot loaders are "
        "installed by Kadeploy itself, for BIOS and UEFI" in warnings
    )


def test_every_fault_of_all_files_at_once(tmp_path: Path, original: Path) -> None:
    for name, old, new in (
        ("server.conf", "kind: db", "kind: dbx"),
        ("server.conf", "bin/hook", "bin/hok"),
        ("clusters.conf", "172.16.65.1", "172.16.64.2"),
        ("graphene.conf", "type: Kascade", "type: Kaskade"),
        ("graphene.conf", "reboot: 110 + 10 * log(n)", "reboot: 110 + 10 * lag(n)"),
        ("griffon.conf", "block_device:", "block_devise:"),
        ("command.conf", "console:", "consol:"),
        ("client.conf", "default: nancy", "default: nance"),
    ):
        text = (original / name).read_text()
        assert old in text
        (original / name).write_text(text.replace(old, new))
    (original / "bin" / "pdu").unlink()
    (original / "archives" / "last.txz").unlink()
    done = kadmin(tmp_path, "check", str(original), "-o", "json")
    assert done.exit == 1
    faults = json.loads(done.stdout)["faults"]
    wanted: tuple[str, ...] = (
        "server.conf: rights.kind: must be db or dummy, not 'dbx'",
        "graphene.conf: automata.macrosteps.BroadcastEnv[0].type: must be Chain, Kascade",
        "graphene.conf: timeouts.reboot: the timeout",
        f"{original}/griffon.conf: partitioning.block_device: is required",
        "clusters.conf: clusters[1].nodes[0].address: the address 172.16.64.2 is already that of clusters[0].nodes[0]",
        "client.conf: default: no server is called nance; did you mean nancy?",
    )
    assert [part for part in wanted if not any(fault.startswith(part) for fault in faults)] == []
    (original / "server.conf").write_text((original / "server.conf").read_text().replace("dbx", "db"))
    for name in ("clusters.conf", "graphene.conf"):
        repaired = (original / name).read_text().replace("172.16.64.2\n", "172.16.65.1\n").replace("Kaskade", "Kascade")
        (original / name).write_text(repaired.replace("lag(n)", "log(n)"))
    faults = json.loads(kadmin(tmp_path, "check", str(original), "--json").stdout)["faults"]
    wanted = (
        f"server.conf: hooks.end_of_deployment: there is no program {original}/bin/hok",
        f"graphene.conf: remoteops.reboot[2]: there is no program {original}/bin/pdu",
        f"graphene.conf: postinstall.files[2].file: there is no file {original}/archives/last.txz",
        "command.conf: graphene-3.nancy.example.org.consol: is not a command; did you mean console?",
    )
    assert [part for part in wanted if not any(fault.startswith(part) for fault in faults)] == []


def test_migrating(tmp_path: Path, original: Path) -> None:
    new = tmp_path / "kadeploy"
    shown = kadmin(tmp_path, "migrate", str(original), "--to", str(new), "--dry-run")
    assert (shown.exit, new.exists()) == (0, False)
    (original / "server.conf").chmod(0o640)
    done = kadmin(tmp_path, "migrate", str(original), "--to", str(new))
    assert done.stdout.splitlines() == [f"{new}/kadeploy.yaml is written", f"{new}/client.conf is written"]
    assert (new / "kadeploy.yaml").read_text() == shown.stdout
    assert (new / "kadeploy.yaml").stat().st_mode & 0o777 == 0o640
    assert (new / "client.conf").read_text() == (original / "client.conf").read_text()
    checked = kadmin(tmp_path, "check", str(new))
    assert checked.stdout.splitlines() == [
        "warning: kadeploy.yaml: security.secure_server: is false: passwords and tokens travel in clear",
        "warning: kadeploy.yaml: no mac is given for graphene-[1-4,7,9].nancy.example.org,griffon-1.nancy.example.org: "
        "a node without one is not recognised when it boots, and cannot be deployed",
        f"the configuration in {new} is valid",
    ]
    again = kadmin(tmp_path, "migrate", str(original), "--to", str(new))
    assert (again.exit, again.stdout) == (0, f"{new}/kadeploy.yaml is there and says the same: nothing to do\n")
    (new / "kadeploy.yaml").write_text(shown.stdout + "# mine\n")
    refused = kadmin(tmp_path, "migrate", str(original), "--to", str(new))
    assert refused.exit == 1
    assert f"{new}/kadeploy.yaml is there and says something else" in refused.stderr
    assert (new / "kadeploy.yaml").read_text().endswith("# mine\n")


def test_what_is_at_fault_is_not_migrated(tmp_path: Path, original: Path) -> None:
    (original / "clusters.conf").write_text("clusters: []")
    done = kadmin(tmp_path, "migrate", str(original))
    assert done.exit == 1
    assert "clusters.conf: clusters: must not be empty" in done.stderr
    assert not (original / "kadeploy.yaml").exists()


def test_importing(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    files.write(site)
    words = ("import", str(DUMP), "--config", str(site))
    rehearsal = kadmin(tmp_path, *words)
    assert rehearsal.exit == 0
    assert "environment xen café version 1 of carol: http://files.example.org/xen.txz" in rehearsal.stdout
    assert "4 environments would be taken over\n3 rights would be taken over" in rehearsal.stdout
    assert rehearsal.stderr == "this was a rehearsal: --apply does it\n"
    assert not load_server(site).state_directory.exists(), "a rehearsal makes nothing"
    counts = {"environments": 4, "rights": 3, "states of nodes": 1, "rows of statistics": 3}
    none = dict.fromkeys(counts, 0)
    first, second = (json.loads(kadmin(tmp_path, *words, "--apply", "--json").stdout) for _ in range(2))
    assert (first["new"], first["known"]) == (counts, none)
    assert (second["new"], second["known"]) == (none, counts)
    assert "4 environments, 3 rights" in kadmin(tmp_path, "audit", "--config", str(site)).stdout


def test_a_dump_with_faults_is_not_taken(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    files.write(site)
    (tmp_path / "bad.sql").write_text(
        DUMP.read_text().replace("'root','*','*'", "'ro ot','',7").replace("|tgz|", "|x|")
    )
    done = kadmin(tmp_path, "import", str(tmp_path / "bad.sql"), "--config", str(site), "--apply")
    assert (done.exit, done.stderr) == (1, "nothing is taken over\n")
    assert [line.split(": ")[2] for line in done.stdout.splitlines()] == [*["environments"] * 3, "rights", "rights"]
    (tmp_path / "bad.sql").write_bytes(b"INSERT \xff\xfe")
    done = kadmin(tmp_path, "import", str(tmp_path / "bad.sql"), "--config", str(site))
    assert "is not UTF-8, at byte 7 (mysqldump --default-character-set=utf8)" in done.stderr
