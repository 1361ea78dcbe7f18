"""What is answered in which form."""

from __future__ import annotations

import json

import pytest
import yaml
from starlette.exceptions import HTTPException

from kadeploy.api.answers import JSON, YAML, negotiate, rendered
from kadeploy.domain.state import Progress


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/x-yaml", YAML),
        ("application/x-yaml;q=0.5, application/json", JSON),
        ("application/json;q=0.5, application/x-yaml", YAML),
        ("text/html, */*;q=0.1", JSON),
        ("TEXT/PLAIN", JSON),
        ("text/event-stream", JSON),
    ],
)
def test_negotiation(accept: str, media: str) -> None:
    assert negotiate(accept) == media


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml, image/*", "application/json;q=0", "application/json;q=x"]
)
def test_nothing_acceptable(accept: str) -> None:
    with pytest.raises(HTTPException) as caught:
        negotiate(accept)
    assert caught.value.status_code == 406


@pytest.mark.parametrize(
    ("value", "body"), [(None, "\n"), ("", "\n"), ("3.3", "3.3\n"), (True, "true\n"), ("a\n", "a\n\n")]
)
def test_text_has_one_newline_added(value: object, body: str) -> None:
    response = rendered(value, YAML)
    assert bytes(response.body).decode() == body
    assert response.headers["content-type"] == 'text/plain; charset="UTF-8"'
    assert response.headers["cache-control"] == "no-store, no-cache"
    assert response.headers["pragma"] == "no-cache"


def test_objects() -> None:
    value = {"b": ["é", Progress.OK], "a": {"x": None}}
    plain = {"b": ["é", "ok"], "a": {"x": None}}
    response = rendered(value, JSON)
    assert response.headers["content-type"] == 'application/json; charset="UTF-8"'
    assert json.loads(bytes(response.body)) == plain
    assert list(json.loads(bytes(response.body))) == ["b", "a"]
    response = rendered(value, YAML)
    assert response.headers["content-type"] == 'application/x-yaml; charset="UTF-8"'
    assert bytes(response.body).decode() == "---\nb:\n- é\n- ok\na:\n  x: null\n"


def test_yaml_repeats_what_occurs_twice() -> None:
    shared = {"name": "x"}
    body = bytes(rendered({"a": shared, "b": shared}, YAML).body).decode()
    assert "&" not in body
    assert yaml.safe_load(body) == {"a": shared, "b": shared}
