"""Travel times where a city shares no streets: from the rides of its buses, and a stated detour.

Rae parish publishes its bus stops and how long a bus takes from each to the next, but no road map. What a bus
drives on is a road: each ride becomes a stretch that cars may drive both ways, somewhat longer than the
straight line. Stops near each other that no bus joins are joined by a stretch of the usual speed. What comes
out is graded ``derived`` and says so.

How far off is it? Made for Tallinn and held against the city's real road axes over 20,000 pairs of stops,
ways come out 7 % (under 2 km) to 13 % (over 5 km) too long at the median, car times between 1 % too long and
14 % too short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

from geodata.errors import NotReady
from geodata.manifest import Grade
from geodata.streets.graph import BUS_TO_CAR_SPEED, StreetGraph, merge_points
from geodata.streets.shortest import Floats, Integers

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

CIRCUITY = 1.2
"""Distance by road over distance in a straight line between points at random in a city: Newell 1980, Traffic
Flow on Transportation Networks, MIT Press. Taken between neighbouring stops that no bus joins."""

RIDE_CIRCUITY = 1.12
"""The same between one stop and the next of a line: total length of 3,768 bus rides of Tallinn's timetable of
2020 along the city's road axes, over that of the straight lines."""

NEIGHBOURS = 4
"""To how many of the stops around it each stop is joined, besides those that rides join it to."""

NEIGHBOUR_REACH_M = 1500.0

CAR_SPEED_KMH = (20.0, 90.0)
"""Bounds of a car's speed on a stretch; 90 km/h is the Estonian limit outside towns (Traffic Act, § 15)."""

MERGE_M = 1.0

ROAD_CLASSES = ("ride", "neighbour")
"""Road classes of ridden stretches and of those between neighbouring stops."""


@dataclass(frozen=True)
class _Stretches:
    """Stretches between junctions, each pair once."""

    pair: Integers
    length_m: Floats
    bus_kmh: Floats

    def __len__(self) -> int:
        return len(self.pair)


def from_rides(stops: gpd.GeoDataFrame, rides: pd.DataFrame, *, place: str = "the city") -> StreetGraph:
    """A network made of public-transport rides, for a city without streets.

    A ridden stretch is as long as the straight line times :data:`RIDE_CIRCUITY`, or as the ride's own
    ``distance_m``. A bus takes the median of the rides' times; a car is faster by the measured ratio
    :data:`~geodata.streets.graph.BUS_TO_CAR_SPEED`, within :data:`CAR_SPEED_KMH`. Stops within
    :data:`NEIGHBOUR_REACH_M` are joined besides, by :data:`CIRCUITY` and at the median speed.

    Args:
        stops: Features of the kind ``stops`` in a metric CRS.
        rides: Table of the kind ``rides``, on roads (leave out trains and ferries). Walks, and rides to stops
            not given, are left out; the latter are counted in the note.
        place: What to call the city in the note.

    Raises:
        NotReady: No ride joins two of the stops.
    """
    xy, node_of_stop = merge_points(np.column_stack([stops.geometry.x, stops.geometry.y]), MERGE_M)
    node_of = dict(zip(stops["stop_id"], node_of_stop, strict=True))
    on_road = rides[rides["line_id"] != "walk"]
    known = on_road["from_stop_id"].isin(node_of) & on_road["to_stop_id"].isin(node_of)
    ridden = _ridden(on_road[known], node_of, xy)
    if len(ridden) == 0:
        raise NotReady(
            f"no ride joins two stops of {place}, and it has no streets",
            hint="give the pack streets, or rides",
        )
    added = _between_neighbours(xy, ridden)
    pair = np.vstack([ridden.pair, added.pair])
    count = len(pair)
    bus_kmh = np.concatenate([ridden.bus_kmh, added.bus_kmh])
    return StreetGraph(
        crs=stops.crs.to_string(),
        node_xy=xy,
        from_node=pair[:, 0].copy(),
        to_node=pair[:, 1].copy(),
        length_m=np.concatenate([ridden.length_m, added.length_m]),
        car_speed_kmh=np.clip(bus_kmh / BUS_TO_CAR_SPEED, *CAR_SPEED_KMH),
        bus_speed_kmh=bus_kmh,
        oneway=np.zeros(count, bool),
        car=np.ones(count, bool),
        walk=np.ones(count, bool),
        road_class=np.repeat(np.array(ROAD_CLASSES, dtype=object), [len(ridden), len(added)]),
        street_id=np.array([f"derived-{row}" for row in range(count)], dtype=object),
        geometry=np.array(shapely.linestrings(xy[pair]), ndmin=1),
        grade=Grade.DERIVED,
        note=_note(place, len(ridden), len(added), int((~known).sum())),
    )


