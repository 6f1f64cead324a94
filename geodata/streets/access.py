"""Walking to the stops around: which are near, and how long it takes on foot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geodata.streets.graph import WALKING_SPEED_M_S, StreetGraph
from geodata.streets.snapping import Places
from geodata.streets.times import travel_times

POINTS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class NearestStops:
    """The nearest stops of *p* places, nearest first, at most *k* each.

    Args:
        stop: Row of each stop among the stops given (p, k), -1 where there are fewer.
        seconds: Walking time, from door to stop (p, k), infinite where there are fewer.
        metres: Walking distance (p, k), likewise.
    """

    stop: NDArray[np.int32]
    seconds: NDArray[np.float32]
    metres: NDArray[np.float32]


def nearest_stops(
    graph: StreetGraph, places: Places, stops: Places, *, max_walk_m: float, count: int = 3
) -> NearestStops:
    """The stops that each place reaches on foot, along streets, within a distance.

    The way from the place to its street and from the street to the stop counts, in a straight line.

    Args:
        graph: The network.
        places: Places set onto it for walking (p,).
        stops: Stops, likewise.
        max_walk_m: Stops farther than this are left out.
        count: How many stops of each place to name.
    """
    count = min(count, max(len(stops), 1))
    stop = np.full((len(places), count), -1, np.int32)
    metres = np.full((len(places), count), np.inf, np.float32)
    for at in range(0, len(places), POINTS_AT_ONCE):
        rows = slice(at, at + POINTS_AT_ONCE)
        walk = _walking_metres(graph, places[rows], stops, max_walk_m)
        # A stable sort names the stop that stands first where two are as near.
        nearest = np.argsort(walk, axis=1, kind="stable")[:, :count]
        near = np.take_along_axis(walk, nearest, axis=1)
        metres[rows, : near.shape[1]] = near
        stop[rows, : near.shape[1]] = np.where(np.isfinite(near), nearest, -1)
    return NearestStops(stop, (metres / WALKING_SPEED_M_S).astype(np.float32), metres)


def _walking_metres(
    graph: StreetGraph, places: Places, stops: Places, max_walk_m: float
) -> NDArray[np.float64]:
    limit_s = max_walk_m / WALKING_SPEED_M_S
    along = travel_times(graph, places, stops, mode="walk", limit_s=limit_s).metres
    walk = along + places.distance_m[:, None] + stops.distance_m[None, :]
    return np.where(walk <= max_walk_m, walk, np.inf)
