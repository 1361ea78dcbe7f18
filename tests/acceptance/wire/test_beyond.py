"""What this server has beyond Kadeploy3's: repeated requests, pages of the journal, health, metrics."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

from tests.acceptance.wire.client import Answer, Client
from tests.acceptance.wire.server import Kadeployd, healthy_nodes
from tests.acceptance.wire.stage import Stage

NODES = [name.partition(".")[0] for name in healthy_nodes()]
SIMULATED = {"kind": "database", "user": "root", "name": "simulated"}


def launch(client: Client, key: str, node: str = NODES[0], **more: object) -> Answer:
    body = {"environment": SIMULATED, "nodes": [node], **more}
    return client.send("POST", "/deployment/", body, headers={"Idempotency-Key": key})


def test_a_request_with_a_key_is_carried_out_once(stage: Stage, plain: Kadeployd) -> None:
    client = Client(server=plain)
    first = launch(client, "k-1").json()
    again = launch(client, "k-1")
    assert again.is_usable()
    assert again.json()["wid"] == first["wid"]
    assert again.json()["resources"] == first["resources"]
    client.until_done(first["resources"]["resource"])
    assert launch(client, "k-1").json()["wid"] == first["wid"], "also when it has ended"
    client.send("DELETE", first["resources"]["resource"], {})
    assert launch(client, "k-1").json()["wid"] == first["wid"], "and when it was forgotten"


def test_a_key_is_of_one_request_and_of_one_user(stage: Stage, plain: Kadeployd) -> None:
    client = Client(server=plain)
    first = launch(client, "k-2").json()
    other = launch(client, "k-2", NODES[1])
    assert (other.status, other.type) == (422, "text/plain")
    assert first["wid"] in other.text
    reboot = client.send(
        "POST", "/reboot/", {"kind": "simple", "nodes": [NODES[0]]}, headers={"Idempotency-Key": "k-2"}
    )
    assert reboot.status == 422
    stage.grant({"bob": {"*": ["*"]}})
    client.until_done(first["resources"]["resource"])
    assert launch(Client(server=plain, user="bob"), "k-2").json()["wid"] != first["wid"]
    assert launch(client, "x" * 256).headers["x-application-error-code"] == "4"


def test_the_same_request_many_times_at_once(stage: Stage, plain: Kadeployd) -> None:
    client = Client(server=plain)
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(launch(client, "k-3"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 6, [str(answer) for answer in answers]
    assert len({answer.json()["wid"] for answer in answers}) == 1


def test_a_refused_request_does_not_use_its_key_up(stage: Stage, plain: Kadeployd) -> None:
    client = Client(server=plain)
    assert launch(client, "k-4", "node-9999").status == 400
    assert launch(client, "k-4").is_usable()


def test_the_journal_comes_by_pages(stage: Stage, plain: Kadeployd) -> None:
    client = Client(server=plain)
    told = launch(client, "").json()
    client.until_done(told["resources"]["resource"])
    path = told["resources"]["journal"]
    whole = client.get(path).json()
    assert whole["next"] is None
    assert whole["events"][0]["kind"] == "operation_started"
    assert whole["events"][-1]["kind"] in ("operation_ended", "hook_ended")
    read: list[object] = []
    after: int | None = 0
    while after is not None:
        page: Any = client.get(f"{path}?limit=3&after={after}").json()
        assert len(page["events"]) <= 3
        read += page["events"]
        after = page["next"]
    assert read == whole["events"]
    assert client.get(path).json() == whole, "reading it consumes nothing"
    assert Client(server=plain, user="bob").get(path).status == 403
    assert client.get(f"{path}?limit=0").headers["x-application-error-code"] == "4"


def test_events_resume_where_they_were_left(stage: Stage, plain: Kadeployd) -> None:
    client = Client(server=plain)
    told = launch(client, "").json()
    client.until_done(told["resources"]["resource"])
    path = told["resources"]["events"]
    numbers = [int(number) for number in re.findall(r"(?m)^id: (\d+)$", client.get(path).text)]
    assert numbers == sorted(numbers)
    half = numbers[len(numbers) // 2]
    rest = client.get(path, **{"Last-Event-ID": str(half)})
    assert rest.headers["content-type"].startswith("text/event-stream")
    assert [int(number) for number in re.findall(r"(?m)^id: (\d+)$", rest.text)] == [n for n in numbers if n > half]
    assert client.get(path, **{"Last-Event-ID": "x"}).headers["x-application-error-code"] == "4"


def test_health_and_readiness(plain: Kadeployd) -> None:
    nobody = Client(server=plain, user="")
    assert nobody.get("/health").json() == {"status": "ok"}
    assert nobody.get("/ready").json() == {"ready": True, "parts": {"store": "ok", "engine": "ok"}}


def test_metrics(stage: Stage, plain: Kadeployd) -> None:
    client = Client(server=plain)
    told = launch(client, "").json()
    client.until_done(told["resources"]["resource"])
    assert Client(server=plain, user="").get("/metrics").status == 401
    answer = client.get("/metrics")
    assert answer.type == "text/plain"
    values = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert float(values['kadeploy_operations{kind="deployment",state="done"}']) >= 1
    assert float(values['kadeploy_nodes{state="deployed"}']) >= 1
    count = 'kadeploy_step_seconds_count{macro="SetDeploymentEnvUntrusted",micro="wait_reboot"}'
    assert float(values[count]) >= 1
    assert float(values['kadeploy_api_requests_total{method="POST",route="/deployment",status="200"}']) >= 1
    assert float(values["kadeploy_api_authentication_failures_total"]) >= 1
    for name in ("agents_connected", "cache_bytes", "cache_limit_bytes", 'window_slots_used{window="reboot"}'):
        assert f"kadeploy_{name}" in values
    text = [line for line in answer.text.splitlines() if line.startswith("# HELP")]
    assert len(text) == len({line.split()[2] for line in text}), "each is described once"


def test_the_document_is_open_to_read(plain: Kadeployd) -> None:
    nobody = Client(server=plain, user="")
    assert json.loads(nobody.get("/openapi.json").body)["openapi"] == "3.1.0"
    assert nobody.get("/docs", Accept="text/html,*/*").type == "text/html"
