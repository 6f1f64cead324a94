"""GTFS timetables: whole feeds, and snapshots that lack the large files.

The folder or archive is opened with gtfs-kit; each layer is one of the tables that a pack holds. Times of day
run past 24:00 where a trip does, as the standard has it: 25:10 is ten past one of the same service day.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import field_validator

from geodata.errors import UnreadableSource
from geodata.readers import delimited
from geodata.readers.raw import Options, Reader, Reading, Remark, missing_library
from geodata.readers.text import check_encoding

Floats = NDArray[np.float64]

# Route types of the GTFS reference and its extended set, whose hundreds tell the mode.
_MODES = {
    0: "tram", 1: "metro", 2: "train", 3: "bus", 4: "ferry", 5: "tram", 6: "other", 7: "other", 11:
        "trolleybus",
    12: "train", 100: "train", 200: "bus", 400: "metro", 500: "metro", 600: "metro", 700: "bus", 800:
        "trolleybus",
    900: "tram", 1000: "ferry", 1200: "ferry", 1300: "other", 1400: "other", 1500: "on_demand",
}  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = {
    "stops.txt": ("stop_lat", "stop_lon"),
    "routes.txt": ("route_type",),
    "stop_times.txt": ("stop_sequence",),
}


class GtfsOptions(Options):
    """Options of the reader ``gtfs``.

    Args:
        layer: ``stops`` (the file's columns), ``lines`` (routes with mode, agency and, where the feed has
            shapes or stop times, their course), ``timetable`` (one call a row), ``rides`` (median seconds
            between stops that follow each other, by route) or ``headways`` (by route, type of day and band
            of hours).
        bands_h: Bands of hours for headways.
    """

    layer: Literal["stops", "lines", "timetable", "rides", "headways"]
    bands_h: tuple[tuple[float, float], ...] = ((6, 9), (9, 15), (15, 19), (19, 24))

    @field_validator("bands_h")
    @classmethod
    def _rising(cls, bands: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if any(start >= end for start, end in bands):
            raise ValueError("a band begins before it ends")
        return bands


def read(path: Path, options: GtfsOptions) -> Reading:
    """Read one layer of a feed.

    Args:
        path: The folder that holds the feed's files.
        options: Which layer.

    Raises:
        NotReady: The library gtfs-kit is not installed.
        UnreadableSource: A file is missing, mis-encoded or damaged; the error names file, row, field and
            value.
    """
    try:
        import gtfs_kit
    except ImportError as error:
        raise missing_library("gtfs-kit", error) from error
    for file in sorted(path.glob("*.txt")):
        check_encoding(file, "utf-8")
    try:
        feed = gtfs_kit.read_feed(path, dist_units="m")
    except (ValueError, KeyError, TypeError, OSError, AttributeError) as error:
        raise _fault(path, error) from error
    return _LAYERS[options.layer](feed, path, options)


def _fault(path: Path, error: Exception) -> UnreadableSource:
    """Find the cell that a feed stumbled over."""
    for name, columns in _NUMBERS.items():
        if not (path / name).exists():
            continue
        reading = delimited.read(path / name, delimited.DelimitedOptions())
        for column in columns:
            if column not in reading.frame:
                return UnreadableSource("the file lacks a column", file=path / name, field=column)
            text = reading.frame[column]
            wrong = np.flatnonzero(pd.to_numeric(text, errors="coerce").isna() & text.notna())
            if len(wrong):
                return UnreadableSource(
                    "a cell is no number",
                    file=path / name,
                    row=reading.labels[wrong[0]],
                    field=column,
                    value=text.iloc[wrong[0]],
                    expected="a number",
                )
    return UnreadableSource(f"the GTFS feed is damaged: {error}", file=path)


def _table(feed: Any, path: Path, name: str) -> pd.DataFrame:
    table = getattr(feed, name)
    if table is None or not len(table):
        raise UnreadableSource(
            "the GTFS feed lacks a file", file=path / f"{name}.txt", expected="a table with rows"
        )
    frame: pd.DataFrame = table.reset_index(drop=True)
    return frame


def _stops(feed: Any, path: Path, _: GtfsOptions) -> Reading:
    return Reading.numbered(_table(feed, path, "stops"))


def _lines(feed: Any, path: Path, _: GtfsOptions) -> Reading:
    import geopandas as gpd

    routes = _table(feed, path, "routes")
    types = routes["route_type"].astype(float).to_numpy()
    routes["mode"] = [_MODES.get(int(code), _MODES.get(int(code) // 100 * 100, "other")) for code in types]
    if feed.agency is not None and "agency_id" in routes:
        names = feed.agency.drop_duplicates("agency_id").set_index("agency_id")["agency_name"]
        routes["agency_name"] = routes["agency_id"].map(names)
    course = _courses(feed)
    if course is None:
        return Reading.numbered(
            routes, notes=("the feed has neither shapes nor stop times: lines have no course",)
        )
    shapes = routes["route_id"].map(course).to_numpy(object)
    return Reading.numbered(gpd.GeoDataFrame(routes, geometry=shapes, crs="EPSG:4326"))


def _courses(feed: Any) -> dict[str, Any] | None:
    """A line for each route: of its most frequent shape, or by way of the stops of its longest trip."""
    if feed.trips is None:
        return None
    if feed.shapes is not None and len(feed.shapes) and "shape_id" in feed.trips:
        points = feed.shapes.sort_values(["shape_id", "shape_pt_sequence"], kind="stable")
        shapes = _linestrings(points["shape_id"], points["shape_pt_lon"], points["shape_pt_lat"])
        uses = feed.trips.groupby(["route_id", "shape_id"]).size().reset_index(name="trips")
        best = uses.sort_values(["trips", "shape_id"], ascending=[False, True]).drop_duplicates("route_id")
        return {row.route_id: shapes.get(row.shape_id) for row in best.itertuples()}
    if feed.stop_times is None or feed.stops is None or not len(feed.stop_times):
        return None
    calls = feed.stop_times.merge(feed.stops[["stop_id", "stop_lat", "stop_lon"]], on="stop_id")
    calls = calls.sort_values(["trip_id", "stop_sequence"], kind="stable")
    size = (
        calls.groupby("trip_id").size().reset_index(name="calls").merge(feed.trips[["trip_id", "route_id"]])
    )
    longest = size.sort_values(["calls", "trip_id"], ascending=[False, True]).drop_duplicates("route_id")
    calls = calls[calls["trip_id"].isin(longest["trip_id"])]
    drawn = _linestrings(calls["trip_id"], calls["stop_lon"], calls["stop_lat"])
    return {row.route_id: drawn.get(row.trip_id) for row in longest.itertuples()}


def _linestrings(group: pd.Series[Any], x: pd.Series[Any], y: pd.Series[Any]) -> dict[str, Any]:
    import shapely

    codes, names = pd.factorize(group)
    enough = np.bincount(codes)[codes] > 1
    kept, index = np.unique(codes[enough], return_inverse=True)
    places = np.stack([x.to_numpy(float)[enough], y.to_numpy(float)[enough]], axis=1)
    drawn = np.asarray(shapely.linestrings(places, indices=index), object)
    return dict(zip(names[kept], drawn, strict=True))


def _calls(feed: Any, path: Path) -> tuple[pd.DataFrame, list[Remark], list[Remark]]:
    """Calls in the order of their trips, with times as seconds; rows that contradict themselves left out.

    Calls without times, which the standard allows between timepoints, get theirs by even steps.
    """
    calls = _table(feed, path, "stop_times")
    trips = _table(feed, path, "trips")[["trip_id", "route_id", "service_id"]]
    calls["row"] = np.arange(1, len(calls) + 1)
    calls["arrival_s"], calls["departure_s"] = (
        seconds(calls["arrival_time"]),
        seconds(calls["departure_time"]),
    )
    calls = calls.merge(trips, on="trip_id", how="left")
    calls = calls.sort_values(["trip_id", "stop_sequence"], kind="stable").reset_index(drop=True)
    tests = (
        (calls["route_id"].isna(), "no such trip in trips.txt", "trip_id", "a trip of trips.txt"),
        (_unreadable(calls, "arrival"), "not a time", "arrival_time", "a time such as 25:10:00"),
        (_unreadable(calls, "departure"), "not a time", "departure_time", "a time such as 25:10:00"),
        (
            calls["departure_s"] < calls["arrival_s"],
            "departs before it arrives",
            "departure_time",
            "no earlier than the arrival",
        ),
    )
    rejected: list[Remark] = []
    gone = np.zeros(len(calls), np.bool_)
    for wrong, reason, column, expected in tests:
        fresh = calls[wrong.to_numpy(bool) & ~gone]
        gone |= wrong.to_numpy(bool)
        rejected += [
            Remark(row, reason, column, value, expected)
            for row, value in zip(fresh["row"], fresh[column], strict=True)
        ]
    calls = calls[~gone].reset_index(drop=True)
    calls["arrival_s"] = calls["arrival_s"].fillna(calls["departure_s"])
    calls["departure_s"] = calls["departure_s"].fillna(calls["arrival_s"])
    empty = calls["arrival_s"].isna()
    mended = [
        Remark(row, "time between timepoints set by even steps", "arrival_time")
        for row in calls["row"][empty]
    ]
    trip = pd.factorize(calls["trip_id"])[0]
    for column in ("arrival_s", "departure_s"):
        calls[column] = _between(calls[column].to_numpy(np.float64), trip)
    return calls, rejected, mended


def _between(times: Floats, trip: NDArray[np.int64]) -> Floats:
    """Times with the empty ones set by even steps between their neighbours of the same trip."""
    known = np.flatnonzero(~np.isnan(times))
    if len(known) in {0, len(times)}:
        return times
    place = np.arange(len(times))
    after = np.minimum(np.searchsorted(known, place), len(known) - 1)
    before = np.maximum(np.searchsorted(known, place, side="right") - 1, 0)
    same = (trip[known[before]] == trip) & (trip[known[after]] == trip)
    return np.where(same, np.interp(place, known, times[known]), np.nan)


def _unreadable(calls: pd.DataFrame, name: str) -> pd.Series[bool]:
    text = calls[f"{name}_time"]
    return calls[f"{name}_s"].isna() & text.notna() & (text.astype(str).str.strip() != "")


def seconds(times: pd.Series[Any]) -> Floats:
    """Seconds after the start of the service day, of texts such as ``25:10:00``; NaN where it is none."""
    parts = times.astype("string").str.extract(r"^\s*(\d{1,3}):([0-5]\d):([0-5]\d)\s*$")
    found: Floats = (
        (parts.astype("Float64") * [3600, 60, 1]).sum(axis=1, skipna=False).to_numpy(float, na_value=np.nan)
    )
    return found


def _service_days(feed: Any, path: Path) -> pd.Series[str]:
    """For each service its weekdays as seven digits, Monday first.

    A service that is only given by dates runs on those weekdays on which it runs at least once.
    """
    days = pd.Series(dtype=object)
    if feed.calendar is not None and len(feed.calendar):
        digits = feed.calendar[list(_DAYS)].fillna(0).astype(int).astype(str).agg("".join, axis=1)
        days = pd.Series(digits.to_numpy(), index=feed.calendar["service_id"].to_numpy())
    if feed.calendar_dates is not None and len(feed.calendar_dates):
        added = feed.calendar_dates[feed.calendar_dates["exception_type"].astype(int) == 1]
        weekday = pd.to_datetime(added["date"].astype(str), format="%Y%m%d").dt.weekday
        runs = pd.crosstab(added["service_id"], weekday).reindex(columns=range(7), fill_value=0) > 0
        dated = runs.astype(int).astype(str).agg("".join, axis=1)
        days = pd.concat([days, dated[~dated.index.isin(days.index)]])
    if not len(days):
        raise UnreadableSource("the GTFS feed says on no day that it runs", file=path / "calendar.txt")
    return days[~days.index.duplicated()]


def _timetable(feed: Any, path: Path, _: GtfsOptions) -> Reading:
    calls, rejected, mended = _calls(feed, path)
    calls["service_days"] = calls["service_id"].map(_service_days(feed, path))
    columns = ["trip_id", "route_id", "stop_sequence", "stop_id", "arrival_s", "departure_s", "service_days"]
    return Reading(calls[columns].reset_index(drop=True), calls["row"].to_numpy(), rejected, mended)


def _rides(feed: Any, path: Path, _: GtfsOptions) -> Reading:
    calls, rejected, mended = _calls(feed, path)
    following = calls.shift(-1)
    legs = pd.DataFrame(
        {
            "from_stop_id": calls["stop_id"],
            "to_stop_id": following["stop_id"],
            "route_id": calls["route_id"],
            "travel_s": following["arrival_s"] - calls["departure_s"],
        }
    )
    legs = legs[(calls["trip_id"] == following["trip_id"]) & (legs["travel_s"] >= 0)]
    rides = (
        legs.groupby(["from_stop_id", "to_stop_id", "route_id"], sort=True)["travel_s"].median().reset_index()
    )
    return Reading.numbered(rides, notes=_counted(rejected, mended))


def _headways(feed: Any, path: Path, options: GtfsOptions) -> Reading:
    calls, rejected, mended = _calls(feed, path)
    first = calls.drop_duplicates("trip_id")[["trip_id", "route_id", "stop_id", "departure_s", "service_id"]]
    days = first["service_id"].map(_service_days(feed, path)).fillna("0000000")
    rows = []
    tests: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("weekday", lambda digits: digits[2] == "1"),
        ("saturday", lambda digits: digits[5] == "1"),
        ("sunday", lambda digits: digits[6] == "1"),
    )
    for name, runs in tests:
        today = first[days.map(runs).to_numpy(bool)]
        for start, end in options.bands_h:
            inside = today[today["departure_s"].between(start * 3600, end * 3600, inclusive="left")]
            # Both directions begin at stops of their own: the busier one tells how often the line runs.
            departures = inside.groupby(["route_id", "stop_id"]).size().groupby("route_id").max()
            rows += [
                (route, name, start, end, (end - start) * 3600 / count) for route, count in departures.items()
            ]
    columns = ["route_id", "day_type", "start_h", "end_h", "headway_s"]
    return Reading.numbered(pd.DataFrame(rows, columns=columns), notes=_counted(rejected, mended))


def _counted(rejected: list[Remark], mended: list[Remark]) -> tuple[str, ...]:
    """What happened to calls, where rows are no calls any more."""
    notes = []
    if rejected:
        first = f"the first in row {rejected[0].label}: {rejected[0].reason}"
        notes.append(f"{len(rejected)} calls of stop_times.txt left out, {first}")
    if mended:
        notes.append(f"{len(mended)} calls of stop_times.txt got their times by even steps")
    return tuple(notes)


_LAYERS: dict[str, Callable[[Any, Path, GtfsOptions], Reading]] = {
    "stops": _stops,
    "lines": _lines,
    "timetable": _timetable,
    "rides": _rides,
    "headways": _headways,
}

READER = Reader(GtfsOptions, read, folder=True)
