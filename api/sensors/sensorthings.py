"""SensorThings API 1.1 (OGC 18-088): read things, datastreams, observations; write observations in batches.

A caller meets the cities whose sensors it may read, and no others: rights are applied before any query.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import parse_qsl

import anyio.to_thread
import numpy as np
import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.access.actions import Action
from api.answers import JSON, answer, bytes_answer
from api.catalogue.collection import Collection
from api.catalogue.series import Series
from api.entry import Entry, Visitor
from api.ogc.processes import json_of
from api.parameters import instant
from api.problems import MEDIA_TYPE, HttpProblem, NotFound, NotPermitted, UnsupportedMedia, document
from api.sensors import observations
from api.sensors.model import ONE, RELATIONS, SETS, City, Entity, load
from api.sensors.observations import Arrived
from api.sensors.odata import Options, options, ordered
from geodata.errors import InvalidInput, TwinboxError

router = APIRouter(tags=["Sensors"])
BASE = "/sta/v1.1"
_SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
CONFORMANCE = (
    _SPEC + "datamodel",
    _SPEC + "resource-path/resource-path-to-entities",
    _SPEC + "request-data",
    _SPEC + "batch-request/batch-request",
    _SPEC + "data-array/data-array",
)
_STEP = re.compile(r"([A-Za-z]+)(?:\('((?:[^']|'')*)'\)|\(([^'()]*)\))?")
_MOST_OBSERVATIONS = 100_000


@dataclass(frozen=True)
class Stream:
    """A datastream and where its observations are."""

    id: str
    sensor: str
    city: str
    observed: Collection | None


class Sensors:
    """The entities that one caller may read."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        guard, caller = entry.context.guard, entry.caller
        collections = entry.context.catalogue.collections
        self.cities: dict[str, City] = {}
        self.streams: dict[str, Stream] = {}
        for item in collections.values():
            if item.run or item.about.get("kind") != "sensors":
                continue
            if guard.judge(caller, Action.READ, item.target).allowed:
                city = load(item)
                self.cities[item.city] = city
                observed = collections.get(f"{item.city}.observations")
                for stream in city.entities["Datastreams"]:
                    sensor = stream.partition(":")[2]
                    self.streams[stream] = Stream(stream, sensor, item.city, observed)

    def all(self, kind: str) -> list[Entity]:
        """All entities of a set but observations."""
        return [item for city in self.cities.values() for item in city.entities[kind].values()]

    def one(self, kind: str, entity_id: str) -> Entity:
        """An entity.

        Raises:
            NotFound: There is none that the caller may read.
        """
        for city in self.cities.values():
            if entity_id in city.entities[kind]:
                return city.entities[kind][entity_id]
        raise NotFound("there is no such entity", field=kind, value=entity_id)

    def related(self, kind: str, entity_id: str, relation: str) -> list[Entity]:
        """The entities that one points to."""
        target = ONE.get(relation, relation)
        for city in self.cities.values():
            if entity_id in city.entities[kind]:
                ids = city.related.get((kind, entity_id, relation), [])
                return [city.entities[target][other] for other in ids]
        return []

    async def observations(self, stream_id: str) -> tuple[Any, Any]:
        """Times and values of a datastream, if its observations may be read."""
        stream = self.streams[stream_id]
        series: Series | None = None
        context = self.entry.context
        if stream.observed is not None:
            if not context.guard.judge(self.entry.caller, Action.READ, stream.observed.target).allowed:
                raise NotPermitted(
                    "these observations may not be read",
                    list(context.guard.judge(self.entry.caller, Action.READ, stream.observed.target).reasons),
                )
            series = cast("Series", await context.products.get(stream.observed))
        return await anyio.to_thread.run_sync(
            observations.of_stream, context.store, stream.id, stream.sensor, series
        )


@router.get(BASE, name="sensorthings", summary="Sets of entities")
async def root(entry: Visitor) -> Response:
    """The service's root: its sets, and what it conforms to."""
    value = [{"name": name, "url": _absolute(entry, f"{BASE}/{name}")} for name in SETS]
    settings = {"conformance": list(CONFORMANCE)}
    return answer(entry.request, {"value": value, "serverSettings": settings}, "json")


