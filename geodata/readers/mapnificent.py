"""Mapnificent networks: who rides from which stop to which in how many seconds, and how often.

The Mapnificent project boils a city's whole timetable down to one small file: stops, rides between stops that
follow each other, walks between near stops, and how often each line runs in a band of hours. The file is a
protocol-buffer message of four nested records, so that reading it needs a few lines and no schema compiler.

    network: 1 name, 2 stops, 3 lines
    stop: 1 latitude, 2 longitude, 3 travel options, 4 name
    travel option: 1 stop, 2 travel seconds, 3 stay seconds, 4 line, 5 walking metres
    line: 1 name, 2 times;  time: 1 interval seconds, 2 from hour, 3 to hour, 4 weekdays (taken for bits,
        Monday first)

Numbers that are zero are not written: the first stop, and a ride so short that the timetable gives it no
time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from geodata.errors import UnreadableSource
from geodata.readers.raw import Options, Reader, Reading

Field = tuple[int, int | bytes]
_DAYS = {
    0b0011111: "weekday",
    0b1111111: "daily",
    0b0100000: "saturday",
    0b1000000: "sunday",
    0b1100000: "weekend",
}


class MapnificentOptions(Options):
    """Options of the reader ``mapnificent``.

    Args:
        layer: ``stops`` (stop, name, lon, lat), ``rides`` (from, to, line, travel_s), ``walks`` (from, to,
            walk_m), ``lines`` (line and the straight lines between its stops) or ``headways`` (line,
            weekdays, start_h, stop_h, interval_s). Stops are named ``m0``, ``m1``, ... by their place in
            the file.
    """

    layer: Literal["stops", "rides", "walks", "lines", "headways"]


def read(path: Path, options: MapnificentOptions) -> Reading:
    """Read one layer of a network.

    Raises:
        UnreadableSource: The file is truncated, damaged or of another format.
    """
    try:
        stops, lines = _network(path.read_bytes())
        frame = _LAYERS[options.layer](stops, lines)
    except (IndexError, ValueError, KeyError, TypeError, struct.error) as error:
        raise UnreadableSource(
            f"the Mapnificent network is truncated or damaged: {error}", file=path
        ) from error
    return Reading.numbered(frame)


def _network(message: bytes) -> tuple[list[dict[int, list[int | bytes]]], list[dict[int, list[int | bytes]]]]:
    parts = _fields(message)
    stops = [_fields(part) for part in parts.get(2, []) if isinstance(part, bytes)]
    lines = [_fields(part) for part in parts.get(3, []) if isinstance(part, bytes)]
    if not stops:
        raise ValueError("it holds no stops")
    return stops, lines


def _fields(message: bytes) -> dict[int, list[int | bytes]]:
    """The fields of a protocol-buffer message by number, repeated ones in order."""
    fields: dict[int, list[int | bytes]] = {}
    for number, value in _walk(message):
        fields.setdefault(number, []).append(value)
    return fields


def _walk(message: bytes) -> Iterator[Field]:
    place, end = 0, len(message)
    while place < end:
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, place = _varint(message, place)
            yield number, value
            continue
        if wire == 2:
            size, place = _varint(message, place)
        else:
            size = {1: 8, 5: 4}[wire]
        if place + size > end:
            raise ValueError("a field is longer than the file")
        yield number, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number is longer than 64 bits")


def _number(raw: int | bytes) -> float:
    assert isinstance(raw, bytes)
    return float(struct.unpack("<d" if len(raw) == 8 else "<f", raw)[0])


def _text(raw: int | bytes) -> str:
    assert isinstance(raw, bytes)
    return raw.decode("utf-8")


def _stops(stops: list[dict[int, list[int | bytes]]], _: object) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "stop": [f"m{number}" for number in range(len(stops))],
            "name": [_text(stop[4][0]) if 4 in stop else None for stop in stops],
            "lat": [_number(stop[1][0]) if 1 in stop else 0.0 for stop in stops],
            "lon": [_number(stop[2][0]) if 2 in stop else 0.0 for stop in stops],
        }
    )


def _options(stops: list[dict[int, list[int | bytes]]]) -> pd.DataFrame:
    """Every travel option: from, to, seconds in motion and at the stop, line, metres on foot."""
    rows = []
    for number, stop in enumerate(stops):
        for raw in stop.get(3, []):
            assert isinstance(raw, bytes)
            option = _fields(raw)
            line = _text(option[4][0]) if 4 in option else None
            rows.append(
                (number, *(option.get(part, [0])[0] for part in (1, 2, 3)), line, option.get(5, [0])[0])
            )
    table = pd.DataFrame(rows, columns=["from", "to", "travel_s", "stay_s", "line", "walk_m"])
    if len(table) and not table["to"].between(0, len(stops) - 1).all():
        raise ValueError("a ride ends at a stop that the file does not hold")
    return table


def _rides(stops: list[dict[int, list[int | bytes]]], _: object) -> pd.DataFrame:
    table = _options(stops)
    return _named(table[table["line"].notna()][["from", "to", "line", "travel_s", "stay_s"]])


def _walks(stops: list[dict[int, list[int | bytes]]], _: object) -> pd.DataFrame:
    table = _options(stops)
    return _named(table[table["line"].isna()][["from", "to", "walk_m"]])


def _named(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{end: "m" + table[end].astype(str) for end in ("from", "to")})


def _lines(stops: list[dict[int, list[int | bytes]]], _: object) -> pd.DataFrame:
    import geopandas as gpd
    import shapely

    place = _stops(stops, None)[["lon", "lat"]].to_numpy()
    rides = _options(stops)
    rides = rides[rides["line"].notna() & (rides["from"] != rides["to"])]
    legs = shapely.linestrings(np.stack([place[rides["from"]], place[rides["to"]]], axis=1))
    drawn = gpd.GeoDataFrame({"line": rides["line"].to_numpy()}, geometry=legs, crs="EPSG:4326")
    merged: pd.DataFrame = drawn.dissolve(by="line", sort=True).reset_index()
    return merged


def _headways(_: object, lines: list[dict[int, list[int | bytes]]]) -> pd.DataFrame:
    rows = []
    for line in lines:
        for raw in line.get(2, []):
            assert isinstance(raw, bytes)
            time = _fields(raw)
            days = time.get(4, [0])[0]
            assert isinstance(days, int)
            rows.append(
                (_text(line[1][0]), days, _DAYS.get(days), *(time.get(part, [0])[0] for part in (2, 3, 1)))
            )
    return pd.DataFrame(rows, columns=["line", "weekdays", "day_type", "start_h", "stop_h", "interval_s"])


_LAYERS = {"stops": _stops, "rides": _rides, "walks": _walks, "lines": _lines, "headways": _headways}

READER = Reader(MapnificentOptions, read)
