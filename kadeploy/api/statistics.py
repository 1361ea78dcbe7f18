"""GET /stats: rows, failure rates, the times of steps, and the health of nodes.

Rows come as CSV without a heading and without quotes, whatever is accepted, as Kadeploy3's tool needs them; `format`
asks for another form.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from kadeploy.api.call import Call
from kadeploy.api.moments import Moment, Span
from kadeploy.api.parameters import Number, Parameters, Texts, Toggle, decoded
from kadeploy.api.statistics_fields import FIELDS, ORIGINAL
from kadeploy.domain.environment_name import EnvironmentName
from kadeploy.domain.rates import QUANTILES, By
from kadeploy.domain.state import OperationKind
from kadeploy.domain.statistics import NodeRow, Wanted
from kadeploy.errors import InvalidOption, MissingOption, NotFound
from kadeploy.operations.statistics import Statistics

KINDS: Final = {
    "deploy": OperationKind.DEPLOYMENT,
    "deployment": OperationKind.DEPLOYMENT,
    "reboot": OperationKind.REBOOT,
    "power": OperationKind.POWER,
}
MEDIA: Final = {"csv": "text/csv", "json": "application/json", "yaml": "application/x-yaml"}


class StatisticsParameters(Parameters):
    """`fields`, `sort` (`-` in front: largest first) and `header` are of rows; `date_min` and `date_max` bound the
    operations' start, `min_time` and `max_time` what their steps took.

    `min_retries` is of any macro-step, or with `step_retries` (1, 2, 3) of each of these; `step` is where nodes failed:
    a macro-step, a micro-step, or `MACRO-micro`; `by` is what failure rates are of.
    """

    kind: Literal["all", "failure_rates", "steps", "health"] = "all"
    format: Literal["csv", "json", "yaml"] = "csv"
    nodes: Texts = ()
    fields: Texts = ()
    sort: Texts = ()
    limit: Annotated[Number, Field(ge=0, le=2**31)] = None
    header: Toggle = False
    date_min: Moment = None
    date_max: Moment = None
    wid: str = ""
    user: str = ""
    cluster: str = ""
    environment: str = ""
    step: str = ""
    failed: Toggle = False
    min_retries: Annotated[Number, Field(ge=0, le=2**31)] = None
    step_retries: Texts = ()
    min_time: Span = None
    max_time: Span = None
    min_failure_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    by: By = By.NODE


class StatisticsResource:
    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics

    async def show(self, call: Call) -> object:
        asked = decoded(StatisticsParameters, call.parameters)
        wanted = self._wanted(asked, call.path.get("operation"))
        kinds: Mapping[str, Callable[[StatisticsParameters, Wanted], Awaitable[object]]] = {
            "all": self._rows,
            "failure_rates": self._rates,
            "steps": self._steps,
            "health": self._health,
        }
        return await kinds[asked.kind](asked, wanted)

    def _wanted(self, asked: StatisticsParameters, kind: str | None) -> Wanted:
        if kind is not None and kind not in KINDS:
            raise NotFound(f"there are statistics of {', '.join(KINDS)}, not of {kind}")
        if asked.step_retries and asked.min_retries is None:
            raise MissingOption("step_retries: say with min_retries how many there must be")
        named = EnvironmentName.parse(asked.environment) if asked.environment else None
        return Wanted(
            kind=KINDS[kind] if kind is not None else None,
            nodes=self._statistics.nodes(asked.nodes),
            operation=asked.wid,
            user=asked.user,
            cluster=asked.cluster,
            environment=named.name if named else "",
            version=named.version if named else None,
            owner=(named.owner or "") if named else "",
            since=asked.date_min,
            until=asked.date_max,
            min_retries=asked.min_retries,
            retry_steps=_numbers(asked.step_retries),
            min_seconds=asked.min_time,
            max_seconds=asked.max_time,
            step=asked.step,
            only_failed=asked.failed,
        )

    async def _rows(self, asked: StatisticsParameters, wanted: Wanted) -> Response:
        """The first page is waited for: what is wrong comes out before the answer has begun."""
        names = asked.fields or (tuple(ORIGINAL) if asked.format == "csv" else tuple(FIELDS))
        unknown = [name for name in names if name not in FIELDS]
        if unknown:
            raise InvalidOption(
                f"fields: there is no field {', '.join(unknown)}", hint=f"there are {', '.join(FIELDS)}"
            )
        pages = self._statistics.rows(wanted, sort=asked.sort, limit=asked.limit, steps="steps" in names)
        first = await anext(pages, None) or ()  # a tuple for a default makes Python 3.11 fail
        text = _FORMS[asked.format](names, _from(first, pages), asked.header)
        return StreamingResponse(text, headers={"Content-Type": f'{MEDIA[asked.format]}; charset="UTF-8"'})

    async def _rates(self, asked: StatisticsParameters, wanted: Wanted) -> object:
        """Kadeploy3's shape: `{name: rate}`; with a `format`, how many nodes that is of, too."""
        found = await self._statistics.rates(wanted, asked.by, asked.min_failure_rate)
        if "format" not in asked.model_fields_set:
            return {name: rate.value for name, rate in found.items()}
        return [
            {str(asked.by): name, "rate": rate.value, "failures": rate.failures, "runs": rate.nodes}
            for name, rate in found.items()
        ]

    async def _steps(self, asked: StatisticsParameters, wanted: Wanted) -> object:
        names = [f"p{round(100 * part)}" for part in QUANTILES]
        return [
            {
                "macro": spread.macro,
                "instance": spread.instance,
                "micro": spread.micro,
                "nodes": spread.nodes,
                "tries": spread.tries,
                "seconds": dict(zip(names, spread.seconds, strict=True)),
            }
            for spread in await self._statistics.spreads(wanted)
        ]

    async def _health(self, asked: StatisticsParameters, wanted: Wanted) -> object:
        found = await self._statistics.health(wanted)
        return [
            {**asdict(each), "verdict": each.verdict.value, "last_failure": int(each.last_failure) or None}
            for each in (found if asked.limit is None else found[: asked.limit])
        ]


