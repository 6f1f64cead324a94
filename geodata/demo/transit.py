"""Public transport of a demo city: known lines on made-up streets, with stops, ride times and a timetable.

A line calls at known places and takes the fastest way between them; stops stand at junctions along it, and
lines that share a street share its stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geodata.demo.ground import Ground
from geodata.streets import StreetGraph, from_features, paths, snap

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

BETWEEN_STOPS_M = {"metro": 1100.0, "train": 2500.0}
USUALLY_BETWEEN_STOPS_M = 420.0
SPEED_KMH = {"metro": 42.0, "tram": 19.0, "train": 50.0, "bus": 23.0, "trolleybus": 20.0}
"""Stop-to-stop speeds within a city, stops included; buses in the country go faster."""

COUNTRY_BUS_KMH = 40.0
SHARE_STOP_M = 170.0
"""A stop already there within this distance is used instead of a new one."""

BANDS = (
    ("weekday", 5, 7, 1.6), ("weekday", 7, 9, 1.0), ("weekday", 9, 15, 1.5), ("weekday", 15, 18, 1.0),
    ("weekday", 18, 21, 1.8), ("weekday", 21, 24, 2.5), ("weekend", 6, 10, 2.2), ("weekend", 10, 20, 1.8),
    ("weekend", 20, 24, 2.6),
)  # fmt: skip
"""Day type, first and last hour, headway over that of the peak."""

SERVICE_DAYS = {"weekday": "1111100", "weekend": "0000011"}
WALK_REACH_M = 300.0
WALK_DETOUR = 1.25
WALKING_M_S = 1.3


@dataclass(frozen=True)
class Transit:
    """The tables of a city's public transport, in the columns of their kinds."""

    stops: gpd.GeoDataFrame
    lines: gpd.GeoDataFrame
    rides: pd.DataFrame
    headways: pd.DataFrame
    timetable: pd.DataFrame


def transit(ground: Ground, streets: gpd.GeoDataFrame) -> Transit:
    """Lines, stops, rides, headways and timetable."""
    graph = from_features(streets)
    table = ground.facts.table("lines")
    table["line_id"] = [f"{mode}-{name}" for mode, name in zip(table["mode"], table["name"], strict=True)]
    ways = [_way(ground, graph, calls) for calls in table["calls"]]
    stop_xy, calls = _stops(ground, table, ways)
    calls = _with_times(ground, calls, stop_xy)
    headways = _headways(table)
    return Transit(
        stops=_stop_table(ground, table, stop_xy, calls),
        lines=_line_table(ground, table, ways),
        rides=_rides(ground, calls, stop_xy),
        headways=headways,
        timetable=_timetable(ground, calls, headways),
    )


def _way(ground: Ground, graph: StreetGraph, calls: list[str]) -> shapely.LineString:
    """The fastest way through the places a line calls at."""
    districts = ground.districts.set_index("name")[["x", "y"]]
    points = [
        districts.loc[place].to_numpy(float)
        if place in districts.index
        else ground.facts.plane([float(part) for part in place.split()])[0]
        for place in calls
    ]
    places = snap(graph, np.array(points), max_distance_m=5000)
    legs = [leg for leg in paths(graph, places[:-1], places[1:], mode="bus") if leg is not None]
    xy = np.vstack([shapely.get_coordinates(leg) for leg in legs])
    return shapely.LineString(xy[np.r_[True, np.abs(np.diff(xy, axis=0)).max(axis=1) > 0.01]])


