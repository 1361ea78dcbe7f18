"""`kadmin` as an administrator types it, on a server that does not run."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from kadeploy.tls.authority import open_authority
from tests.acceptance.cli.tools import Run, environment, run
from tests.integration.security.certificates import SERVER, TestAuthority
from tests.unit.config import files


class Site:
    def __init__(self, directory: Path) -> None:
        self.directory = directory / "site"
        self.directory.mkdir()
        files.write(self.directory)
        self.env = {**environment(directory, ""), "KADEPLOY_CONFIG_DIR": str(self.directory)}
        self.change(state_directory=str(directory / "state"), audit={"file": str(directory / "audit.jsonl")})

    def change(self, **keys: object) -> None:
        path = self.directory / "server.conf"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **keys}))

    def run(self, *arguments: str) -> Run:
        return run("kadmin", *arguments, env=self.env)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_tokens_before_anybody_can_log_in(site: Site, tmp_path: Path) -> None:
    made = site.run("token", "create", "-u", "oar", "--scope", "operate", "--for", "12h", "--name", "scheduler")
    assert made.exit == 0, made.stderr
    assert re.fullmatch(r"kdp_[0-9a-f]{12}_[\w-]{43}\n", made.stdout)
    number = made.stdout.split("_")[1]
    assert made.stderr.startswith(f"{number}: for oar to operate, until ")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    secret = made.stdout.strip().rpartition("_")[2].encode()
    assert not [path for path in (tmp_path / "state").iterdir() if path.is_file() and secret in path.read_bytes()]
    listed = json.loads(site.run("token", "list", "--json").stdout)
    assert [(one["id"], one["user"], one["name"]) for one in listed] == [(number, "oar", "scheduler")]
    assert site.run("token", "list", "-u", "alice").stdout == "no token\n"
    assert "oar" in site.run("token", "list").stdout
    assert site.run("token", "revoke", number).stdout == f"{number} of oar is revoked\n"
    again = site.run("token", "revoke", number)
    assert (again.exit, again.stderr) == (1, f"kadmin: there is no token {number}\n")


def test_what_is_done_is_written_down(site: Site, tmp_path: Path) -> None:
    site.run("token", "create", "-u", "oar")
    entries = [json.loads(line) for line in site.run("audit", "--json").stdout.splitlines()]
    assert [(one["scheme"], one["action"], one["role"]) for one in entries] == [("kadmin", "token create", "admin")]
    assert [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()] == entries
    assert "token create" in site.run("audit", "--since", "1h").stdout
    assert site.run("audit", "--since", "2100-01-01").stdout == "nothing\n"
    assert site.run("audit", "-m", "node-1").stdout == "nothing\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("token", "create", "-u", "a b"), "'a b' is not a user's name"),
        (("token", "create", "-u", "x", "--for", "2000d"), "at most 366 days"),
        (("token", "create", "-u", "x", "--for", "soon"), "write it as 12h or 30d"),
        (("token", "create", "-u", "x", "--scope", "all"), "is not one of"),
        (("audit", "--since", "yesterday"), "is neither a date, as 2026-11-23, nor how long ago, as 12h or 30d"),
        (("check", "--config", "/nowhere"), "does not exist"),
    ],
)
def test_faults_are_sentences(site: Site, arguments: tuple[str, ...], said: str) -> None:
    done = site.run(*arguments)
    assert done.exit != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (("token", "list"), "database"),
        (("token", "revoke", "0123456789ab"), "database"),
        (("audit",), "database"),
        (("reload",), "database"),
        (("fingerprint",), "authority in {}/tls"),
        (("cache", "list"), "cache in {}/cache"),
        (("cache", "clean"), "cache in {}/cache"),
    ],
)
def test_where_no_server_ever_ran_nothing_is_made_by_looking(
    site: Site, tmp_path: Path, arguments: tuple[str, ...], missing: str
) -> None:
    state = tmp_path / "state"
    for is_there in (False, True):  # the directory may come with the package
        done = site.run(*arguments)
        assert (done.exit, done.stdout) == (1, "")
        assert done.stderr == (
            f"kadmin: there is no {missing.format(state)} yet: kadeployd has never run with the configuration in "
            f"{site.directory} (--config DIR names another)\n"
        )
        assert list(state.glob("*")) == []
        assert state.exists() == is_there
        state.mkdir(exist_ok=True)


def test_without_tls_there_is_no_fingerprint(site: Site) -> None:
    site.change(security={"secure_server": False})
    done = site.run("fingerprint")
    assert (done.exit, done.stdout) == (1, "")
    assert "the server does not speak TLS, as security.secure_server says" in done.stderr


def test_the_fingerprint_stays(site: Site, tmp_path: Path) -> None:
    open_authority(tmp_path / "state" / "tls", host="here", now=datetime.now(UTC))
    first = site.run("fingerprint").stdout
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}\n", first)
    assert site.run("fingerprint").stdout == first


def test_a_configuration_without_a_fault(site: Site, tmp_path: Path) -> None:
    done = site.run("check")
    assert done.exit == 0, done.stdout
    assert f"the configuration in {site.directory} is valid" in done.stdout
    assert not (tmp_path / "state").exists(), "a check changes nothing"


def test_nodes_that_cannot_be_recognised_are_told(site: Site) -> None:
    clusters = yaml.safe_load((site.directory / "clusters.conf").read_text())
    clusters["clusters"][0]["nodes"] += [{"name": "bare-[1-20]", "address": "203.0.113.[1-20]"}]
    (site.directory / "clusters.conf").write_text(yaml.safe_dump(clusters))
    done = site.run("check")
    assert done.exit == 0
    assert "warning: clusters.conf: no mac is given for bare-[1-20]: " in done.stdout
    assert "node-1" not in done.stdout


def test_every_fault_of_every_file(site: Site, tmp_path: Path) -> None:
    site.change(
        listen={"port": 0},
        authentication={
            "acl": {"whitelist": []},
            "oidc": {"issuer": "http://far.example.org", "algorithms": ["HS256"]},
        },
        security={"certificate": "/c.pem"},
    )
    (site.directory / "client.conf").write_text("servers: [{name: 7}]")
    done = site.run("check")
    assert done.exit == 1
    faults = [line.removeprefix("fault: ") for line in done.stdout.splitlines()]
    wanted = (
        "server.conf: authentication.acl.whitelist: must not be empty",
        "server.conf: authentication.oidc.issuer: must begin with https://",
        "server.conf: authentication.oidc.algorithms[0]: must be RS256",
        "server.conf: authentication.oidc.audience: is required",
        "server.conf: listen.port: must be at least 1",
        "server.conf: security: certificate and private_key.file go together",
        "client.conf: servers[0].hostname: is required",
    )
    assert [part for part in wanted if not any(fault.startswith(part) for fault in faults)] == []
    assert json.loads(site.run("check", "--json").stdout)["faults"] == faults


def test_a_fault_of_one_file_hides_none_of_another(site: Site) -> None:
    def told() -> list[str]:
        return [line.removeprefix("fault: ") for line in site.run("check").stdout.splitlines()]

    site.change(authentication={"acl": {"whitelist": ["10.0.0.300", "/(/"]}, "ident": {"whitelist": ["a b"]}})
    clusters = yaml.safe_load((site.directory / "clusters.conf").read_text())
    clusters["clusters"][0]["nodes"] += [{"name": f"another-{n}", "address": "203.0.113.7"} for n in (1, 2)]
    (site.directory / "clusters.conf").write_text(yaml.safe_dump(clusters))
    (site.directory / "command.conf").write_text("far-1: {reboot_soft: 'true'}\nanother-1: {reboot_so: 'true'}\n")
    server = "{name: here, hostname: localhost, port: x}"
    (site.directory / "client.conf").write_text(f"default: there\nservers: [{server}, {server}]\n")
    wanted = (
        "server.conf: authentication.acl.whitelist[0]: '10.0.0.300' is neither an address",
        "server.conf: authentication.acl.whitelist[1]: /(/ is not a pattern",
        "server.conf: authentication.ident.whitelist[0]: 'a b' is neither",
        ": the address 203.0.113.7 is already that of",
        "command.conf: far-1: is not a node of this site",
        "command.conf: another-1.reboot_so: is not a command; did you mean reboot_soft?",
        "client.conf: servers[1].port: must be a whole number",
        "client.conf: default: no server is called there; did you mean here?",
        "client.conf: servers: here is there twice",
    )
    assert [part for part in wanted if not any(part in fault for fault in told())] == []
    (site.directory / "clusters.conf").write_text("clusters: []")
    assert "command.conf: another-1.reboot_so: is not a command; did you mean reboot_soft?" in told()
    (site.directory / "clusters.conf").write_bytes(b"\xff\xfe\x00\x98")
    (site.directory / "command.conf").write_bytes(b"\x80\x98\x80")
    assert [
        line for line in told() if not line.startswith(("server.conf: ", "clust", "command.conf: ", "client."))
    ] == []
    assert any(line.startswith("command.conf: not YAML: ") for line in told())


def test_faults_that_only_show_when_files_are_used(site: Site, tmp_path: Path) -> None:
    authority = TestAuthority("Site")
    one, other = authority.issue("a", usage=SERVER), authority.issue("b", usage=SERVER)
    (tmp_path / "chain.pem").write_bytes(one.cert_pem)
    (tmp_path / "key.pem").write_bytes(other.pem)
    (tmp_path / "htpasswd").write_text("alice:$6$sha512crypt\nbob:{SHA}x\n")
    site.change(
        security={"certificate": str(tmp_path / "chain.pem"), "private_key": {"file": str(tmp_path / "key.pem")}},
        authentication={
            "acl": {"whitelist": ["10.0.0.300"]},
            "http_basic": {"dbfile": str(tmp_path / "htpasswd")},
        },
    )
    done = site.run("check")
    assert done.exit == 1
    assert "key values mismatch" in done.stdout
    assert "'10.0.0.300' is neither an address, a network, a host name nor a /pattern/" in done.stdout
    assert "the passwords of alice are of no known kind" in done.stdout


def test_a_file_that_is_not_there_is_one_fault(site: Site, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    site.change(
        authentication={"http_basic": {"dbfile": str(nowhere)}, "certificate": {"ca_cert": str(nowhere)}},
    )
    told = [line for line in site.run("check").stdout.splitlines() if str(nowhere) in line]
    assert [line.partition(": ")[2].partition(": ")[2] for line in told] == [
        f"authentication.http_basic.dbfile: there is no file {nowhere}",
        f"authentication.certificate.ca_cert: there is no file {nowhere}",
    ]
