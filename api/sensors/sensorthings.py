"""SensorThings API 1.1 (OGC 18-088): read things, datastreams and observations.

A caller meets the cities whose sensors it may read, and no others: rights are applied before any query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import anyio.to_thread
import numpy as np
import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.answers import answer, bytes_answer
from api.entry import Entry, Visitor
from api.problems import NotPermitted
from api.sensors import observations
from api.sensors.entities import BASE, Sensors, absolute, follow_or_none, observation, resolve
from api.sensors.model import ONE, RELATIONS, SETS, Entity
from api.sensors.odata import Options, options, ordered
from geodata.errors import InvalidInput

router = APIRouter(tags=["Sensors"])
_SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
CONFORMANCE = (
    _SPEC + "datamodel",
    _SPEC + "resource-path/resource-path-to-entities",
    _SPEC + "request-data",
    _SPEC + "batch-request/batch-request",
    _SPEC + "data-array/data-array",
)
_MOST_OBSERVATIONS = 100_000


@router.get(BASE, name="sensorthings", summary="Sets of entities")
async def root(entry: Visitor) -> Response:
    """The service's root: its sets, and what it conforms to."""
    value = [{"name": name, "url": absolute(entry, f"{BASE}/{name}")} for name in SETS]
    settings = {"conformance": list(CONFORMANCE)}
    return answer(entry.request, {"value": value, "serverSettings": settings}, "json")


@router.get(
    BASE + "/{path:path}",
    name="entities",
    summary="Entities by their path",
    openapi_extra={"x-own-parameters": True},
)
async def read(entry: Visitor, path: str) -> Response:
    """A set, an entity, a relation or a member: ``Things('a')/Datastreams?$top=5``."""
    given = _given(entry.request)
    wanted = options(given)
    sensors = Sensors(entry)
    entry.note("sensorthings", "sensors")
    kind, found, one = await resolve(sensors, path)
    if kind in ("$value", "$ref"):
        entry.count(1)
        return _member(entry, found, raw=kind == "$value")
    if one:
        entry.count(1)
        item = await _shown(sensors, kind, found[0], wanted)
        return answer(entry.request, item, "json")
    if kind == "Observations":
        return await _observations(entry, sensors, found, wanted, path, given)
    items = [item for item in found if wanted.filter is None or wanted.filter(item)]
    items = ordered(items, wanted.orderby)
    shown = items[wanted.skip : wanted.skip + wanted.top]
    entry.count(len(shown))
    document_: dict[str, Any] = {"@iot.count": len(items)} if wanted.count else {}
    if wanted.skip + len(shown) < len(items) and wanted.top:
        document_["@iot.nextLink"] = _next(entry, path, given, wanted)
    document_["value"] = [await _shown(sensors, kind, item, wanted) for item in shown]
    return answer(entry.request, document_, "json")


def _given(request: Request) -> dict[str, str]:
    text = request.scope["query_string"].decode("latin-1")
    pairs = parse_qsl(text.replace("+", "%2B"), keep_blank_values=True)
    # A plus sign stands for a space, except in a time's offset; clients send both.
    return {name: re.sub(r"(?<!\d)\+|\+(?!\d\d:)", " ", value) for name, value in pairs}


def _next(entry: Entry, path: str, given: Mapping[str, str], wanted: Options) -> str:
    from urllib.parse import urlencode

    query = urlencode({**given, "$skip": wanted.skip + wanted.top, "$top": wanted.top}, safe="$(),'/:")
    return f"{absolute(entry, f'{BASE}/{path}')}?{query}"


def _member(entry: Entry, found: list[Any], *, raw: bool) -> Response:
    value = found[0]
    if raw:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return bytes_answer(entry.request, text.encode(), "text/plain; charset=utf-8")
    return answer(entry.request, value, "json")


async def _observations(
    entry: Entry, sensors: Sensors, streams: list[str], wanted: Options, path: str, given: Mapping[str, str]
) -> Response:
    items, total = await _some_observations(sensors, streams, wanted)
    entry.count(len(items))
    document_: dict[str, Any] = {"@iot.count": total} if wanted.count else {}
    if wanted.skip + len(items) < total and wanted.top:
        document_["@iot.nextLink"] = _next(entry, path, given, wanted)
    document_["value"] = [await _shown(sensors, "Observations", item, wanted) for item in items]
    return answer(entry.request, document_, "json")