def _stops(
    ground: Ground, lines: pd.DataFrame, ways: list[shapely.LineString]
) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Stops along the lines: points (s, 2), and the calls of each line in both directions."""
    import pandas as pd

    xy = np.empty((0, 2))
    runs = []
    for line_id, mode, way in zip(lines["line_id"], lines["mode"], ways, strict=True):
        spacing = BETWEEN_STOPS_M.get(mode, USUALLY_BETWEEN_STOPS_M * _stretch(ground))
        count = max(int(way.length // spacing), 1)
        along = shapely.line_interpolate_point(way, np.linspace(0, way.length, count + 1))
        sequence: list[int] = []
        for point in shapely.get_coordinates(along):
            xy, stop = _stop_at(xy, point)
            if sequence[-1:] != [stop]:
                sequence.append(stop)
        for direction, run in enumerate((sequence, sequence[::-1])):
            calls = pd.DataFrame({"order": range(len(run)), "stop": run})
            runs.append(calls.assign(line_id=line_id, mode=mode, direction=direction))
    return xy, pd.concat(runs, ignore_index=True)


def _stop_at(xy: NDArray[np.float64], point: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """The stop at a point, one that is there already if it is near; and all stops."""
    if len(xy):
        distance = np.hypot(*(xy - point).T)
        nearest = int(np.argmin(distance))
        if distance[nearest] <= SHARE_STOP_M:
            return xy, nearest
    return np.vstack([xy, point]), len(xy)


def _stretch(ground: Ground) -> float:
    """Stops lie farther apart in the country than in a city."""
    return 1.9 if (ground.districts["character"] == "village").mean() > 0.5 else 1.0


def _with_times(ground: Ground, calls: pd.DataFrame, xy: NDArray[np.float64]) -> pd.DataFrame:
    """Calls with the next stop, the straight metres to it and the seconds of the ride."""
    following = calls.groupby(["line_id", "direction"])["stop"].shift(-1)
    last = following.isna()
    next_stop = following.fillna(calls["stop"]).astype(int)
    straight = np.hypot(*(xy[next_stop] - xy[calls["stop"]]).T)
    country = _stretch(ground) > 1
    speed = calls["mode"].map(SPEED_KMH).where(~(country & (calls["mode"] == "bus")), COUNTRY_BUS_KMH)
    seconds = np.maximum(np.round(straight * 1.12 / (speed / 3.6)), 20.0)
    return calls.assign(next_stop=next_stop, last=last, metres=np.round(straight * 1.12, 1), seconds=seconds)


def _headways(lines: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    bands = pd.DataFrame(BANDS, columns=["day_type", "start_h", "end_h", "factor"])
    table = lines[["line_id", "peak_headway_min"]].merge(bands, how="cross")
    table["headway_s"] = np.round(table["peak_headway_min"] * table["factor"]) * 60.0
    table[["start_h", "end_h"]] = table[["start_h", "end_h"]].astype(float)
    return table[["line_id", "day_type", "start_h", "end_h", "headway_s"]]


def _stop_ids(ground: Ground, stops: NDArray[np.intp]) -> NDArray[np.object_]:
    return np.array([f"{ground.facts.city.id}-stop-{stop:04d}" for stop in stops], dtype=object)


def _stop_table(
    ground: Ground, lines: pd.DataFrame, xy: NDArray[np.float64], calls: pd.DataFrame
) -> gpd.GeoDataFrame:
    """Stops named after their districts, with the mode of the first line listed that calls there."""
    import geopandas as gpd
    import pandas as pd

    district = cKDTree(ground.districts[["x", "y"]].to_numpy()).query(xy)[1]
    area = ground.districts["name"].to_numpy()[district]
    number = pd.Series(area).groupby(area).cumcount() + 1
    rank = {line_id: row for row, line_id in enumerate(lines["line_id"])}
    first = (
        calls.assign(rank=calls["line_id"].map(rank))
        .sort_values("rank")
        .drop_duplicates("stop")
        .set_index("stop")
    )
    table = {
        "stop_id": _stop_ids(ground, np.arange(len(xy))),
        "name": [name if count == 1 else f"{name} {count}" for name, count in zip(area, number, strict=True)],
        "area": area,
        "mode": first["mode"].reindex(range(len(xy))).to_numpy(),
    }
    return gpd.GeoDataFrame(table, geometry=shapely.points(xy), crs=ground.facts.city.crs)


def _line_table(ground: Ground, lines: pd.DataFrame, ways: list[shapely.LineString]) -> gpd.GeoDataFrame:
    import geopandas as gpd

    districts = set(ground.districts["name"])
    ends = [
        [place if place in districts else "city border" for place in (calls[0], calls[-1])]
        for calls in lines["calls"]
    ]
    table = lines[["line_id", "name", "mode"]].assign(
        long_name=[" - ".join(pair) for pair in ends], agency=f"{ground.facts.city.name} demo transport"
    )
    return gpd.GeoDataFrame(table, geometry=ways, crs=ground.facts.city.crs)


def _rides(ground: Ground, calls: pd.DataFrame, xy: NDArray[np.float64]) -> pd.DataFrame:
    """Rides from each stop to the next of a line, and walks between stops near each other."""
    import pandas as pd

    legs = calls[~calls["last"]]
    rides = pd.DataFrame(
        {
            "from_stop_id": _stop_ids(ground, legs["stop"].to_numpy()),
            "to_stop_id": _stop_ids(ground, legs["next_stop"].to_numpy()),
            "line_id": legs["line_id"].to_numpy(),
            "travel_time_s": legs["seconds"].to_numpy(),
            "distance_m": legs["metres"].to_numpy(),
        }
    )
    pairs = cKDTree(xy).query_pairs(WALK_REACH_M, output_type="ndarray")
    pairs = np.vstack([pairs, pairs[:, ::-1]])
    metres = np.hypot(*(xy[pairs[:, 1]] - xy[pairs[:, 0]]).T) * WALK_DETOUR
    walks = pd.DataFrame(
        {
            "from_stop_id": _stop_ids(ground, pairs[:, 0]),
            "to_stop_id": _stop_ids(ground, pairs[:, 1]),
            "line_id": "walk",
            "travel_time_s": np.round(metres / WALKING_M_S),
            "distance_m": metres.round(1),
        }
    )
    return pd.concat([rides, walks]).drop_duplicates(["from_stop_id", "to_stop_id", "line_id"])


def _timetable(ground: Ground, calls: pd.DataFrame, headways: pd.DataFrame) -> pd.DataFrame:
    """Departures at even headways from both ends of each line, and the calls that follow."""
    bands = headways[["start_h", "end_h", "headway_s"]].to_numpy()
    starts = [np.arange(start * 3600, end * 3600, headway) for start, end, headway in bands]
    departures = headways.loc[headways.index.repeat([len(band) for band in starts])]
    departures = departures.assign(start_s=np.concatenate(starts))
    run = calls.groupby(["line_id", "direction"])["seconds"]
    calls = calls.assign(
        after_s=run.cumsum() - calls["seconds"], stop_id=_stop_ids(ground, calls["stop"].to_numpy())
    )
    table = departures[["line_id", "day_type", "start_s"]].merge(
        calls[["line_id", "direction", "order", "stop_id", "after_s"]], on="line_id"
    )
    minute = (table["start_s"] // 60).astype(int)
    table["trip_id"] = (
        table["line_id"]
        + "/"
        + table["direction"].astype(str)
        + "/"
        + table["day_type"]
        + "/"
        + minute.astype(str).str.zfill(4)
    )
    table["arrival_s"] = table["start_s"] + table["after_s"]
    table["departure_s"] = table["arrival_s"]
    table["service_days"] = table["day_type"].map(SERVICE_DAYS)
    table = table.rename(columns={"order": "stop_sequence"})
    return table[
        ["trip_id", "line_id", "stop_sequence", "stop_id", "arrival_s", "departure_s", "service_days"]
    ]
