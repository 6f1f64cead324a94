"""CoverageJSON: values with their places, times, units and meaning, missing ones as null."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from pyproj import CRS

from api.catalogue.collection import Property
from api.ogc.crs import uri

MEDIA_TYPE = "application/prs.coverage+json"
ALSO = "application/vnd.cov+json"
_UCUM = "http://www.opengis.net/def/uom/UCUM/"


def parameter(item: Property) -> dict[str, Any]:
    """What a value means, and its unit."""
    made: dict[str, Any] = {
        "type": "Parameter",
        "description": {"en": item.description or item.name},
        "observedProperty": {"id": item.name, "label": {"en": item.description or item.name}},
    }
    if item.unit:
        made["unit"] = {"label": {"en": item.unit}, "symbol": {"value": item.unit, "type": _UCUM}}
    return made


def referencing(*, crs: str = "OGC:CRS84", timed: bool) -> list[dict[str, Any]]:
    """The systems that coordinates and times are told in."""
    kind, order = _axes(crs)
    systems: list[dict[str, Any]] = [{"coordinates": order, "system": {"type": kind, "id": uri(crs)}}]
    if timed:
        systems.append({"coordinates": ["t"], "system": {"type": "TemporalRS", "calendar": "Gregorian"}})
    return systems


@lru_cache(maxsize=32)
def _axes(crs: str) -> tuple[str, list[str]]:
    """The kind of a CRS, and x (east) and y (north) in the order in which its register has them."""
    if crs == "OGC:CRS84":
        return "GeographicCRS", ["x", "y"]
    system = CRS.from_user_input(crs)
    north_first = system.axis_info[0].direction == "north"
    return ("GeographicCRS" if system.is_geographic else "ProjectedCRS"), ["y", "x"] if north_first else [
        "x",
        "y",
    ]


_TEXT = len('"2026-01-01T00:00:00Z",')


def times(nanoseconds: npt.NDArray[np.int64]) -> orjson.Fragment:
    """Instants as a JSON array of RFC 3339 text in UTC."""
    return orjson.Fragment(b"[" + _texts(nanoseconds)[:-1] + b"]")


def times_of(axis: TimeAxis, rows: slice) -> orjson.Fragment:
    """The same for a part of a time axis whose texts were made before."""
    return orjson.Fragment(b"[" + axis.texts[rows.start * _TEXT : rows.stop * _TEXT - 1] + b"]")


class TimeAxis:
    """A time axis with its texts, each of the same length, behind one another."""

    def __init__(self, nanoseconds: npt.NDArray[np.int64]) -> None:
        self.texts = _texts(nanoseconds)


def _texts(nanoseconds: npt.NDArray[np.int64]) -> bytes:
    whole = np.datetime_as_string(nanoseconds.astype("datetime64[ns]").astype("datetime64[s]"))
    return "".join([f'"{text}Z",' for text in whole.tolist()]).encode()


def ndarray(values: npt.NDArray[Any], names: Sequence[str]) -> dict[str, Any]:
    """Values as an NdArray; what is missing or not finite is null."""
    kind = "integer" if values.dtype.kind in "iub" else "float"
    flat: Any = np.ascontiguousarray(values).reshape(-1)
    if values.dtype.kind == "b":
        flat = flat.astype(np.int8)
    if values.dtype.kind == "f":
        finite = np.isfinite(flat)
        if not finite.all():
            flat = np.where(finite, flat, np.nan)  # orjson writes NaN as null
    return {
        "type": "NdArray",
        "dataType": kind,
        "axisNames": list(names),
        "shape": list(values.shape),
        "values": flat,
    }


def point_series(
    x: float,
    y: float,
    time: orjson.Fragment | None,
    ranges: Iterable[tuple[str, npt.NDArray[Any]]],
    crs: str = "OGC:CRS84",
) -> dict[str, Any]:
    """A coverage at one place: ``PointSeries`` with times, ``Point`` without."""
    axes: dict[str, Any] = {"x": {"values": [x]}, "y": {"values": [y]}}
    if time is not None:
        axes["t"] = {"values": time}
    domain = {
        "type": "Domain",
        "domainType": "Point" if time is None else "PointSeries",
        "axes": axes,
        "referencing": referencing(crs=crs, timed=time is not None),
    }
    names = [] if time is None else ["t"]
    made = {name: ndarray(values, names if values.ndim else []) for name, values in ranges}
    return {"type": "Coverage", "domain": domain, "ranges": made}


def collection(coverages: list[dict[str, Any]], parameters: dict[str, Any], kind: str) -> dict[str, Any]:
    """Several coverages that share their parameters."""
    return {
        "type": "CoverageCollection",
        "domainType": kind,
        "parameters": parameters,
        "coverages": coverages,
    }


def to_bytes(document: dict[str, Any]) -> bytes:
    """A document with arrays as JSON."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
