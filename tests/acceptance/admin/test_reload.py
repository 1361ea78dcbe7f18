"""A server that runs reads its configuration again: by `kadmin reload`, by a signal, by its API."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.cli.tools import Run, environment, run, running
from tests.integration.security.certificates import SERVER, TestAuthority
from tests.ports import free_port
from tests.unit.config import files


class Served:
    """A server of real nodes, none of which is asked for anything."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "site"
        self.directory.mkdir()
        self.env = environment(directory, "")
        self.port, boot, meet = free_port(), free_port(), free_port()
        server = files.server(self.directory)
        server["listen"]["port"] = self.port
        self.boot = {"address": "127.0.0.1", "port": boot, "meet_port": meet, "minienv": str(self.directory)}
        server["boot"] = self.boot
        server["security"] = {"secure_server": False, "secure_agents": False}
        files.write(self.directory, server=server)

    def change(self, file: str, **keys: object) -> None:
        path = self.directory / f"{file}.conf"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **keys}))

    def kadmin(self) -> Run:
        return run("kadmin", "reload", "--config", str(self.directory), env=self.env)

    def names(self) -> list[str]:
        return list(json.loads(self._get("/nodes?list=true")))

    def told_of_cache(self) -> int:
        """Bytes that it may have."""
        return int(json.loads(self._get("/cache"))["limit"])

    def _get(self, path: str) -> bytes:
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"X-Kadeploy-User": "root"})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return bytes(answer.read())

    def status(self, path: str, user: str = "root", prefix: str = "X-Kadeploy-") -> int:
        named = {f"{prefix}User": user} if user else {}
        return answered(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=named))

    def boots(self, mac: str) -> int:
        """What a machine is answered that asks for its boot script."""
        return answered(urllib.request.Request(f"http://127.0.0.1:{self.boot['port']}/boot/ipxe?mac={mac}"))

    def change_boot(self, **keys: object) -> None:
        self.change("server", boot={**self.boot, **keys})

    def post(self, user: str = "root", path: str = "/reload", body: object = None) -> tuple[int, str]:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method="POST",
            headers={"X-Kadeploy-User": user, "Content-Type": "application/json"},
            data=json.dumps(body or {}).encode(),
        )
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[str]]:
        with running("kadeployd", "--config", str(self.directory), env=self.env) as process:
            told(process, "ready on http://")
            yield process


