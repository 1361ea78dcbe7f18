"""A launch is answered before its files have come; what they come to is told as of any other step."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Final

import pytest

from tests.acceptance.wire.client import Client
from tests.acceptance.wire.server import Kadeployd, healthy_nodes
from tests.acceptance.wire.stage import Json, Stage
from tests.integration.files.web_server import WebServer, status, web_server

NODES: Final = [name.partition(".")[0] for name in healthy_nodes()]
BODY: Final = gzip.compress(bytes(range(256)) * 4096, mtime=0)
SHA256: Final = hashlib.sha256(BODY).hexdigest()
STEP: Final = "SetDeploymentEnvUntrusted-fetch_files"


class Gated:
    """An image that comes half, and the rest once `go` is set; unless it is `cut`."""

    def __init__(self, web: WebServer) -> None:
        self.url = f"{web.url}/image"
        self.begun = threading.Event()
        self.go = threading.Event()
        self.cut = False
        self.sent = 0
        web.answers["/image"] = self._answer
        web.heads["/image"] = self._head

    def _head(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(BODY)))
        request.send_header("ETag", f'"{SHA256}"')
        request.end_headers()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("If-None-Match") == f'"{SHA256}"':
            status(304)(request)
            return
        self._head(request)
        request.wfile.write(BODY[: len(BODY) // 2])
        request.wfile.flush()
        self.begun.set()
        assert self.go.wait(60)
        if not self.cut:
            request.wfile.write(BODY[len(BODY) // 2 :])
            self.sent += 1


@contextmanager
def gated() -> Iterator[tuple[WebServer, Gated]]:
    with web_server() as web:
        image = Gated(web)
        try:
            yield web, image
        finally:
            image.go.set()


@pytest.fixture
def client(stage: Stage, plain: Kadeployd) -> Client:
    return Client(server=plain)


@pytest.fixture
def admin(plain: Kadeployd) -> Client:
    return Client(server=plain, user="admin")


def body(image: str, *nodes: str) -> Json:
    return {
        "nodes": list(nodes),
        "environment": {
            "kind": "anonymous",
            "name": "mine",
            "os": "linux",
            "image": {"file": image, "kind": "tar", "compression": "gzip"},
            "boot": {"kernel": "/vmlinuz", "initrd": "/initrd.img"},
            "filesystem": "ext4",
        },
    }


def launch(client: Client, image: str, *nodes: str) -> Json:
    answer = client.send("POST", "/deployment/", body(image, *nodes))
    assert answer.is_usable(), str(answer)
    launched: Json = answer.json()
    return launched


def pins(admin: Client) -> list[list[str]]:
    """Who uses the image."""
    return [one["users"] for one in admin.get("/cache").json()["contents"] if one["sha256"] == SHA256]


def test_the_answer_comes_before_the_image_and_two_wait_for_one_download(client: Client, admin: Client) -> None:
    with gated() as (_, image):
        first = launch(client, image.url, NODES[0])
        assert image.begun.wait(30)
        second = launch(client, image.url, NODES[1])
        resource = first["resources"]["resource"]
        view = client.get(resource).json()
        assert (view["done"], view["error"]) == (False, False)
        assert len(view["nodes"]["processing"]) == 1
        state = client.get(first["resources"]["state"]).json()
        assert [(one["macro"], one["micro"], one["state"]) for one in state.values()] == [
            ("SetDeploymentEnvUntrusted", "fetch_files", "processing")
        ]
        assert "fetch_files on" in client.get(first["resources"]["log"]).text
        image.go.set()
        for launched in (first, second):
            done = client.until_done(launched["resources"]["resource"])
            assert (done["nodes"]["ko"], len(done["nodes"]["ok"])) == ([], 1)
        assert image.sent == 1
    assert pins(admin) == [[]]


def test_cancelled_before_the_image_has_come(client: Client, admin: Client) -> None:
    with gated() as (_, image):
        launched = launch(client, image.url, NODES[2])
        assert image.begun.wait(30)
        resource = launched["resources"]["resource"]
        assert client.send("DELETE", resource, {"cancel": True}).is_usable()
        again = launch(client, image.url, NODES[2])  # the node is free at once
        image.go.set()
        assert client.until_done(again["resources"]["resource"])["nodes"]["ko"] == []
    assert pins(admin) == [[]]


def test_an_image_that_breaks_off_is_the_reason_of_every_node(client: Client, admin: Client) -> None:
    with gated() as (_, image):
        image.cut = True
        launched = launch(client, image.url, *NODES[3:5])
        image.go.set()
        view = client.until_done(launched["resources"]["resource"])
        assert (view["nodes"]["ok"], len(view["nodes"]["ko"])) == ([], 2)
        state = client.get(launched["resources"]["state"]).json()
        for node in state.values():
            assert node["error"].startswith(f"{STEP}: {image.url} came truncated")
            assert "Untrusted twice" in str(node)
    assert pins(admin) in ([], [[]])


def test_one_that_is_not_there_is_refused_at_once(client: Client) -> None:
    with web_server() as web:
        answer = client.send("POST", "/deployment/", body(f"{web.url}/nothing", NODES[0]))
        assert (answer.status, answer.headers["x-application-error-code"]) == (400, "5"), str(answer)
        assert "its server answers 404" in answer.text
        assert not web.requests
