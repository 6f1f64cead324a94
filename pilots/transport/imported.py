"""Riders' requests from a file: last year's bookings, a survey, another model's demand.

A row is somebody who wants to go from one place to another at a time of day, e.g.
``24.745,59.437,24.870,59.357,07:42``. Places are snapped to the nearest stop; who is too far from any is
refused and counted like anybody else outside the area.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.spatial import cKDTree

from geodata.errors import InvalidInput
from pilots.transport.area import CIRCUITY, Area
from pilots.transport.requests import file_of

PLACES = ("origin_lon", "origin_lat", "destination_lon", "destination_lat")
TIMES = ("request_time", "pickup_time")
COUNTS = {"seats": 1.0, "wheelchair_places": 0.0}


def imported_requests(area: Area, name: str, max_walk_m: float) -> pd.DataFrame:
    """The requests of a file, between stops of an area.

    Args:
        area: Stops and cells.
        name: Name of a CSV file with the columns ``origin_lon``, ``origin_lat``, ``destination_lon``,
            ``destination_lat`` (degrees, WGS 84), ``request_time`` (seconds, or HH:MM or HH:MM:SS, local),
            and where wanted ``pickup_time`` (booked ahead), ``seats``, ``wheelchair_places``.
        max_walk_m: Farthest walk to a stop.

    Returns:
        Columns ``city``, ``district_id`` (where each begins), ``origin``, ``destination`` (rows of stops, -1
        if too far), ``walk_m``, ``school`` (never), ``request_time_s``, ``earliest_s``, ``seats``,
        ``wheelchair_places``.

    Raises:
        InvalidInput: A column is missing, or a cell is no number or time; file, row and field are named.
    """
    file = file_of(name)
    table = _read(file)
    to_area = Transformer.from_crs("EPSG:4326", area.crs, always_xy=True)
    tree = cKDTree(area.stops[["x_m", "y_m"]].to_numpy())
    ends, walk = [], np.zeros(len(table))
    for end in ("origin", "destination"):
        lon, lat = (_numbers(file, table, f"{end}_{axis}") for axis in ("lon", "lat"))
        known = np.isfinite(lon) & np.isfinite(lat)
        xy = np.column_stack(to_area.transform(np.where(known, lon, 0.0), np.where(known, lat, 0.0)))
        metres, stop = tree.query(np.nan_to_num(xy, posinf=1e9))
        far = ~known | (CIRCUITY * metres > max_walk_m)
        ends.append((np.where(far, -1, stop), xy))
        walk += CIRCUITY * np.asarray(metres)
    cell = cKDTree(area.cells[["x_m", "y_m"]].to_numpy()).query(np.nan_to_num(ends[0][1], posinf=1e9))[1]
    asked = _times(file, table, "request_time")
    wanted = _times(file, table, "pickup_time") if "pickup_time" in table else asked
    counts = {
        column: _numbers(file, table, column) if column in table else np.full(len(table), usual)
        for column, usual in COUNTS.items()
    }
    return pd.DataFrame(
        {
            "city": area.cells["city"].to_numpy()[cell],
            "district_id": area.cells["district_id"].to_numpy()[cell],
            "origin": ends[0][0],
            "destination": ends[1][0],
            "walk_m": walk,
            "school": False,
            "request_time_s": asked,
            "earliest_s": np.where(np.isfinite(wanted), wanted, asked),
            **counts,
        }
    )


def check_requests(file: Path) -> int:
    """Read a file of requests without placing anybody; how many it holds.

    Raises:
        InvalidInput: As :func:`imported_requests`.
    """
    table = _read(file)
    for field in (*PLACES, *(name for name in COUNTS if name in table)):
        _numbers(file, table, field)
    for field in (name for name in TIMES if name in table):
        _times(file, table, field)
    return len(table)


def _read(file: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InvalidInput(f"not a CSV file: {error}", file=str(file), expected="CSV in UTF-8") from None
    lacking = [name for name in (*PLACES, "request_time") if name not in table]
    if lacking:
        raise InvalidInput(
            "the file of requests lacks columns",
            file=str(file),
            field=", ".join(lacking),
            expected=", ".join((*PLACES, "request_time")),
        )
    return table


def _numbers(file: Path, table: pd.DataFrame, field: str) -> NDArray[np.float64]:
    """A column as numbers, nan where it is empty."""
    values = pd.to_numeric(table[field], errors="coerce").to_numpy(np.float64)
    _require(file, table, field, np.isnan(values), "a number")
    return values


def _times(file: Path, table: pd.DataFrame, field: str) -> NDArray[np.float64]:
    """A column of seconds or times of day as seconds, nan where it is empty."""
    seconds = pd.to_numeric(table[field], errors="coerce")
    clock = table[field].str.extract(r"^(\d{1,2}):([0-5]\d)(?::([0-5]\d))?$").fillna({2: "0"})
    hours, minutes, rest = (pd.to_numeric(clock[part], errors="coerce") for part in range(3))
    values = seconds.fillna(3600 * hours + 60 * minutes + rest).to_numpy(np.float64)
    _require(file, table, field, np.isnan(values), "seconds, HH:MM or HH:MM:SS")
    return values


def _require(file: Path, table: pd.DataFrame, field: str, wrong: NDArray[np.bool_], expected: str) -> None:
    rows = np.flatnonzero(wrong & (table[field].str.strip() != "").to_numpy())
    if len(rows):
        raise InvalidInput(
            "a request cannot be read",
            file=str(file),
            row=int(rows[0]) + 2,
            field=field,
            value=table[field].iloc[rows[0]],
            expected=expected,
        )
