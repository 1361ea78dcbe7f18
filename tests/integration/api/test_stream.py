"""The event stream over a real socket: live, resumable, kept alive, and never in the way of the engine."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import uvicorn

from kadeploy.api import stream
from kadeploy.domain.event import Event, NodeProgress, from_json
from tests.integration.api.house import House, in_house, launch_body


@asynccontextmanager
async def served(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    """The API on a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(house.app, log_level="warning", lifespan="off", access_log=False))
    serving = asyncio.create_task(server.serve([listening]))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        async with httpx2.AsyncClient(base_url=url, headers={"X-Kadeploy-User": "alice"}, timeout=20) as client:
            yield client
    finally:
        server.should_exit = True
        server.force_exit = True
        await serving
        listening.close()


async def launched(house: House, client: httpx2.AsyncClient) -> str:
    await house.grant()
    await house.record()
    return str((await client.post("/deployment/", json=launch_body())).json()["wid"])


async def messages(answer: httpx2.Response) -> AsyncIterator[tuple[int, Event]]:
    async for message in httpx2.EventSource(answer):
        data = json.loads(message.data)
        event = from_json(data)
        assert message.event == data["kind"]
        yield int(message.id), event


def kind_of(event: Event) -> str:
    return type(event).__name__


def test_events_come_as_they_happen_and_end_with_the_operation(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with served(house) as client:
            wid = await launched(house, client)
            async with client.stream("GET", f"/deployment/{wid}/events") as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                assert answer.headers["cache-control"] == "no-store, no-cache"
                assert "content-encoding" not in answer.headers
                events = messages(answer)
                assert [kind_of((await anext(events))[1]) for _ in range(2)] == ["OperationStarted", "StepStarted"]
                progress = NodeProgress(operation=wid, at=1.0, node="n", micro="m", done=5, total=10)
                house.events.show(progress)
                assert await anext(events) == (2, progress)
                await house.engine.play(wid)
                rest = [(number, kind_of(event)) async for number, event in events]
                assert rest == [(3, "StepEnded"), (4, "NodesDone"), (5, "OperationEnded")]

    in_house(tmp_path, scenario)


def test_a_lost_connection_goes_on_where_it_was(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with served(house) as client:
            wid = await launched(house, client)
            path = f"/deployment/{wid}/events"
            await house.engine.play(wid)
            for headers, query, first in (({}, "", 1), ({"Last-Event-ID": "3"}, "", 4), ({}, "?after=4", 5)):
                async with client.stream("GET", path + query, headers=headers) as answer:
                    numbers = [number async for number, _ in messages(answer)]
                assert numbers == list(range(first, 6))
            for after in (5, 99):
                async with client.stream("GET", path, headers={"Last-Event-ID": str(after)}) as answer:
                    assert [entry async for entry in messages(answer)] == []
            refused = await client.get(path, headers={"Last-Event-ID": "x"})
            assert refused.headers["x-application-error-code"] == "4"

    in_house(tmp_path, scenario)


def test_followers_that_leave_or_do_not_read_cost_nothing(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with served(house) as client:
            wid = await launched(house, client)
            path = f"/deployment/{wid}/events"
            async with client.stream("GET", path) as answer:
                await anext(messages(answer))
                assert len(house.events._followers[wid]) == 1
            async with asyncio.timeout(10):
                while house.events._followers.get(wid):  # noqa: ASYNC110 - nobody tells when one leaves
                    await asyncio.sleep(0.02)
            async with client.stream("GET", path), asyncio.timeout(10):  # nobody reads this one
                for number in range(20_000):
                    house.events.show(NodeProgress(operation=wid, at=1.0, node="n", micro="m", done=number, total=0))
                await house.engine.play(wid)

    in_house(tmp_path, scenario)


def test_silence_is_filled() -> None:
    async def scenario() -> None:
        async def nothing() -> AsyncIterator[tuple[int, Event]]:
            await asyncio.Event().wait()
            yield 0, Event(operation="", at=0.0)

        response = stream.event_stream(nothing(), keepalive=0.01)  # type: ignore[arg-type]
        blocks = response.body_iterator
        found = [await anext(aiter(blocks)) for _ in range(3)]
        assert all(bytes(block).startswith(b":") for block in found)  # type: ignore[arg-type]
        await blocks.aclose()  # type: ignore[attr-defined]

    asyncio.run(scenario())


def test_paths_are_taken_as_they_were_sent(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.record(name="a/b c+d")
        async with served(house) as client:
            sent = httpx2.URL(str(client.base_url) + "/environments/alice/a%2Fb+c%2Bd")
            changed = await client.put(sent, json={"visibility": "shared"})
            assert (changed.status_code, changed.json()["name"]) == (200, "a/b c+d")

    in_house(tmp_path, scenario)