def _absolute(entry: Entry, path: str) -> str:
    """An address with its host: SensorThings clients do not resolve relative ones."""
    href = entry.href(path)
    return entry.host + href if href.startswith("/") else href


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
    kind, found, one = await _resolve(sensors, path)
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
    return f"{_absolute(entry, f'{BASE}/{path}')}?{query}"


def _member(entry: Entry, found: list[Any], *, raw: bool) -> Response:
    value = found[0]
    if raw:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return bytes_answer(entry.request, text.encode(), "text/plain; charset=utf-8")
    return answer(entry.request, value, "json")


async def _resolve(sensors: Sensors, path: str) -> tuple[str, list[Any], bool]:
    """Follow a path; returns the set, its entities, and whether it is one entity rather than a set.

    A path to observations gives the ids of their datastreams, or one observation.
    """
    steps = path.split("/")
    if len(steps) > 8:
        raise NotFound("there is no such path", field="path", value=path)
    kind, current, one = "", [], False
    for place, step in enumerate(_joined(steps)):
        parsed = _STEP.fullmatch(step)
        name = parsed.group(1) if parsed else step
        key = (
            None
            if parsed is None or (parsed.group(2) is None and parsed.group(3) is None)
            else parsed.group(2) or parsed.group(3)
        )
        if place == 0:
            if name not in SETS:
                raise NotFound("there is no such set", field="path", value=name)
            kind, current, one = name, _everything(sensors, name), False
        elif one and name in RELATIONS.get(kind, ()):
            kind, current, one = await _follow(sensors, kind, current[0], name)
        elif one and isinstance(current[0], dict) and name in current[0] and "(" not in step:
            member = {name: current[0][name]}
            last = steps[-1] == "$value"
            return ("$value" if last else "$ref"), [member[name] if last else member], False
        else:
            raise NotFound("there is no such path", field="path", value=step)
        if key is not None:
            if one:
                raise NotFound("this is one entity already", field="path", value=step)
            current, one = [await _pick(sensors, kind, current, key.replace("''", "'"))], True
    return kind, current, one


def _joined(steps: list[str]) -> list[str]:
    """Steps of a path; a quoted id may hold slashes."""
    joined: list[str] = []
    for step in steps:
        if joined and joined[-1].count("'") % 2:
            joined[-1] += "/" + step
        else:
            joined.append(step)
    return joined


def _everything(sensors: Sensors, kind: str) -> list[Any]:
    return list(sensors.streams) if kind == "Observations" else sensors.all(kind)


async def _follow(sensors: Sensors, kind: str, entity: Entity, relation: str) -> tuple[str, list[Any], bool]:
    entity_id = entity["@iot.id"]
    if kind == "Observations":
        stream = entity_id.rpartition("@")[0]
        target = ONE[relation]
        return target, [sensors.one(target, stream)], True
    if relation == "Observations":
        return "Observations", [entity_id], False
    found = sensors.related(kind, entity_id, relation)
    if relation in ONE:
        if not found:
            raise NotFound("there is no such entity", field=relation)
        return ONE[relation], found[:1], True
    return relation, found, False


async def _pick(sensors: Sensors, kind: str, current: list[Any], key: str) -> Entity:
    if kind != "Observations":
        for item in current:
            if item["@iot.id"] == key:
                return cast("Entity", item)
        raise NotFound("there is no such entity", field=kind, value=key)
    stream, _, time = key.rpartition("@")
    if stream in current:
        times, values = await sensors.observations(stream)
        moment = instant(time, "path")
        wanted = Arrived(stream, moment, None).time_ns
        place = int(np.searchsorted(times, wanted))
        if place < len(times) and times[place] == wanted:
            return _observation(stream, int(times[place]), float(values[place]))
    raise NotFound("there is no such observation", field=kind, value=key)


def _observation(stream: str, time_ns: int, value: float) -> Entity:
    time = observations.iso(time_ns)
    return {
        "@iot.id": f"{stream}@{time}",
        "phenomenonTime": time,
        "resultTime": time,
        "result": observations.as_number(value),
    }


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
        made = [_observation(streams[int(number[i])], int(times[i]), float(values[i])) for i in page]
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
        _observation(stream, time, value)
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
    own = _absolute(sensors.entry, f"{BASE}/{kind}('{quoted}')")
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
    target, found, one = await _follow_or_none(sensors, kind, entity, relation)
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


