"""Sentilo's publish call: what a city's gateway that speaks Sentilo sends, kept as observations.

The provider is the city, the sensor the pack's ``sensor_id``; the key comes in the header ``IDENTITY_KEY``.
A time
is ``dd/MM/yyyyTHH:mm:ss`` in UTC or with one of a few zones whose names mean one thing only.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.answers import JSON
from api.bodies import json_of, takes
from api.entry import enter
from api.sensors.observations import Arrived, number_or_none
from api.sensors.writing import store_all
from api.store import now
from geodata.errors import InvalidInput

router = APIRouter(prefix="/sentilo", tags=["Sensors"])
_TIME = re.compile(r"(\d\d)/(\d\d)/(\d{4})T(\d\d):(\d\d):(\d\d)\s*([A-Z]+|[+-]\d\d:?\d\d)?", re.ASCII)
_ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3}
"""Hours ahead of UTC; other names stand for several zones and are refused."""
_BODY = takes({JSON: {"type": "object"}})
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


def time_of(text: Any, field: str) -> datetime:
    """The instant of Sentilo's text; now where there is none.

    Raises:
        InvalidInput: It is none, or its zone means several.
    """
    if text is None:
        return now()
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found:
        day, month, year, hour, minute, second, zone = found.groups()
        ahead = _ahead(zone or "UTC")
        try:
            local = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
            if ahead is not None:
                return local - ahead
        except (ValueError, OverflowError):
            pass
    raise InvalidInput(
        "this is no time of Sentilo",
        field=field,
        value=text,
        expected="dd/MM/yyyyTHH:mm:ss and nothing, an offset or one of " + ", ".join(_ZONES),
    )


def _ahead(zone: str) -> timedelta | None:
    if zone in _ZONES:
        return timedelta(hours=_ZONES[zone])
    found = re.fullmatch(r"([+-])(\d\d):?(\d\d)", zone)
    if not found or int(found.group(2)) > 14 or int(found.group(3)) > 59:
        return None
    ahead = timedelta(hours=int(found.group(2)), minutes=int(found.group(3)))
    return ahead if found.group(1) == "+" else -ahead


async def _visitor(request: Request) -> Any:
    """A visitor whose key came in Sentilo's own header."""
    key = request.headers.get("identity_key")
    if key is not None and "authorization" not in request.headers:
        request.scope["headers"] = [
            *request.scope["headers"],
            (b"authorization", b"Bearer " + key.encode("latin-1")),
        ]
        request = Request(request.scope, request.receive)
    return await enter(request)


@router.put(
    "/data/{provider}/{sensor}",
    name="sentilo sensor",
    summary="Publish observations of a sensor",
    openapi_extra=_BODY,
)
async def publish(request: Request, provider: str, sensor: str) -> Response:
    """Keep the observations of one sensor, all or none."""
    entry = await _visitor(request)
    message = json_of(await request.body())
    await store_all(entry, _arrived(message, provider, sensor, ""))
    return Response(b"", media_type=JSON)


@router.put(
    "/data/{provider}",
    name="sentilo provider",
    summary="Publish observations of several sensors",
    openapi_extra=_BODY,
)
async def publish_several(request: Request, provider: str) -> Response:
    """Keep the observations of several sensors, all or none."""
    entry = await _visitor(request)
    message = json_of(await request.body())
    sensors = message.get("sensors") if isinstance(message, dict) else None
    if not isinstance(sensors, list):
        raise InvalidInput("the message has no list of sensors", field="/sensors")
    arrived: list[Arrived] = []
    for place, item in enumerate(sensors):
        if not isinstance(item, dict) or not isinstance(item.get("sensor"), str):
            raise InvalidInput("a sensor has a name", field=f"/sensors/{place}/sensor")
        arrived += _arrived(item, provider, item["sensor"], f"/sensors/{place}")
    await store_all(entry, arrived)
    return Response(b"", media_type=JSON)


@router.put(
    "/data/{provider}/{sensor}/{value}", name="sentilo value", summary="Publish one value of a sensor"
)
async def publish_value(request: Request, provider: str, sensor: str, value: str) -> Response:
    """Keep one value, observed now."""
    entry = await _visitor(request)
    await store_all(entry, _arrived({"observations": [{"value": value}]}, provider, sensor, ""))
    return Response(b"", media_type=JSON)


def _arrived(message: Any, provider: str, sensor: str, where: str) -> list[Arrived]:
    if not _NAME.fullmatch(provider) or not _NAME.fullmatch(sensor):
        raise InvalidInput(
            "names have letters, digits, _ and -", field=f"{where}/sensor", value=f"{provider}/{sensor}"
        )
    rows = message.get("observations") if isinstance(message, dict) else None
    if not isinstance(rows, list) or not rows:
        raise InvalidInput("the message has no observations", field=f"{where}/observations")
    arrived = []
    for place, row in enumerate(rows):
        field = f"{where}/observations/{place}"
        if not isinstance(row, dict) or "value" not in row:
            raise InvalidInput("an observation has a value", field=f"{field}/value")
        value = number_or_none(row["value"], f"{field}/value")
        arrived.append(
            Arrived(f"{provider}:{sensor}", time_of(row.get("timestamp"), f"{field}/timestamp"), value)
        )
    return arrived
