"""A `kadeployd` that is attacked: a process of its own over TLS, with passwords, tokens, rights and an audit log.

Attackers come from addresses of the loopback network of their own, so that what one does wrong is not counted against
another.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bcrypt
import yaml

BIN: Final = Path(sys.executable).parent
PASSWORD: Final = "s3cret-of-everybody"
SECRET: Final = "what-only-the-server-may-read"
LONGEST: Final = 40.0  # seconds for anything
PERMITTED: Final = 5  # wrong passwords of one user from one address


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> str:
        return self.headers.get("x-application-error-code", "")

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_refusal(self) -> bool:
        """One that tells why, and nothing of the inside."""
        inside = any(word in self.text for word in ("Traceback", 'File "', ".py", SECRET))
        return 400 <= self.status < 500 and bool(self.body.strip()) and not inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacked:
    """`folder/images` is permitted to `server://`, `folder/secret` is not."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    trust: ssl.SSLContext

    @property
    def state(self) -> Path:
        (found,) = (self.folder / "tmp").glob("kadeploy-simulated-*")
        return found

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def audit(self) -> str:
        return (self.folder / "audit.log").read_text()

    def user(self, name: str = "alice", source: str = "127.0.0.1") -> Visitor:
        shown = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        return Visitor(server=self, source=source, headers={"Authorization": f"Basic {shown}"})

    def stranger(self, source: str = "127.0.0.1", **headers: str) -> Visitor:
        return Visitor(server=self, source=source, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def connected(self, source: str = "127.0.0.1") -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), LONGEST, source_address=(source, 0))
        return self.trust.wrap_socket(plain, server_hostname="127.0.0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who sends requests from `source`, with these headers."""

    server: Attacked
    source: str
    headers: Mapping[str, str]

    def ask(
        self, method: str, target: str, body: object = None, *, kind: str = "application/json", **headers: str
    ) -> Answer:
        """A body that is bytes goes out as it is."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if content is not None:
            sent["Content-Type"] = kind
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.server.port, timeout=LONGEST, context=self.server.trust, source_address=(self.source, 0)
        )
        try:
            connection.request(method, target, content, sent)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(status=answer.status, headers=told, body=answer.read())
        finally:
            connection.close()

    def get(self, target: str, **headers: str) -> Answer:
        return self.ask("GET", target, **headers)

    def post(self, target: str, **body: object) -> Answer:
        return self.ask("POST", target, body)

    def description(self, name: str = "mine", **changes: object) -> dict[str, Any]:
        return {
            "name": name,
            "os": "linux",
            "image": {"file": f"server://{self.server.folder}/images/a.tgz", "kind": "tar", "compression": "gzip"},
            "boot": {"kernel": "/vmlinuz"},
            "filesystem": "ext4",
            **changes,
        }

    def deploy(self, **changes: object) -> Answer:
        body = {"nodes": ["node-1"], "environment": {"kind": "anonymous", **self.description()}, "dry_run": True}
        return self.post("/deployment", **{**body, **changes})


@contextlib.contextmanager
def attacked(folder: Path, **settings: object) -> Iterator[Attacked]:
    """Serve until the block ends; alice has nodes 1 to 5, bob 6 to 9. `settings` are sections of server.conf."""
    for name in ("images", "tmp", "secret"):
        (folder / name).mkdir(parents=True)
    (folder / "secret" / "keys.pub").write_text(f"ssh-ed25519 {SECRET}\n")
    (folder / "images" / "a.tgz").write_bytes(gzip.compress(b"not much of a system" * 1000, mtime=0))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _configure(folder, port, settings)
    argv = [str(BIN / "kadeployd"), "--config", str(folder), "--simulate", "9", "--simulate-speed", "600"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stderr=log, env={**os.environ, "TMPDIR": str(folder / "tmp")})
    try:
        _until_ready(process, folder / "log")
        authority = next((folder / "tmp").glob("kadeploy-simulated-*/tls/ca.pem")).read_text()
        trust = ssl.create_default_context(cadata=authority)
        server = Attacked(folder=folder, port=port, process=process, trust=trust)
        admin = server.user("admin")
        for user, nodes in {"alice": "node-[1-5]", "bob": "node-[6-9]"}.items():
            assert admin.post("/rights", username=user, nodes=[nodes]).status == 200
        yield server
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONGEST) == 0, server.log()
    finally:
        process.kill()
        process.wait()


def _configure(folder: Path, port: int, settings: Mapping[str, object]) -> None:
    entry = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text("".join(f"{user}:{entry}\n" for user in ("alice", "bob", "admin", "mallory")))
    server = {
        "listen": {"address": "127.0.0.1", "port": port},
        "authentication": {
            "acl": {"whitelist": ["127.0.9.9"]},
            "http_basic": {"dbfile": str(folder / "htpasswd")},
            "failures": {"per_user": PERMITTED, "per_address": 20},
        },
        "audit": {"file": str(folder / "audit.log")},
        "rights": {"kind": "db", "almighty_users": ["admin"]},
        "files": {"roots": [str(folder / "images")]},
        "windows": {"reboot": {"size": 50, "sleep_time": 0}},
        "state_directory": str(folder / "state"),
        **settings,
    }
    (folder / "server.conf").write_text(yaml.safe_dump(server))
    (folder / "clusters.conf").write_text(
        "clusters: [{name: real, conf_file: real.conf, nodes: [{name: real-1, address: 10.9.9.9}]}]\n"
    )
    (folder / "real.conf").write_text("partitioning: {block_device: /dev/sda, partitions: {deploy: 2, swap: 1}}\n")


def _until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + LONGEST
    while "ready on" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, "it did not start"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
