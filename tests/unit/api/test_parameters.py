"""Query and body merged and decoded as Kadeploy3 does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from kadeploy.api.parameters import Number, Parameters, Texts, Toggle, decoded, merged
from kadeploy.errors import InvalidOption, MissingOption


def read(query: str = "", body: bytes = b"", kind: str | None = "application/json") -> Mapping[str, object]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", kind.encode())] if kind else []
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": headers}
    return asyncio.run(merged(Request(scope, receive)))


class Asked(Parameters):
    name: str
    nodes: Texts = ()
    last: Toggle = False
    version: Number = None


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ("", b"", {}),
        ("nodes=node-1&nodes=node-2", b"", {"nodes": ["node-1", "node-2"]}),
        ("nodes=node-1", b'{"nodes": ["x"], "force": true}', {"nodes": "node-1", "force": True}),
        ("name=my%2Benv%252B", b"", {"name": "my+env%2B"}),
        ("name=a+b%C3%A9", b"", {"name": "a bé"}),
        ("deploy_partition=&list", b"", {"deploy_partition": "", "list": ""}),
        ("", b"  \n", {}),
    ],
)
def test_merging(query: str, body: bytes, expected: Mapping[str, object]) -> None:
    assert read(query, body) == expected


def test_yaml_bodies() -> None:
    assert read(body=b"nodes: [a, b]\nforce: true\n", kind="application/x-yaml") == {"nodes": ["a", "b"], "force": True}


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b"{", "application/json", "the body cannot be read: Expecting property name"),
        (b"[1]", "application/json", "the body must be a mapping"),
        (b'{"a": NaN}', "application/json", "NaN is not a number"),
        (b"[" * 200_000, "application/json", "the body cannot be read"),
        (b'{"a": "\xff"}', "application/json", "the body cannot be read"),
        (b"a: [", "application/x-yaml", "the body cannot be read: line 2"),
        (b"a: &x 1\nb: *x", "application/x-yaml", "aliases"),
        (b"1: 2", "application/x-yaml", "the body must be a mapping of names"),
        (b'{"a": ' + b"9" * 5000 + b"}", "application/json", "the body cannot be read"),
    ],
)
def test_bodies_that_cannot_be_read(body: bytes, kind: str, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        read(body=body, kind=kind)
    assert message in str(caught.value)


def test_other_bodies_are_refused() -> None:
    with pytest.raises(HTTPException) as caught:
        read(body=b"a=1", kind="application/x-www-form-urlencoded")
    assert caught.value.status_code == 415
    with pytest.raises(HTTPException) as caught:
        read("a=" + "x" * 1024 * 1024)
    assert caught.value.status_code == 414


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "a", "nodes": "n"}, Asked(name="a", nodes=("n",))),
        ({"name": 12, "nodes": ["n", 3]}, Asked(name="12", nodes=("n", "3"))),
        ({"name": "a", "last": "true", "version": "3"}, Asked(name="a", last=True, version=3)),
        ({"name": "a", "last": "", "version": ""}, Asked(name="a", last=True)),
        ({"name": "a", "last": "false"}, Asked(name="a")),
        ({"name": "a", "last": False, "version": None, "user": "ignored"}, Asked(name="a")),
    ],
)
def test_decoding(given: Mapping[str, object], expected: Asked) -> None:
    assert decoded(Asked, given) == expected


def test_every_fault_is_told_with_its_place() -> None:
    with pytest.raises(InvalidOption) as caught:
        decoded(Asked, {"nodes": [{}], "version": "new"}, place="environment.")
    assert str(caught.value) == (
        "environment.name: is required; environment.nodes[0]: must be text, not a mapping; "
        "environment.version: must be a whole number, not 'new'"
    )
    with pytest.raises(MissingOption, match="name: is required"):
        decoded(Asked, {})


def test_a_parameter_given_twice_where_one_is_meant() -> None:
    with pytest.raises(InvalidOption, match="name: must be text, not a list"):
        decoded(Asked, read("name=a&name=b"))