def answered(asked: urllib.request.Request) -> int:
    """The status."""
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def told(process: subprocess.Popen[str], part: str) -> str:
    """The line of the log that has it, when it comes."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        if part in line:
            return line
        said.append(line)
    raise AssertionError(f"{part!r} was never said, but {''.join(said)}")


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


def test_what_can_change_does_and_the_rest_is_named(served: Served) -> None:
    with served.serving() as process:
        assert served.kadmin().stdout == "nothing is different; files that it names are read again\n"
        served.change("server", windows={"reboot": {"size": 3}}, rights={"almighty_users": "root"})
        served.change("lab", timeouts={"reboot": 500, "kexec": 60}, patience={"quorum": 0.5})
        served.change("clusters", clusters=files.clusters(files.node(1), files.node(3))["clusters"])
        done = served.kadmin()
        assert (done.exit, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            "changed: clusters.lab.patience",
            "changed: clusters.lab.timeouts.reboot",
            "changed: nodes.node-2",
            "changed: nodes.node-3",
            "changed: rights.almighty_users",
            "changed: windows.reboot.size",
        ]
        assert served.names() == ["node-1", "node-3"]
        assert served.post("admin") == (403, "Forbidden -- your role is user, which may not administer\n")
        served.change("server", listen={"port": served.port + 1}, state_directory=str(served.directory / "other"))
        process.send_signal(signal.SIGHUP)
        assert "these change only at the next start: listen.port, state_directory" in told(process, "next start")


def test_what_is_new_of_nodes_clusters_and_files_counts_from_the_next_request_on(served: Served) -> None:
    elsewhere = served.directory.parent / "elsewhere"
    elsewhere.mkdir()
    image = elsewhere / "image.tar.gz"
    with tarfile.open(image, "w:gz") as archive:
        archive.add(__file__, "vmlinuz")
    archived = {"file": f"server://{image}", "kind": "tar", "compression": "gzip"}
    environment = {"kind": "anonymous", "name": "x", "os": "linux", "image": archived, "filesystem": "ext4"}
    wish = {"environment": {**environment, "boot": {"kernel": "/vmlinuz"}}, "dry_run": True}
    served.change("server", rights={"kind": "dummy"})
    with served.serving():
        status, said = served.post("root", "/deployment", {**wish, "nodes": ["added-9"]})
        assert (status, "there is no node added-9 here" in said) == (400, True)
        assert served.told_of_cache() == 20_000 * 1024**2
        cluster = files.cluster()
        cluster["partitioning"] = {**cluster["partitioning"], "block_device": "/dev/nvme0n1"}
        served.change("lab", **cluster)
        added = files.node(9, name="added-9")
        served.change("clusters", clusters=files.clusters(files.node(1), added)["clusters"])
        served.change("server", files={"roots": [str(served.directory)]}, cache={"size": 77})
        assert served.kadmin().exit == 0
        status, said = served.post("root", "/deployment", {**wish, "nodes": ["added-9"]})
        assert (status, "is not under a directory" in said) == (400, True)
        served.change("server", files={"roots": [str(elsewhere)]})
        assert "changed: files.roots" in served.kadmin().stdout
        status, said = served.post("root", "/deployment", {**wish, "nodes": ["added-9"]})
        assert (status, "added-9" in said) == (200, True), said
        assert served.told_of_cache() == 77 * 1024**2
        status, said = served.post("root", "/deployment", {**wish, "nodes": ["node-2"]})
        assert (status, "there is no node node-2 here" in said) == (400, True)


def test_a_faulty_configuration_changes_nothing(served: Served) -> None:
    with served.serving() as process:
        served.change("server", rights={"almighty_users": "other"}, windows={"reboot": {"size": 0}})
        served.change("lab", timeouts={"reboot": "no formula"})
        done = served.kadmin()
        assert (done.exit, done.stdout) == (1, "")
        assert "fault: server.conf: windows.reboot.size: must be at least 1, not 0" in done.stderr
        assert done.stderr.endswith("nothing has changed\n")
        status, said = served.post("root")
        assert status == 400
        assert "server.conf: windows.reboot.size: must be at least 1, not 0\n  lab.conf: timeouts.reboot" in said
        process.send_signal(signal.SIGHUP)
        assert "windows.reboot.size" in told(process, "windows.reboot.size")
        assert served.post("other")[0] == 403, "who was to become an administrator is none"


def test_who_is_let_in_changes_with_the_next_request(served: Served) -> None:
    with served.serving():
        served.change("server", authentication={"acl": {"whitelist": ["127.0.0.2"]}})
        assert json.loads(served.post()[1])["changed"] == ["authentication.acl.whitelist"]
        assert served.post()[0] == 401


def test_an_access_list_that_cannot_be_used_changes_nothing(served: Served) -> None:
    with served.serving():
        good: dict[str, Any] = {"acl": {"whitelist": ["127.0.0.1"]}}
        served.change("server", authentication={"acl": {"whitelist": ["10.0.0.300"]}}, windows={"reboot": {"size": 3}})
        status, said = served.post()
        assert status == 400
        assert "'10.0.0.300' is neither an address" in said
        served.change("server", authentication=good)
        assert json.loads(served.post()[1])["changed"] == ["windows.reboot.size"], "it had not changed before"


def test_a_certificate_that_was_renewed_is_shown(served: Served) -> None:
    authority = TestAuthority("Site")
    chain, key = served.directory / "chain.pem", served.directory / "key.pem"

    def put(name: str) -> bytes:
        pair = authority.issue(name, usage=SERVER, host="*.example.org")
        chain.write_bytes(pair.cert_pem + authority.pair.cert_pem)
        key.write_bytes(pair.pem)
        return pair.cert_pem

    def shown() -> bytes:
        return shown_at(served.port)

    first = put("one")
    served.change(
        "server",
        security={"secure_agents": False, "certificate": str(chain), "private_key": {"file": str(key)}},
    )
    with running("kadeployd", "--config", str(served.directory), env=served.env) as process:
        told(process, "ready on https://")
        assert shown() == first
        second = put("two")
        process.send_signal(signal.SIGHUP)
        told(process, "is read again")
        assert shown() == second
        third = put("three")
        done = served.kadmin()
        assert (done.exit, done.stderr) == (0, "")
        assert shown() == third


def test_who_reloads_needs_be_no_administrator_that_the_server_knew_first(served: Served) -> None:
    served.change("server", rights={"almighty_users": "root"}, roles={"default": "none"})
    with served.serving():
        served.change("server", roles={"default": "none", "admin": {"users": ["ann"]}})
        assert served.kadmin().stdout == "changed: roles.admin.users\n"
        served.change("server", rights={"almighty_users": ["eve"]}, roles={"default": "none"})
        refused = served.kadmin()
        assert refused.exit == 1
        assert "the running server takes none of these for an administrator: eve (a SIGHUP" in refused.stderr


def test_a_certificate_that_counts_from_the_next_start_is_no_reason_to_refuse_the_server(served: Served) -> None:
    site = TestAuthority("Site")
    pair = site.issue("kadeploy", usage=SERVER, host="kadeploy.example.org")
    chain, key = served.directory / "chain.pem", served.directory / "key.pem"
    chain.write_bytes(pair.cert_pem + site.pair.cert_pem)
    key.write_bytes(pair.pem)
    served.change("server", security={"secure_agents": False})
    with running("kadeployd", "--config", str(served.directory), env=served.env) as process:
        told(process, "ready on https://")
        served.change(
            "server",
            security={"secure_agents": False, "certificate": str(chain), "private_key": {"file": str(key)}},
        )
        assert "is decided at the start (restart the server)" in served.kadmin().stderr


def shown_at(port: int) -> bytes:
    """The certificate that the server shows (PEM)."""
    return ssl.get_server_certificate(("127.0.0.1", port)).encode()


def test_a_certificate_of_a_client_that_was_revoked_lets_nobody_in(served: Served) -> None:
    users, crl = TestAuthority("Users"), served.directory / "users.crl"
    alice, gone = users.issue("alice"), users.issue("gone")
    users.revoke(gone, crl)
    ca = users.write(served.directory / "users.pem")
    certificate = {"ca_cert": str(ca), "crl": str(crl)}
    served.change("server", authentication={"certificate": certificate}, security={"secure_agents": False})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(alice.write(served.directory / "alice.pem"))

    def is_let_in() -> bool:
        try:
            with urllib.request.urlopen(
                f"https://127.0.0.1:{served.port}/whoami", timeout=20, context=context
            ) as answer:
                return bool(json.loads(answer.read())["user"] == "alice")
        except urllib.error.HTTPError as error:
            with error:
                return False
        except (urllib.error.URLError, ssl.SSLError, ConnectionError):
            return False

    with running("kadeployd", "--config", str(served.directory), env=served.env) as process:
        told(process, "ready on https://")
        assert is_let_in()
        users.revoke(alice, crl)
        process.send_signal(signal.SIGHUP)
        told(process, "is read again")
        assert not is_let_in()