async def _follow_or_none(
    sensors: Sensors, kind: str, entity: Entity, relation: str
) -> tuple[str, list[Any], bool]:
    try:
        return await _follow(sensors, kind, entity, relation)
    except NotFound:
        return ONE[relation], [], False


_JSON_BODY = {"requestBody": {"required": True, "content": {JSON: {"schema": {}}}}}
_CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "Kept", "content": {JSON: {}}}}


async def _document(entry: Entry) -> Any:
    media = entry.request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media != JSON:
        raise UnsupportedMedia("observations come as JSON", field="Content-Type", value=media, expected=JSON)
    return json_of(await entry.request.body())


@router.post(
    BASE + "/Observations",
    name="add observation",
    summary="Add an observation",
    openapi_extra=_JSON_BODY,
    responses=_CREATED,
)
async def add(entry: Visitor) -> Response:
    """Keep one observation; its body names the datastream."""
    one = await _document(entry)
    arrived = _arrived(one, None, "")
    await store_all(entry, [arrived])
    return _created(entry, arrived)


@router.post(
    BASE + "/CreateObservations",
    name="add data array",
    summary="Add observations as a data array",
    openapi_extra=_JSON_BODY,
    responses=_CREATED,
)
async def add_array(entry: Visitor) -> Response:
    """Keep the observations of a data array, all or none."""
    groups = await _document(entry)
    if not isinstance(groups, list):
        raise InvalidInput("a data array is a list", field="body")
    arrived: list[Arrived] = []
    for place, group in enumerate(groups):
        arrived += _of_array(group, f"/{place}")
    await store_all(entry, arrived)
    links = [_address(entry, item) for item in arrived]
    return bytes_answer(entry.request, orjson.dumps(links), JSON, status=201)


@router.post(
    BASE + "/$batch",
    name="batch",
    summary="Several requests in one",
    openapi_extra=_JSON_BODY,
    responses={200: {"description": "One answer for each", "content": {JSON: {}}}},
)
async def batch(entry: Visitor) -> Response:
    """Add observations, each judged by itself; what can be kept is kept in one transaction."""
    body = await _document(entry)
    requests = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(requests, list) or len(requests) > 10_000:
        raise InvalidInput("a batch has a list of requests", field="/requests", expected="10000 at most")
    answers: list[dict[str, Any]] = []
    good: list[tuple[int, Arrived]] = []
    for place, request in enumerate(requests):
        answers.append({"id": request.get("id") if isinstance(request, dict) else None})
        try:
            good.append((place, _of_request(request)))
        except TwinboxError as error:
            answers[place] |= _answered(error)
    denied = await _keep_permitted(entry, [item for _, item in good])
    for place, item in good:
        if item.stream in denied:
            answers[place] |= _answered(denied[item.stream])
        else:
            answers[place] |= {"status": 201, "location": _address(entry, item)}
    return bytes_answer(entry.request, orjson.dumps({"responses": answers}), JSON)


def _answered(error: TwinboxError) -> dict[str, Any]:
    problem = document(error)
    return {"status": problem["status"], "headers": {"content-type": MEDIA_TYPE}, "body": problem}


@router.post(
    BASE + "/{path:path}",
    name="add below",
    summary="Add an observation to a datastream",
    openapi_extra=_JSON_BODY,
    responses=_CREATED,
)
async def add_below(entry: Visitor, path: str) -> Response:
    """Keep an observation of ``Datastreams('…')/Observations``."""
    found = re.fullmatch(r"Datastreams\('((?:[^']|'')*)'\)/Observations", path)
    if not found:
        raise _NotWritable(
            "only observations can be added; sensors come with the city's pack", field="path", value=path
        )
    arrived = _arrived(await _document(entry), found.group(1).replace("''", "'"), "")
    await store_all(entry, [arrived])
    return _created(entry, arrived)


class _NotWritable(HttpProblem):
    """This set is read only."""

    status = 405
    headers = MappingProxyType({"Allow": "GET, HEAD"})


def _of_request(request: Any) -> Arrived:
    if not isinstance(request, dict) or str(request.get("method", "")).lower() != "post":
        raise InvalidInput("a request of a batch is a POST", field="/method")
    url = str(request.get("url", ""))
    below = re.fullmatch(r"/?Datastreams\('((?:[^']|'')*)'\)/Observations", url)
    if not below and url.strip("/") != "Observations":
        raise _NotWritable("only observations can be added", field="/url", value=url)
    return _arrived(request.get("body"), below.group(1).replace("''", "'") if below else None, "/body")


