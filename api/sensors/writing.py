"""Observations written by SensorThings: one, a data array, a batch, or below their datastream."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from api.access.actions import Action
from api.answers import JSON, bytes_answer
from api.bodies import created, json_of, takes
from api.catalogue.collection import Collection
from api.entry import Entry, Visitor
from api.parameters import instant
from api.problems import MEDIA_TYPE, HttpProblem, NotFound, UnsupportedMedia, document
from api.sensors import observations
from api.sensors.entities import BASE, absolute, observation
from api.sensors.model import load
from api.sensors.observations import Arrived
from geodata.errors import InvalidInput, TwinboxError

router = APIRouter(tags=["Sensors"])
_MOST_OBSERVATIONS = 100_000
_JSON_BODY, _CREATED = takes({JSON: {}}), created("Kept")


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
    return absolute(entry, f"{BASE}/Observations('{stream}@{observations.iso(item.time_ns)}')")


def _created(entry: Entry, item: Arrived) -> Response:
    body = {**observation(item.stream, item.time_ns, float("nan")), "result": item.value}
    return bytes_answer(
        entry.request, orjson.dumps(body), JSON, status=201, headers={"Location": _address(entry, item)}
    )