def _ridden(rides: pd.DataFrame, node_of: dict[str, int], xy: Floats) -> _Stretches:
    """One stretch per pair of junctions that a ride joins, whichever way, with the median of its rides."""
    import pandas as pd

    ends = np.sort(np.column_stack([rides[c].map(node_of) for c in ("from_stop_id", "to_stop_id")]), axis=1)
    straight_m = np.hypot(*(xy[ends[:, 1]] - xy[ends[:, 0]]).T)
    length_m = straight_m * RIDE_CIRCUITY
    if "distance_m" in rides:
        own = rides["distance_m"].to_numpy(float)
        length_m = np.where(own >= straight_m, own, length_m)
    hops = pd.DataFrame(
        {
            "a": ends[:, 0],
            "b": ends[:, 1],
            "length_m": length_m,
            "time_s": rides["travel_time_s"].to_numpy(float),
        }
    )
    hops = hops[(hops["a"] != hops["b"]) & (hops["time_s"] > 0)]
    hops = hops.groupby(["a", "b"], sort=True, as_index=False).median()
    return _Stretches(
        hops[["a", "b"]].to_numpy(np.int32),
        hops["length_m"].to_numpy(),
        hops["length_m"].to_numpy() / hops["time_s"].to_numpy() * 3.6,
    )


def _between_neighbours(xy: Floats, ridden: _Stretches) -> _Stretches:
    """Stretches between stops that lie near each other and that no ride joins, at the usual speed."""
    distance, other = cKDTree(xy).query(
        xy, k=min(NEIGHBOURS + 1, len(xy)), distance_upper_bound=NEIGHBOUR_REACH_M
    )
    one, which = np.nonzero(np.isfinite(distance))
    pair = np.unique(np.sort(np.column_stack([one, other[one, which]]), axis=1), axis=0)
    pair = pair[pair[:, 0] != pair[:, 1]].astype(np.int32)
    count = len(xy)
    taken = np.isin(pair @ np.array([count, 1]), ridden.pair @ np.array([count, 1]))
    pair = pair[~taken]
    length_m = np.hypot(*(xy[pair[:, 1]] - xy[pair[:, 0]]).T) * CIRCUITY
    return _Stretches(pair, length_m, np.full(len(pair), float(np.median(ridden.bus_kmh))))


def _note(place: str, ridden: int, added: int, left_out: int) -> str:
    text = (
        f"{place} shares no streets: travel times come from {ridden} stretches that buses ride and {added} "
        f"between neighbouring stops, straight lines lengthened by a circuity of {RIDE_CIRCUITY:g} (measured "
        f"in Tallinn) and {CIRCUITY:g} (Newell 1980), cars at the speed of buses over {BUS_TO_CAR_SPEED:g}"
    )
    return text + (f"; {left_out} rides to stops outside the pack are left out" if left_out else "")


def is_derived(graph: StreetGraph) -> bool:
    """Whether a network is made of rides alone."""
    return bool(np.isin(graph.road_class.astype(str), ROAD_CLASSES).all())
