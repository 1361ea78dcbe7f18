"""Errors as HTTP answers: the form that Kadeploy3's tools show to people."""

from __future__ import annotations

import base64

import pytest
from starlette.exceptions import HTTPException

from kadeploy.api.problems import answer
from kadeploy.errors import (
    BadConfiguration,
    CacheFull,
    Conflict,
    Forbidden,
    InvalidNodes,
    KadeployError,
    NoRights,
    NotAuthenticated,
    NotFound,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "code", "body"),
    [
        (NoRights("alice has none"), "6", "You do not have sufficient rights -- alice has none\n"),
        (InvalidNodes("there is no node x", hint="y"), "2", "The node list is not valid -- there is no node x (y)\n"),
        (Conflict(), "11", "Some elements are in conflict\n"),
        (CacheFull(), "22", "The file cache is full\n"),
    ],
)
def test_application_errors(error: KadeployError, code: str, body: str) -> None:
    response = answer(error)
    assert response.status_code == 400
    assert bytes(response.body).decode() == body
    assert response.headers["x-application-error-code"] == code
    assert base64.b64decode(response.headers["x-application-error-info"]).decode() == body.strip()
    assert response.headers["content-type"] == 'text/plain; charset="UTF-8"'


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (NotFound("there is no node x"), 404, "Not Found -- there is no node x\n"),
        (Forbidden("it is bob's"), 403, "Forbidden -- it is bob's\n"),
        (Unavailable("stopping"), 503, "Service Unavailable -- stopping\n"),
        (HTTPException(404), 404, "Not Found\n"),
        (HTTPException(415, "a body must be JSON"), 415, "Unsupported Media Type -- a body must be JSON\n"),
    ],
)
def test_http_errors(error: Exception, status: int, body: str) -> None:
    response = answer(error)
    assert (response.status_code, bytes(response.body).decode()) == (status, body)
    assert "x-application-error-code" not in response.headers


def test_who_is_not_known_hears_how_to_say() -> None:
    response = answer(NotAuthenticated("no"), challenge='Basic realm="Kadeploy"')
    assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Basic realm="Kadeploy"')


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), BadConfiguration("secret"), KeyError("secret")])
def test_a_defect_shows_nothing_and_is_logged(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    response = answer(error)
    said = bytes(response.body).decode()
    assert response.status_code == 500
    assert "secret" not in said
    assert "Traceback" not in said
    reference = said.strip().rpartition(" ")[2]
    assert reference in caplog.text
    assert "secret" in caplog.text


def test_a_long_message_stays_whole_in_the_body_and_short_in_the_header() -> None:
    response = answer(InvalidNodes("x" * 100_000))
    assert len(response.body) > 100_000
    assert len(response.headers["x-application-error-info"]) < 8000
