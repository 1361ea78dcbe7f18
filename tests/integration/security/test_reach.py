"""URLs of users are fetched by the server, from inside its network: not from itself, however its name is written."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.integration.security.attacked import SECRET, Attacked


@dataclass
class Inside:
    """A server for this machine only, such as have no passwords."""

    port: int = 0
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def inside() -> Iterator[Inside]:
    found = Inside()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield found
    server.shutdown()
    serving.join()
    server.server_close()


HOSTS = (
    "127.0.0.1",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "127.0.0.1.",
    "LOCALHOST",
    "169.254.169.254",
    "[fe80::1]",
    "%31%32%37.0.0.1",
    "①②⑦.0.0.1",
    "x" * 64 + ".example.org",
    "-.",
    "127.0.0.1\t",
    "example.org@127.0.0.1",
    "127.0.0.1#@example.org",
)


@pytest.mark.parametrize("host", HOSTS)
def test_the_server_itself_is_asked_by_nobody(server: Attacked, inside: Inside, host: str) -> None:
    """The user is not on the server's own machine, who could ask by themself."""
    alice = server.user(source="127.0.0.5")
    image = {"file": f"http://{host}:{inside.port}/secret", "kind": "tar", "compression": "gzip"}
    for answer in (
        alice.post("/environments", environment=alice.description("inside", image=image)),
        alice.deploy(environment={"kind": "anonymous", **alice.description(image=image)}),
        alice.deploy(ssh_authorized_keys=f"http://{host}:{inside.port}/secret"),
        alice.deploy(ssh_authorized_keys="/secret", client=f"http://{host}:{inside.port}"),
    ):
        assert answer.is_refusal, answer.text
    assert inside.asked == []


@pytest.mark.parametrize(
    "client",
    [
        "http://127.0.0.1:{port}/x?y=",
        "http://127.0.0.1:{port}@example.org",
        "file:///etc",
        "//127.0.0.1:{port}",
        "\r\nX: y",
    ],
)
def test_what_is_no_file_server_of_a_client(server: Attacked, inside: Inside, client: str) -> None:
    answer = server.user().deploy(ssh_authorized_keys="/secret", client=client.format(port=inside.port))
    assert answer.is_refusal, answer.text
    assert inside.asked == []
