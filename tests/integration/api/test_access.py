"""The door: every route of the application asks for something, and gets it from nobody else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.routing import Route as AppRoute

from kadeploy.api import console_stream
from kadeploy.api.app import documented
from kadeploy.api.routes import Route, routes
from kadeploy.api.server import Settings
from kadeploy.config.authentication import Roles
from kadeploy.domain.access import OF_ROLE, OF_SCOPE, Access, Role, Scope
from kadeploy.operations.tokens import TokenOrder
from tests.integration.api.house import House, in_house, open_house

ROLES = Roles.model_validate(
    {"default": "none", "operator": {"users": "otto"}, "user": {"users": "ulf"}, "read-only": {"users": "rita"}}
)
USERS = {Role.ADMIN: "root", Role.OPERATOR: "otto", Role.USER: "ulf", Role.READ_ONLY: "rita"}
OPEN = {"/version", "/auth_headers_prefix", "/info", "/clusters", "/ca", "/environments/schema"}
OPEN |= {"/health", "/ready", "/openapi.json", "/docs"}
PLACES = {
    "node": "node-1",
    "user": "nobody",
    "name": "none",
    "version": "1",
    "cluster": "alpha",
    "id": "0" * 12,
    "operation": "deploy",
}


def table(house: House) -> tuple[Route, ...]:
    return documented(routes(house.use_cases, Settings(), house.console_ports), Settings())


def target(route: Route) -> str:
    prefix = {"deployment": "D", "reboot": "R", "power": "P"}.get(route.path.split("/")[1], "X")
    wid = f"{prefix}-00000000-0000-4000-8000-000000000000"
    return re.sub(r"{(\w+)}", lambda found: {**PLACES, "wid": wid}[found[1]], route.path)


def with_roles(directory: Path, story: Callable[[House], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(50),
            open_house(directory, administrators=frozenset({"root"}), roles=ROLES) as house,
        ):
            await story(house)

    asyncio.run(run())


async def ask(client: httpx2.AsyncClient, route: Route, *, nodes: bool = False) -> httpx2.Response:
    query = {"nodes": "node-1"} if nodes else None
    body: dict[str, object] | None = {} if route.method != "GET" else None
    return await client.request(route.method, target(route), params=query, json=body)


def asked(house: House) -> Iterator[tuple[Route, bool, Access]]:
    """Each route, once more with nodes where that is something else, and what it then asks for."""
    for route in table(house):
        yield route, False, route.access
        if route.with_nodes is not None:
            yield route, True, route.with_nodes


def test_every_route_of_the_application_is_in_the_table(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        listed = {(route.method, route.path) for route in table(house)}
        served = {
            (method, route.path)
            for route in house.app.routes
            if isinstance(route, AppRoute)
            for method in route.methods or set()
        }
        others = [route for route in house.app.routes if not isinstance(route, AppRoute)]
        assert [getattr(route, "path", "") for route in others] == [console_stream.PATH]  # asks who it is by itself
        assert listed == served

    in_house(tmp_path, story)


def test_only_these_are_open(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        assert {route.path for route in table(house) if route.access is Access.OPEN} == OPEN
        async with house.client("") as client:
            for route, nodes, access in asked(house):
                answer = await ask(client, route, nodes=nodes)
                assert (answer.status_code == 401) is (access is not Access.OPEN), f"{route.method} {route.path}"

    in_house(tmp_path, story)


def test_nothing_that_changes_something_is_for_readers(tmp_path: Path) -> None:
    """Except one's own tokens, of which a reader's are for reading."""

    async def story(house: House) -> None:
        changing = [route for route in table(house) if route.method != "GET"]
        weak = {route.path for route in changing if route.access in (Access.OPEN, Access.READ, Access.OVERSEE)}
        assert weak == {"/tokens", "/tokens/{id}", "/environments/check"}
        assert {route.path for route in table(house) if route.path.startswith("/rights") and route.method != "GET"} == {
            route.path for route in table(house) if route.access is Access.ADMINISTER and "rights" in route.path
        }

    in_house(tmp_path, story)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_what_it_should_and_nothing_more(tmp_path: Path, role: Role) -> None:
    async def story(house: House) -> None:
        async with house.client(USERS[role]) as client:
            for route, nodes, access in asked(house):
                answer = await ask(client, route, nodes=nodes)
                refused = answer.status_code == 403 and "which may not" in answer.text
                assert refused is (access not in OF_ROLE[role]), f"{route.method} {route.path}: {answer.text}"
                assert answer.status_code not in (401, 500), f"{route.method} {route.path}: {answer.text}"

    with_roles(tmp_path, story)


def test_a_token_for_reading_only_reads_whoever_has_it(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        _, text = await house.use_cases.tokens.make(TokenOrder(user="root", scope=Scope.READ))
        async with house.client("", Authorization=f"Bearer {text}") as client:
            assert (await client.get("/whoami")).json()["role"] == "admin"
            for route, nodes, access in asked(house):
                answer = await ask(client, route, nodes=nodes)
                refused = answer.status_code == 403 and "is for scope read only" in answer.text
                assert refused is (access not in OF_SCOPE[Scope.READ]), f"{route.method} {route.path}: {answer.text}"

    with_roles(tmp_path, story)


def test_operators_see_and_abort_what_is_others(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.grant("ulf")
        async with house.client("ulf") as ulf:
            launched = (await ulf.put("/power/", json={"status": "on", "nodes": ["node-1"]})).json()
        path = launched["resources"]["resource"]
        async with house.client("rita") as rita:
            assert (await rita.get(f"{path}state")).status_code == 403
            assert "logs" not in (await rita.get(path)).json()
        async with house.client("otto") as otto:
            assert (await otto.get(f"{path}state")).status_code == 200
            assert "logs" in (await otto.get(path)).json()
            assert (await otto.request("DELETE", path, json={})).status_code == 200

    with_roles(tmp_path, story)
