"""The lines of all cities as one network, so that a bus that crosses a border takes its riders along.

Neighbouring cities list the stops just over their border too; the same stop of two lists is one stop, and a
line of two lists is one line. Where cities list different stops, riders change between them on foot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geodata.home import cache_home
from geodata.streets import transit_times
from geodata.streets.cache import MatrixCache
from geodata.streets.transit import WALK, DayType, frequencies
from pilots.transport.area import CIRCUITY, WALKING_M_S, Area
from twin.packs import PackView

ALGORITHM = "optimal-strategies/1"
"""Part of the key under which journeys are kept: a change of the numbers needs a new name."""

PARTS = ("in_vehicle_s", "wait_s", "walk_s", "boardings")
HOURS = (8, 13, 20)
"""Hours whose headways stand for the morning, the day and the evening."""

CHANGE_M = 300.0
"""Riders change between stops of two cities no farther apart than this, in a straight line."""


@dataclass(frozen=True)
class Lines:
    """Lines that run, and which stops of an area they serve.

    Attributes:
        stops: Column ``stop_id``, each stop once.
        row: Row in ``stops`` of each stop of the area, -1 for stops without a line, shape (area's stops,).
        rides: Columns of the kind ``rides``.
        headways: By hour of ``HOURS``: columns of the kind ``headways``, in force all day.
        day_type: ``weekday``, ``saturday`` or ``sunday``.
    """

    stops: pd.DataFrame
    row: NDArray[np.int64]
    rides: pd.DataFrame
    headways: tuple[pd.DataFrame, ...]
    day_type: str

    @cached_property
    def journeys(self) -> list[NDArray[np.float32]]:
        """Expected journeys between stops for each of ``HOURS``, arrays of shape (parts, stops, stops).

        Parts are those of ``PARTS``; inf where there is no way. They are kept on disk.
        """
        found: dict[str, NDArray[np.float32]] = {}
        keys = [_key(self.stops, self.rides, headways) for headways in self.headways]
        for key, headways in zip(keys, self.headways, strict=True):
            if key not in found:
                found[key] = self._kept(key, headways)
        return [found[key] for key in keys]

    def _kept(self, key: str, headways: pd.DataFrame) -> NDArray[np.float32]:
        count = len(self.stops)
        cache = MatrixCache(cache_home() / "line-bus-times")
        return np.stack(cache.get(key, PARTS, (count, count), self._filling(headways)))

    def _filling(self, headways: pd.DataFrame) -> Callable[..., None]:
        def fill(*matrices: NDArray[np.float32]) -> None:
            times = transit_times(
                self.stops, self.rides, headways, hour=12, day_type=cast("DayType", self.day_type)
            )
            for part, matrix in zip(PARTS, matrices, strict=True):
                matrix[:] = getattr(times, part)

        return fill


def lines_of(
    area: Area, packs: Mapping[str, PackView], day_type: str, withdrawn: Sequence[str] = ()
) -> Lines | None:
    """The lines of all cities that share them.

    Args:
        area: Stops.
        packs: Each city's lines.
        day_type: ``weekday``, ``saturday`` or ``sunday``.
        withdrawn: Lines that no longer run, by number or id.

    Returns:
        The lines, or None if no city shares any.
    """
    own = {city: pack for city, pack in sorted(packs.items()) if pack.has("rides") and pack.has("headways")}
    if not own:
        return None
    places = {city: _places(pack, city, area) for city, pack in own.items()}
    stops = pd.concat(places.values()).drop_duplicates("key").reset_index(drop=True)
    rides: list[pd.DataFrame] = []
    tables: list[list[pd.DataFrame]] = [[] for _ in HOURS]
    for city, pack in own.items():
        running, headways = _running(pack, withdrawn)
        name = places[city].set_index("stop_id")["key"]
        known = running["from_stop_id"].isin(name.index) & running["to_stop_id"].isin(name.index)
        ends = {end: running.loc[known, end].map(name) for end in ("from_stop_id", "to_stop_id")}
        rides.append(running[known].assign(**ends))
        for number, hour in enumerate(HOURS):
            tables[number].append(_in_force(headways, day_type, hour))
    every = pd.concat([*rides, _changes(stops)], ignore_index=True)
    every = every.groupby(["from_stop_id", "to_stop_id", "line_id"])["travel_time_s"].min().reset_index()
    row = pd.Index(stops["key"]).get_indexer(pd.Index(_key_of(area.stops)))
    return Lines(
        stops=stops[["key"]].rename(columns={"key": "stop_id"}),
        row=row.astype(np.int64),
        rides=every,
        headways=tuple(pd.concat(part, ignore_index=True) for part in tables),
        day_type=day_type,
    )


def _places(pack: PackView, city: str, area: Area) -> pd.DataFrame:
    """Where each stop of a pack is in the area's coordinates, and a name that two cities give alike."""
    stops = pack.features("stops").to_crs(area.crs)
    table = pd.DataFrame(
        {
            "city": city,
            "stop_id": stops["stop_id"].astype(str).to_numpy(),
            "x_m": stops.geometry.x.to_numpy(),
            "y_m": stops.geometry.y.to_numpy(),
        }
    )
    return table.assign(key=_key_of(table))


def _key_of(stops: pd.DataFrame) -> pd.Series:
    place = stops[["x_m", "y_m"]].round(0).astype(np.int64).astype(str)
    return stops["stop_id"] + "@" + place["x_m"] + "," + place["y_m"]


def _running(pack: PackView, withdrawn: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rides and headways of the lines that still run."""
    gone = set(withdrawn)
    if gone and pack.has("lines"):
        lines = pack.table("lines", ["line_id", "name"])
        gone |= set(lines.loc[lines["name"].isin(gone), "line_id"])
    rides = pack.table("rides", ["from_stop_id", "to_stop_id", "line_id", "travel_time_s"])
    headways = pack.table("headways")
    return rides[~rides["line_id"].isin(gone)], headways[~headways["line_id"].isin(gone)]


def _in_force(headways: pd.DataFrame, day_type: str, hour: float) -> pd.DataFrame:
    """The headways of an hour, written as those of the whole day."""
    frequency = frequencies(headways, known_hour(headways, day_type, hour), cast("DayType", day_type))
    return pd.DataFrame(
        {
            "line_id": frequency.index.astype(str),
            "day_type": "daily",
            "start_h": 0.0,
            "end_h": 24.0,
            "headway_s": 1 / frequency.to_numpy(),
        }
    )


def known_hour(headways: pd.DataFrame, day_type: str, hour: float) -> float:
    """The hour itself if headways are known for it, else the middle of the nearest band that is known.

    Some cities share the headways of the morning peak alone; they then stand for the whole day.
    """
    types = (day_type, "daily") if day_type == "weekday" else (day_type, "weekend", "daily")
    bands = headways.loc[headways["day_type"].isin(types), ["start_h", "end_h"]].drop_duplicates()
    if bands.empty or ((bands["start_h"] <= hour) & (hour < bands["end_h"])).any():
        return hour
    away = np.maximum(bands["start_h"] - hour, hour - bands["end_h"])
    nearest = int(np.argmin(np.asarray(away)))
    return float(bands[["start_h", "end_h"]].to_numpy(np.float64)[nearest].mean())


def _changes(stops: pd.DataFrame) -> pd.DataFrame:
    """Walks between stops that different cities list."""
    xy, city = stops[["x_m", "y_m"]].to_numpy(), stops["city"].to_numpy()
    near = cKDTree(xy).query_pairs(CHANGE_M, output_type="ndarray").reshape(-1, 2)
    near = near[city[near[:, 0]] != city[near[:, 1]]]
    pair = np.concatenate([near, near[:, ::-1]])
    metres = CIRCUITY * np.hypot(*(xy[pair[:, 0]] - xy[pair[:, 1]]).T)
    key = stops["key"].to_numpy()
    return pd.DataFrame(
        {
            "from_stop_id": key[pair[:, 0]],
            "to_stop_id": key[pair[:, 1]],
            "line_id": WALK,
            "travel_time_s": metres / WALKING_M_S,
        }
    )


def _key(*tables: pd.DataFrame) -> str:
    """Hash of all that journeys depend on."""
    digest = hashlib.sha256(ALGORITHM.encode())
    for table in tables:
        digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()