async def _some_observations(
    sensors: Sensors, streams: list[str], wanted: Options
) -> tuple[list[Entity], int]:
    """A page of observations and how many there are; without a filter nothing but the page is made."""
    parts = [(stream, *(await sensors.observations(stream))) for stream in streams]
    falling = wanted.orderby[:1] == (("phenomenonTime", True),)
    simple = wanted.filter is None and (not wanted.orderby or wanted.orderby[0][0] == "phenomenonTime")
    if simple:
        number = np.concatenate(
            [np.full(len(t), i) for i, (_, t, _) in enumerate(parts)] or [np.empty(0, int)]
        )
        times = np.concatenate([t for _, t, _ in parts] or [np.empty(0, np.int64)])
        values = np.concatenate([v for _, _, v in parts] or [np.empty(0)])
        order = (
            np.argsort(-times if falling else times, kind="stable")
            if wanted.orderby or len(parts) > 1
            else np.arange(len(times))
        )
        page = order[wanted.skip : wanted.skip + wanted.top]
        made = [observation(streams[int(number[i])], int(times[i]), float(values[i])) for i in page]
        return made, len(times)
    count = sum(len(times) for _, times, _ in parts)
    if count > _MOST_OBSERVATIONS:
        raise InvalidInput(
            "too many observations to filter at once",
            field="$filter",
            value=count,
            hint="filter the observations of one datastream, or use EDR with a span of time",
        )
    return await anyio.to_thread.run_sync(_filtered, parts, wanted)


def _filtered(parts: list[tuple[str, Any, Any]], wanted: Options) -> tuple[list[Entity], int]:
    items = [
        observation(stream, time, value)
        for stream, times, values in parts
        for time, value in zip(times.tolist(), values.tolist(), strict=True)
    ]
    if wanted.filter is not None:
        items = [item for item in items if wanted.filter(item)]
    items = ordered(items, wanted.orderby)
    return items[wanted.skip : wanted.skip + wanted.top], len(items)


async def _shown(sensors: Sensors, kind: str, entity: Entity, wanted: Options) -> Entity:
    """An entity with its links, the members selected, and what was to be expanded."""
    quoted = str(entity["@iot.id"]).replace("'", "''")
    own = absolute(sensors.entry, f"{BASE}/{kind}('{quoted}')")
    members = {
        name: value
        for name, value in entity.items()
        if not wanted.select or name in ("@iot.id", *wanted.select)
    }
    if kind == "Datastreams" and (not wanted.select or "phenomenonTime" in wanted.select):
        members |= await _times_of(sensors, str(entity["@iot.id"]))
    shown = {"@iot.id": entity["@iot.id"], "@iot.selfLink": own, **members}
    for relation in RELATIONS[kind]:
        if relation in wanted.expand:
            await _expand(sensors, kind, entity, relation, wanted.expand[relation], shown)
        elif not wanted.select or relation in wanted.select:
            shown[f"{relation}@iot.navigationLink"] = f"{own}/{relation}"
    unknown = sorted(set(wanted.expand) - set(RELATIONS[kind]))
    if unknown:
        raise InvalidInput(
            "there is no such relation",
            field="$expand",
            value=unknown[0],
            expected=", ".join(RELATIONS[kind]),
        )
    return shown


async def _times_of(sensors: Sensors, stream: str) -> Entity:
    try:
        times, _ = await sensors.observations(stream)
    except NotPermitted:
        return {}
    span = observations.latest(times)
    return {"phenomenonTime": span} if span else {}


async def _expand(
    sensors: Sensors, kind: str, entity: Entity, relation: str, wanted: Options, into: Entity
) -> None:
    target, found, one = await follow_or_none(sensors, kind, entity, relation)
    if relation == "Observations":
        items, total = await _some_observations(sensors, found, wanted)
        into[f"{relation}@iot.count"] = total
        into[relation] = [await _shown(sensors, target, item, wanted) for item in items]
    elif one:
        into[relation] = await _shown(sensors, target, found[0], wanted)
    elif relation in ONE:
        into[relation] = None
    else:
        chosen = [item for item in found if wanted.filter is None or wanted.filter(item)]
        chosen = ordered(chosen, wanted.orderby)[wanted.skip : wanted.skip + wanted.top]
        into[relation] = [await _shown(sensors, target, item, wanted) for item in chosen]
