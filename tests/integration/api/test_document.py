"""The API's document, and the page that shows it."""

from __future__ import annotations

import re
from pathlib import Path

from kadeploy.api.described.answers import ANSWERS
from kadeploy.api.described.document import application_errors, undescribed
from kadeploy.api.routes import routes
from kadeploy.api.server import Settings
from tests.integration.api.house import House, in_house


def test_everything_is_described(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client("") as client:
            told = (await client.get("/openapi.json")).json()
        assert list(undescribed(told)) == []
        known = {(route.method, route.path) for route in routes(house.use_cases, Settings(), house.console_ports)}
        assert ANSWERS.keys() - known == {("GET", "/openapi.json"), ("GET", "/docs")}
        operations = [one["operationId"] for methods in told["paths"].values() for one in methods.values()]
        assert len(operations) == len(set(operations)) == len(ANSWERS)

    in_house(tmp_path, scenario)


def test_references_lead_somewhere(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client("") as client:
            answer = await client.get("/openapi.json")
        told = answer.json()
        for reference in set(re.findall(r'"#/([^"]+)"', answer.text.replace('": "', '":"'))):
            found = told
            for part in reference.split("/"):
                found = found[part]

    in_house(tmp_path, scenario)


def test_every_number_of_an_error_is_told() -> None:
    assert set(application_errors()) == {*range(1, 16), 20, 21, 22, 30}


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client("") as client:
            answer = await client.get("/docs", headers={"Accept": "text/html,*/*;q=0.8"})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert "http://" not in answer.text
        assert "https://" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]

    in_house(tmp_path, scenario)
