"""Query parameters read strictly: finite numbers, bounded counts, text that any store and parser takes.

Python's own conversions accept more than a standard does (``float("１２")`` is 12, ``float("1e400")`` is
infinite), so that each parameter of the OGC APIs is read by a grammar here, once.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import numpy as np
import shapely
from fastapi import Query

from geodata.errors import InvalidInput

_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"\d{1,15}", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


def number(text: str, name: str) -> float:
    """A finite number in ASCII digits."""
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(value):
        raise InvalidInput(
            "this is no finite number", field=name, value=text, expected="a number such as 24.7"
        )
    return value


def integer(text: str, name: str, low: int, high: int | None = None) -> int:
    """A whole number of at least ``low``; above ``high`` it becomes ``high``, as OGC API asks of limits."""
    if not _INTEGER.fullmatch(text) or int(text) < low:
        raise InvalidInput(
            "this is no whole number in range", field=name, value=text, expected=f"{low} or more"
        )
    return int(text) if high is None else min(int(text), high)


@dataclass(frozen=True)
class Box:
    """A bounding box in the order of its axes: lows, then highs; heights are not used for selection."""

    x0: float
    y0: float
    x1: float
    y1: float
    z0: float | None = None
    z1: float | None = None


def bbox(text: str, name: str = "bbox") -> Box:
    """Four or six numbers, comma-separated, in the axis order of their CRS."""
    parts = text.split(",", 7)
    if len(parts) not in (4, 6):
        raise InvalidInput(
            "a bounding box has four or six numbers",
            field=name,
            value=text,
            expected="west,south,east,north",
        )
    numbers = [number(part.strip(), name) for part in parts]
    if len(numbers) == 6:
        x0, y0, z0, x1, y1, z1 = numbers
        if z0 > z1:
            raise InvalidInput("the lower height lies above the upper", field=name, value=text)
        return Box(x0, y0, x1, y1, z0, z1)
    return Box(*numbers)


def check_lonlat(box: Box, name: str = "bbox") -> Box:
    """A box in degrees, longitude first; west is greater than east where it crosses the antimeridian."""
    if not (-180 <= box.x0 <= 180 and -180 <= box.x1 <= 180 and -90 <= box.y0 <= box.y1 <= 90):
        raise InvalidInput(
            "the bounding box leaves the range of its CRS",
            field=name,
            value=f"{box.x0:g},{box.y0:g},{box.x1:g},{box.y1:g}",
            expected="longitudes from -180 to 180, latitudes from -90 to 90, south before north",
        )
    return box


def instant(text: str, name: str = "datetime", *, end: bool = False) -> datetime:
    """An RFC 3339 instant or a date; a date stands for its first or, with ``end``, its last moment."""
    found = _INSTANT.fullmatch(text)
    if found:
        year, month, day, hour, minute, second, fraction, zone = found.groups()
        try:
            moment = datetime(int(year), int(month), int(day), tzinfo=UTC)
            if hour is not None:
                micro = round(float(fraction) * 1e6) if fraction else 0
                moment = moment.replace(
                    hour=int(hour),
                    minute=int(minute),
                    second=int(second or 0),
                    microsecond=min(micro, 999999),
                )
                if zone and zone not in "Zz":
                    moment = datetime.fromisoformat(moment.replace(tzinfo=None).isoformat() + zone)
                return moment.astimezone(UTC)
            return moment.replace(hour=23, minute=59, second=59, microsecond=999999) if end else moment
        except (ValueError, OverflowError):
            pass
    raise InvalidInput(
        "this is no instant", field=name, value=text, expected="a time such as 2026-03-02T06:00:00Z"
    )


@dataclass(frozen=True)
class Span:
    """A span of time; an open end is None."""

    start: datetime | None
    end: datetime | None

    def in_ns(self) -> tuple[int, int]:
        """Both ends in nanoseconds since 1970, open ends at the limits of 64 bits."""
        low, high = -(2**63) + 1, 2**63 - 1
        start = low if self.start is None else _ns(self.start)
        end = high if self.end is None else _ns(self.end)
        return max(start, low), min(end, high)


def _ns(moment: datetime) -> int:
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1000


def span(text: str, name: str = "datetime") -> Span:
    """An instant, or an interval ``a/b`` with ``..`` or nothing for one open end (RFC 3339, OGC API)."""
    ends = text.split("/")
    if len(ends) == 1:
        return Span(instant(text, name), instant(text, name, end=True))
    opened = [end in ("", "..") for end in ends]
    if len(ends) != 2 or all(opened):
        raise InvalidInput(
            "this is no interval", field=name, value=text, expected="start/end, ../end or start/.."
        )
    start = None if opened[0] else instant(ends[0], name)
    end = None if opened[1] else instant(ends[1], name, end=True)
    if start and end and start > end:
        raise InvalidInput("the interval ends before it starts", field=name, value=text)
    return Span(start, end)


def geometry(text: str, name: str, kinds: tuple[str, ...], most_vertices: int) -> shapely.Geometry:
    """A geometry in well-known text of one of some kinds, with a bounded number of vertices."""
    try:
        with np.errstate(all="ignore"):  # what overflows becomes infinite and is refused below
            shape = shapely.from_wkt(text)
    except (shapely.GEOSException, ValueError) as error:
        raise InvalidInput(
            f"this is no well-known text: {error}", field=name, value=text, expected="/".join(kinds)
        ) from error
    if shape is None or shape.geom_type.upper() not in kinds or shape.is_empty:
        raise InvalidInput(
            "this geometry does not serve", field=name, value=text, expected=" or ".join(kinds)
        )
    coordinates = shapely.get_coordinates(shape)
    if len(coordinates) > most_vertices:
        raise InvalidInput(
            "the geometry has too many vertices",
            field=name,
            value=len(coordinates),
            expected=f"{most_vertices} at most",
        )
    if not (abs(coordinates) < 1e12).all():
        raise InvalidInput("the geometry has a coordinate that is not finite", field=name, value=text)
    return shape


def words(text: str) -> tuple[str, ...]:
    """A comma-separated list without empty entries."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


Format = Annotated[
    str | None, Query(alias="f", max_length=100, description="Representation, e.g. `json` or `html`.")
]
Limit = Annotated[
    str | None,
    Query(
        max_length=16,
        description="How many at most; more than the maximum gives the maximum.",
        json_schema_extra={"type": "integer", "minimum": 1, "maximum": 10000, "x-default": 100},
    ),
]
BBoxText = Annotated[
    str | None,
    Query(
        alias="bbox",
        max_length=200,
        description="Four or six numbers in the axis order of `bbox-crs`; features that intersect it.",
        json_schema_extra={
            "type": "array",
            "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
            "items": {"type": "number"},
        },
    ),
]
DatetimeText = Annotated[
    str | None,
    Query(
        alias="datetime",
        max_length=100,
        description="An RFC 3339 instant or an interval `a/b`, `../b`, `a/..`.",
    ),
]
_CRS: dict[str, Any] = {"max_length": 200, "json_schema_extra": {"format": "uri", "x-default": CRS84}}
CrsText = Annotated[str | None, Query(description="URI of the CRS of the answer.", **_CRS)]
BBoxCrsText = Annotated[str | None, Query(alias="bbox-crs", description="URI of the CRS of `bbox`.", **_CRS)]
FilterCrsText = Annotated[
    str | None, Query(alias="filter-crs", description="URI of the CRS of the geometries in `filter`.", **_CRS)
]
