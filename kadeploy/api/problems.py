"""From an error to an HTTP answer, in this one place.

An application error is 400 with its number in `X-Application-Error-Code`; its body, which the tools show as it is,
is one fixed sentence for the number, then ` -- ` and the details. A defect is 500, and told to the log only.
"""

from __future__ import annotations

import base64
import logging
import math
import secrets
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from kadeploy.api import answers
from kadeploy.errors import BadConfiguration, KadeployError, TooManyFailures

_INFO: Final = 3000  # bytes of the message that go into a header

log = logging.getLogger(__name__)


def answer(error: Exception, *, challenge: str = "") -> Response:
    """`challenge` is what WWW-Authenticate offers."""
    if isinstance(error, KadeployError) and not isinstance(error, BadConfiguration):
        if error.status == HTTPStatus.BAD_REQUEST and error.code is not None:
            return _application(error, error.code)
        headers = {"WWW-Authenticate": challenge} if error.status == HTTPStatus.UNAUTHORIZED and challenge else {}
        if isinstance(error, TooManyFailures):
            headers = {"Retry-After": str(math.ceil(error.wait))}
        return _http(error.status, str(error), headers)
    if isinstance(error, HTTPException):
        return _http(error.status_code, error.detail, dict(error.headers or {}))
    reference = secrets.token_hex(4)
    log.error("a request failed by a defect, reference %s", reference, exc_info=error)
    return _http(500, f"the server failed; its log tells more under {reference}", {})


def _application(error: KadeployError, code: int) -> Response:
    said = (type(error).__doc__ or "").strip().rstrip(".")
    if error.message.rstrip(".") != said:
        said = f"{said} -- {error}"
    headers = {
        "X-Application-Error-Code": str(code),
        "X-Application-Error-Info": base64.b64encode(said.encode()[:_INFO]).decode(),
    }
    return answers.text(f"{said}\n", status=400, headers=headers)


def _http(status: int, details: str, headers: dict[str, str]) -> Response:
    phrase = HTTPStatus(status).phrase
    said = f"{phrase} -- {details}" if details and details != phrase else phrase
    return answers.text(f"{said}\n", status=status, headers=headers)
