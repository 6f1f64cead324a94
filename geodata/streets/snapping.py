"""Places set onto the network: the nearest point of the nearest street that the mode may use.

Like stepping out of a door onto the pavement. A place farther from any street than allowed is refused by
name, never moved silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from geodata.streets.graph import Mode, SpeedFactor, StreetGraph
from geodata.streets.shortest import Ends, Floats, Integers

if TYPE_CHECKING:
    import geopandas as gpd

AT_JUNCTION_M = 0.5
"""A place this near to the end of its segment stands at the junction."""


@dataclass(frozen=True)
class Refusal:
    """A place that could not be set onto the network."""

    name: str
    nearest_m: float
    """Distance to the nearest street that the mode may use."""

    def __str__(self) -> str:
        return f"{self.name} is {self.nearest_m:.0f} m from the nearest street"


@dataclass(frozen=True, eq=False)
class Places:
    """*p* places on a network.

    Args:
        names: What they are called (p,).
        xy: Where they are (p, 2), in the network's CRS.
        segment: The segment each stands on (p,), -1 for a refused place.
        fraction: How far along its line, 0 to 1 (p,).
        distance_m: How far from it (p,); for a refused place too.
    """

    names: NDArray[np.object_]
    xy: Floats
    segment: Integers
    fraction: Floats
    distance_m: Floats

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, rows: NDArray[np.generic] | slice) -> Places:
        return Places(
            self.names[rows], self.xy[rows], self.segment[rows], self.fraction[rows], self.distance_m[rows]
        )

    @cached_property
    def on_network(self) -> NDArray[np.bool_]:
        """Which places stand on the network (p,)."""
        return self.segment >= 0

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """The places that do not, with how far off they are."""
        return tuple(
            Refusal(str(self.names[row]), float(self.distance_m[row]))
            for row in np.flatnonzero(~self.on_network)
        )


def snap(
    graph: StreetGraph,
    points: gpd.GeoSeries | gpd.GeoDataFrame | Floats,
    *,
    max_distance_m: float,
    mode: Mode = "car",
    names: Sequence[object] | None = None,
) -> Places:
    """Set points onto the nearest segment that a mode may use, within its main component.

    Args:
        graph: The network.
        points: Points with a CRS of any kind, or an array (p, 2) in the network's CRS.
        max_distance_m: Points farther off are refused.
        mode: Whose streets to use.
        names: What the points are called; their index, or their number, if left out.

    Raises:
        InvalidInput: A point is empty or not finite, names and points differ in number, or the network has
            no street for the mode.
    """
    xy = _coordinates(points, graph.crs)
    given = getattr(points, "index", range(len(xy))) if names is None else names
    labels = np.array([str(name) for name in given], dtype=object)
    if len(labels) != len(xy):
        raise InvalidInput(
            "points and names differ in number", value=len(labels), expected=f"{len(xy)} names"
        )
    _check_finite(xy, labels)
    usable = np.flatnonzero(graph.main_component(mode))
    if len(usable) == 0:
        raise InvalidInput("the network has no street for this mode", field="mode", value=mode)
    lines = graph.geometry[usable]
    at = np.array(shapely.points(xy), ndmin=1)
    nearest, distance = _nearest(lines, at)
    fraction = shapely.line_locate_point(lines[nearest], at, normalized=True)
    near_end_m = AT_JUNCTION_M / np.maximum(graph.length_m[usable][nearest], AT_JUNCTION_M)
    fraction = np.where(fraction <= near_end_m, 0.0, np.where(fraction >= 1 - near_end_m, 1.0, fraction))
    segment = np.where(distance <= max_distance_m, usable[nearest], -1).astype(np.int32)
    return Places(labels, xy, segment, fraction, distance)


def _nearest(lines: NDArray[np.object_], at: NDArray[np.object_]) -> tuple[NDArray[np.intp], Floats]:
    """The nearest line of each point, the first one where several are as near, and its distance."""
    (point, line), distance = shapely.STRtree(lines).query_nearest(at, return_distance=True, all_matches=True)
    order = np.lexsort((line, point))
    first = order[np.unique(point[order], return_index=True)[1]]
    return line[first], distance[first]


def _coordinates(points: gpd.GeoSeries | gpd.GeoDataFrame | Floats, crs: str) -> Floats:
    if isinstance(points, np.ndarray):
        return np.ascontiguousarray(points, dtype=float).reshape(-1, 2)
    geometry = points.geometry
    if geometry.crs is None:
        raise InvalidInput("points have no CRS", field="crs", expected="any CRS, or an array in " + crs)
    geometry = geometry.to_crs(crs)
    return np.column_stack([geometry.x.to_numpy(float), geometry.y.to_numpy(float)])


def _check_finite(xy: Floats, names: NDArray[np.object_]) -> None:
    wrong = np.flatnonzero(~np.isfinite(xy).all(axis=1))
    if len(wrong):
        raise InvalidInput(
            "a point has no finite coordinates",
            row=int(wrong[0]) + 1,
            field=str(names[wrong[0]]),
            value=tuple(xy[wrong[0]].tolist()),
            expected="metres in the network's CRS",
        )


def origin_ends(graph: StreetGraph, places: Places, mode: Mode, speed_factor: SpeedFactor = 1.0) -> Ends:
    """The junctions at which a journey from each place enters the rest of the network."""
    return _ends(graph, places, mode, speed_factor, leaving=True)


def target_ends(graph: StreetGraph, places: Places, mode: Mode, speed_factor: SpeedFactor = 1.0) -> Ends:
    """The junctions from which a journey reaches each place."""
    return _ends(graph, places, mode, speed_factor, leaving=False)


def _ends(
    graph: StreetGraph, places: Places, mode: Mode, speed_factor: SpeedFactor, *, leaving: bool
) -> Ends:
    on = places.on_network
    segment = np.where(on, places.segment, 0)
    two_way = on & ~(graph.oneway[segment] if mode != "walk" else np.zeros(len(places), bool))
    at_start, at_end = on & (places.fraction == 0), on & (places.fraction == 1)
    between = on & ~at_start & ~at_end
    # Against the line one leaves by its beginning; along it one arrives from there.
    by_start = at_start | (between & (two_way if leaving else on))
    by_end = at_end | (between & (on if leaving else two_way))
    share = np.column_stack([places.fraction, 1 - places.fraction])
    time_s = graph.segment_time_s(mode, speed_factor)[segment]
    return Ends(
        node=np.column_stack(
            [np.where(by_start, graph.from_node[segment], -1), np.where(by_end, graph.to_node[segment], -1)]
        ).astype(np.int32),
        travel_time_s=share * time_s[:, None],
        length_m=share * graph.length_m[segment][:, None],
        segment=places.segment,
        fraction=places.fraction,
    )
