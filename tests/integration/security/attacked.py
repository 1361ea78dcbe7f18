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
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bcrypt

from tests.simulated import LONGEST, simulated

PASSWORD: Final = "s3cret-of-everybody"
SECRET: Final = "what-only-the-server-may-read"
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

    def events(self, operation: str) -> Iterator[dict[str, Any]]:
        """What it tells, as it comes, until it has ended or nobody asks any more."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.server.port, timeout=LONGEST, context=self.server.trust, source_address=(self.source, 0)
        )
        with contextlib.closing(connection):
            connection.request("GET", f"{operation}/events", headers=dict(self.headers))
            with connection.getresponse() as answer:
                for line in answer:
                    if line.startswith(b"data:"):
                        yield json.loads(line[5:])

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
    for name in ("images", "secret"):
        (folder / name).mkdir(parents=True)
    (folder / "secret" / "keys.pub").write_text(f"ssh-ed25519 {SECRET}\n")
    (folder / "images" / "a.tgz").write_bytes(gzip.compress(b"not much of a system" * 1000, mtime=0))
    with simulated(folder, "--simulate-speed", "600", nodes=9, settings=_settings(folder, settings)) as running:
        authority = (running.state / "tls" / "ca.pem").read_text()
        trust = ssl.create_default_context(cadata=authority)
        server = Attacked(folder=folder, port=running.port, process=running.process, trust=trust)
        admin = server.user("admin")
        for user, nodes in {"alice": "node-[1-5]", "bob": "node-[6-9]"}.items():
            assert admin.post("/rights", username=user, nodes=[nodes]).status == 200
        yield server


def _settings(folder: Path, changed: Mapping[str, object]) -> Mapping[str, object]:
    entry = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text("".join(f"{user}:{entry}\n" for user in ("alice", "bob", "admin", "mallory")))
    return {
        "authentication": {
            "acl": {"whitelist": ["127.0.9.9"]},
            "http_basic": {"dbfile": str(folder / "htpasswd")},
            "failures": {"per_user": PERMITTED, "per_address": 20},
        },
        "audit": {"file": str(folder / "audit.log")},
        "rights": {"kind": "db", "almighty_users": ["admin"]},
        "files": {"roots": [str(folder / "images")]},
        "windows": {"reboot": {"size": 50, "sleep_time": 0}},
        **changed,
    }
