"""Every operation of the OpenAPI document, tried with what the document allows and what it does not: no failure of the
server, no status and no answer that the document does not tell. Seeded and bounded."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.acceptance.wire.server import PASSWORD, Kadeployd

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SHARDS: Final = 8  # tests, so that they can run beside each other
NOBODY: Final[Mapping[str, str]] = {}
ADMINISTRATOR: Final = {"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}
STRANGERS: Final = (400, 401, 406, 413, 414, 415)  # said before, or to who is not known
FEW = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def faults(server: Kadeployd, shard: int) -> list[str]:
    """What is wrong with the answers of every SHARDS-th operation; each case is sent by nobody and an administrator."""
    found: list[str] = []
    document = schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")
    with requests.Session() as session:
        for result in islice(document.get_all_operations(), shard, None, SHARDS):
            operation: Any = result.ok()  # type: ignore[union-attr]

            @FEW
            @given(case=operation.as_strategy())
            def try_it(case: Any) -> None:
                for name in ("X-Kadeploy-User", "Authorization"):  # made up by the generator
                    case.headers.pop(name, None)
                for headers in (NOBODY, ADMINISTRATOR):
                    response = case.call(session=session, headers=dict(headers), timeout=20)
                    case.validate_response(response, checks=CHECKS)
                    if not headers and case.operation.definition.raw["security"]:
                        assert response.status_code in STRANGERS, f"nobody gets in, and got {response.status_code}"

            try:
                try_it()
            except (AssertionError, BaseExceptionGroup, FailureGroup) as error:
                found.append(f"{operation.label}: {error}")
    return found


@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_operation_of_the_document(plain: Kadeployd, shard: int) -> None:
    assert not (told := faults(plain, shard)), "\n".join(told)