def _of_array(group: Any, where: str) -> Iterable[Arrived]:
    if not isinstance(group, dict) or not isinstance(group.get("components"), list):
        raise InvalidInput("a data array has components", field=f"{where}/components")
    names, rows = group["components"], group.get("dataArray")
    if not isinstance(rows, list) or len(rows) > _MOST_OBSERVATIONS:
        raise InvalidInput(
            "a data array has rows", field=f"{where}/dataArray", expected=f"{_MOST_OBSERVATIONS} at most"
        )
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names) or not all(isinstance(n, str) for n in names):
            raise InvalidInput("a row has one value for each component", field=f"{where}/dataArray/{number}")
        one = {**dict(zip(names, row, strict=True)), "Datastream": group.get("Datastream")}
        yield _arrived(one, None, f"{where}/dataArray/{number}")


def _arrived(one: Any, stream: str | None, where: str) -> Arrived:
    if not isinstance(one, dict):
        raise InvalidInput("an observation is an object", field=where or "body")
    known = {
        "result",
        "phenomenonTime",
        "resultTime",
        "Datastream",
        "id",
        "FeatureOfInterest/id",
        "resultQuality",
        "parameters",
    }
    unknown = sorted(set(one) - known)
    if unknown or "result" not in one:
        raise InvalidInput(
            "the observation is not understood",
            field=f"{where}/{unknown[0] if unknown else 'result'}",
            expected=", ".join(sorted(known)),
        )
    named = one.get("Datastream")
    stream = stream or (named.get("@iot.id") if isinstance(named, dict) else None)
    if not isinstance(stream, str):
        raise InvalidInput(
            "the datastream is missing", field=f"{where}/Datastream", expected='{"@iot.id": "…"}'
        )
    time = one.get("phenomenonTime") or one.get("resultTime")
    if not isinstance(time, str):
        raise InvalidInput("the instant is missing", field=f"{where}/phenomenonTime")
    moment = instant(time.partition("/")[0], f"{where}/phenomenonTime")
    return Arrived(stream, moment, observations.number_or_none(one["result"], f"{where}/result"))


async def store_all(entry: Entry, arrived: list[Arrived]) -> None:
    """Keep observations, all or none.

    Raises:
        NotFound: A datastream is unknown.
        NotPermitted: One may not be written to.
    """
    denied = await _keep_permitted(entry, arrived, all_or_none=True)
    if denied:
        raise next(iter(denied.values()))


async def _keep_permitted(
    entry: Entry, arrived: list[Arrived], *, all_or_none: bool = False
) -> dict[str, TwinboxError]:
    """Keep what the caller may write; returns why the rest was not kept, by datastream."""
    denied: dict[str, TwinboxError] = {}
    streams = _all_streams(entry)
    for name in {item.stream for item in arrived}:
        stream = streams.get(name)
        try:
            if stream is None:
                raise NotFound("there is no such datastream", field="Datastream", value=name)
            entry.context.guard.check(entry.caller, Action.WRITE, stream.target)
        except TwinboxError as error:
            denied[name] = error
    kept = [item for item in arrived if item.stream not in denied]
    if denied and all_or_none:
        return denied
    if kept:
        await asyncio.to_thread(observations.keep, entry.context.store, entry.caller.tenant, kept)
    entry.note("observe", "sensors", features=len(kept))
    return denied


def _all_streams(entry: Entry) -> dict[str, Collection]:
    """Every datastream with the collection whose rights hold for writing to it."""
    streams: dict[str, Collection] = {}
    for item in entry.context.catalogue.collections.values():
        if not item.run and item.about.get("kind") == "sensors":
            streams |= dict.fromkeys(load(item).entities["Datastreams"], item)
    return streams


def _address(entry: Entry, item: Arrived) -> str:
    stream = item.stream.replace("'", "''")
    return _absolute(entry, f"{BASE}/Observations('{stream}@{observations.iso(item.time_ns)}')")


def _created(entry: Entry, item: Arrived) -> Response:
    body = {**_observation(item.stream, item.time_ns, float("nan")), "result": item.value}
    return bytes_answer(
        entry.request, orjson.dumps(body), JSON, status=201, headers={"Location": _address(entry, item)}
    )
