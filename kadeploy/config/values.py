"""Kinds of values that several sections of the configuration have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from kadeploy.domain.hosts import parse_host

T = TypeVar("T")
Port = Annotated[int, Field(ge=1, le=65535)]


def _absolute(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError(f"must be an absolute path, not '{value}'")
    return value


def _host(value: str) -> str:
    parse_host(value)
    return value


def not_empty(value: tuple[T, ...]) -> tuple[T, ...]:
    """Not pydantic's min_length, which also counts what is wrong for another reason as missing."""
    if not value:
        raise ValueError("must not be empty")
    return value


def _as_list(value: object) -> object:
    """Kadeploy3 writes lists as `a, b` in some places."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Words = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
AnyHosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], BeforeValidator(_as_list)]
Hosts = Annotated[AnyHosts, AfterValidator(not_empty)]