Pages = AsyncIterator[Sequence[NodeRow]]
Names = Sequence[str]


async def _from(first: Sequence[NodeRow], others: Pages) -> Pages:
    yield first
    async for page in others:
        yield page


async def _csv(names: Names, pages: Pages, header: bool) -> AsyncIterator[str]:
    if header:
        yield ",".join(names) + "\n"
    async for page in pages:
        yield "".join(",".join(_cell(FIELDS[name](row)) for name in names) + "\n" for row in page)


async def _json(names: Names, pages: Pages, header: bool) -> AsyncIterator[str]:
    between = "\n"
    yield "["
    async for page in pages:
        for row in page:
            yield between + json.dumps(_values(names, row), ensure_ascii=False)
            between = ",\n"
    yield "\n]\n"


async def _yaml(names: Names, pages: Pages, header: bool) -> AsyncIterator[str]:
    has_any = False
    async for page in pages:
        for row in page:
            has_any = True
            yield yaml.dump([_values(names, row)], Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    if not has_any:
        yield "[]\n"


_FORMS: Final = {"csv": _csv, "json": _json, "yaml": _yaml}


def _values(names: Names, row: NodeRow) -> dict[str, Any]:
    return {name: FIELDS[name](row) for name in names}


def _cell(value: object) -> str:
    """On one line."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, list) else " ".join(str(value).split())


def _numbers(texts: Sequence[str]) -> tuple[int, ...]:
    """Raises InvalidOption."""
    given = [part.strip() for text in texts for part in text.split(",")]
    if wrong := [text for text in given if text not in ("1", "2", "3")]:
        raise InvalidOption(f"step_retries: a macro-step is 1, 2 or 3, not {', '.join(map(repr, wrong))}")
    return tuple(map(int, given))
