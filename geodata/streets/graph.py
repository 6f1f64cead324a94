"""A street network that can be travelled: segments that meet at junctions, by car, by bus and on foot.

Like a road map with the speed limits written on it: from Viru Square one may turn into Narva Road, at
50 km/h, by car or on foot; a one-way street may be walked against its direction but not driven.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geodata.errors import InvalidInput
from geodata.manifest import Grade
from geodata.streets.shortest import Arcs, Booleans, Floats, Integers, Tracks

if TYPE_CHECKING:
    import geopandas as gpd

Mode = Literal["car", "bus", "walk"]
SpeedFactor = float | Mapping[str, float]

MEETING_TOLERANCE_M = 0.05
"""End points nearer than this are one junction; packs hold end points that meet exactly."""

WALKING_SPEED_M_S = 1.34
"""Mean free speed of pedestrians: Weidmann 1993, Transporttechnik der Fussgänger, ETH Zürich, table 2."""

BUS_TO_CAR_SPEED = 0.49
"""Stop-to-stop speed of a bus by the timetable, over a car's allowed speed on the same way: total time of
3,768 bus rides of Tallinn's public-transport data of 2020 (24.5 km/h) against the shortest ways between their
stops on the city's road axes at 50 km/h."""


@dataclass(frozen=True, eq=False)
class StreetGraph:
    """*n* junctions joined by *m* street segments.

    Example::

        graph = street_graph(pack)
        stops = snap(graph, points, max_distance_m=200)
        hours = travel_times(graph, stops, stops, mode="car").seconds / 3600

    Args:
        crs: Metric CRS of all coordinates.
        node_xy: Junctions (n, 2), metres.
        from_node: Junction at which a segment's line begins (m,).
        to_node: Junction at which it ends (m,).
        length_m: Length on the ground (m,).
        car_speed_kmh: Speed of a car in free flow (m,).
        bus_speed_kmh: Speed of a bus, its stops included (m,).
        oneway: Only to be driven along the line (m,).
        car: Open to cars and buses (m,).
        walk: Open to pedestrians (m,).
        road_class: Class as the source codes it (m,).
        street_id: Identifier in the pack (m,).
        geometry: Lines (m,).
        grade: How good the times are that come out of it.
        note: How it was made, in words for people who must defend those times; empty for plain streets.
    """

    crs: str
    node_xy: Floats
    from_node: Integers
    to_node: Integers
    length_m: Floats
    car_speed_kmh: Floats
    bus_speed_kmh: Floats
    oneway: Booleans
    car: Booleans
    walk: Booleans
    road_class: NDArray[np.object_]
    street_id: NDArray[np.object_]
    geometry: NDArray[np.object_]
    grade: Grade
    note: str = ""

    @property
    def nodes(self) -> int:
        """How many junctions there are."""
        return len(self.node_xy)

    @property
    def segments(self) -> int:
        """How many segments there are."""
        return len(self.from_node)

    def __repr__(self) -> str:
        kilometres = self.length_m.sum() / 1000
        return f"StreetGraph({self.nodes} nodes, {self.segments} segments, {kilometres:.0f} km, {self.grade})"

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of all that a travel time depends on."""
        digest = hashlib.sha256(self.crs.encode())
        for column in (
            self.node_xy, self.from_node, self.to_node, self.length_m, self.car_speed_kmh,
            self.bus_speed_kmh, self.oneway, self.car, self.walk,
        ):  # fmt: skip
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update("\0".join(self.road_class).encode())
        return digest.hexdigest()

    def is_open(self, mode: Mode) -> Booleans:
        """Which segments a mode may use (m,)."""
        return self.walk if mode == "walk" else self.car

    def segment_time_s(self, mode: Mode, speed_factor: SpeedFactor = 1.0) -> Floats:
        """Seconds a mode needs from end to end of each segment (m,).

        Args:
            mode: ``car`` in free flow, ``bus`` by the timetable, or where there is none at
                :data:`BUS_TO_CAR_SPEED` of the car's speed, ``walk`` at :data:`WALKING_SPEED_M_S`.
            speed_factor: What the hour or the weather makes of the speed of cars and buses: one factor, or
                one per road class (1 for those not named). Walking is not slowed.

        Raises:
            InvalidInput: The mode is unknown, or a factor is not between 0.05 and 5.
        """
        if mode not in get_args(Mode):
            raise InvalidInput(
                "no such mode of travel",
                field="mode",
                value=mode,
                expected="one of " + ", ".join(get_args(Mode)),
            )
        if mode == "walk":
            return self.length_m / WALKING_SPEED_M_S
        speed_kmh = self.bus_speed_kmh if mode == "bus" else self.car_speed_kmh
        return self.length_m / (speed_kmh / 3.6 * self._factors(speed_factor))

    def _factors(self, speed_factor: SpeedFactor) -> Floats:
        if isinstance(speed_factor, Mapping):
            for road_class, factor in speed_factor.items():
                _check_factor(factor, f"speed_factor.{road_class}")
            return np.array([speed_factor.get(name, 1.0) for name in self.road_class], dtype=float)
        _check_factor(speed_factor, "speed_factor")
        return np.full(self.segments, float(speed_factor))

    def arcs(self, mode: Mode, speed_factor: SpeedFactor = 1.0) -> Arcs:
        """The directed arcs of a mode; people on foot go both ways everywhere."""
        open_segments = np.flatnonzero(self.is_open(mode))
        back = open_segments if mode == "walk" else open_segments[~self.oneway[open_segments]]
        tail = np.concatenate([self.from_node[open_segments], self.to_node[back]])
        head = np.concatenate([self.to_node[open_segments], self.from_node[back]])
        segment = np.concatenate([open_segments, back]).astype(np.int32)
        order = np.lexsort((segment, head, tail))
        first = np.zeros(self.nodes + 1, np.int32)
        np.cumsum(np.bincount(tail, minlength=self.nodes), out=first[1:])
        segment = segment[order]
        return Arcs(
            first=first,
            head=head[order],
            travel_time_s=self.segment_time_s(mode, speed_factor)[segment],
            length_m=self.length_m[segment],
            segment=segment,
            along=(np.arange(len(order)) < len(open_segments))[order],
        )

    def tracks(self, mode: Mode, speed_factor: SpeedFactor = 1.0) -> Tracks:
        """Each segment from end to end, for journeys that do not leave it."""
        time_s = np.where(self.is_open(mode), self.segment_time_s(mode, speed_factor), np.inf)
        against_s = time_s if mode == "walk" else np.where(self.oneway, np.inf, time_s)
        return Tracks(time_s, against_s, self.length_m)

    def main_component(self, mode: Mode) -> Booleans:
        """Which segments (m,) belong to the largest part in which every junction reaches every other.

        Places are snapped to these only, so that every travel time between them is finite.
        """
        if mode not in self._main_components:
            self._main_components[mode] = _main_component(self, mode)
        return self._main_components[mode]

    @cached_property
    def _main_components(self) -> dict[Mode, Booleans]:
        return {}

    def without(self, street_ids: Collection[str]) -> StreetGraph:
        """The network with some segments closed to all, say a bridge under repair.

        Raises:
            InvalidInput: A segment is not in the network.
        """
        closed = np.isin(self.street_id.astype(str), list(street_ids))
        missing = sorted(set(street_ids) - set(self.street_id[closed]))
        if missing:
            raise InvalidInput("the network has no such segment", field="street_id", value=", ".join(missing))
        return replace(self, car=self.car & ~closed, walk=self.walk & ~closed)


def _main_component(graph: StreetGraph, mode: Mode) -> Booleans:
    open_segments = graph.is_open(mode)
    arcs = graph.arcs(mode)
    tail = np.repeat(np.arange(graph.nodes), np.diff(arcs.first))
    shape = (graph.nodes, graph.nodes)
    matrix = coo_matrix((np.ones(len(tail), np.int8), (tail, arcs.head)), shape=shape)
    _, label = connected_components(matrix, directed=True, connection="strong")
    length = np.bincount(label[graph.from_node[open_segments]], graph.length_m[open_segments], len(label))
    main: Booleans = label == np.argmax(length)
    inside: Booleans = open_segments & main[graph.from_node] & main[graph.to_node]
    return inside


def _check_factor(factor: float, field: str) -> None:
    if not 0.05 <= factor <= 5:
        raise InvalidInput(
            "a factor of speed is out of range", field=field, value=factor, expected="0.05 to 5"
        )


def from_features(streets: gpd.GeoDataFrame, *, grade: Grade = Grade.OFFICIAL, note: str = "") -> StreetGraph:
    """The network of a table of the kind ``streets``.

    Segments meet where their end points meet (within :data:`MEETING_TOLERANCE_M`); a crossing without a
    common end point, such as a bridge over a road, is no junction.

    Args:
        streets: Features of the kind ``streets`` in a metric CRS.
        grade: Grade of the dataset.
        note: How the dataset was made, where its grade needs words.

    Raises:
        InvalidInput: There are no segments, or their CRS is not metric.
    """
    if len(streets) == 0:
        raise InvalidInput("there are no streets", field="streets")
    if streets.crs is None or streets.crs.is_geographic:
        raise InvalidInput("streets are not in a metric CRS", field="crs", value=str(streets.crs))
    lines = streets.geometry.to_numpy()
    ends = np.vstack([shapely.get_coordinates(shapely.get_point(lines, end)) for end in (0, -1)])
    node_xy, node = merge_points(ends, MEETING_TOLERANCE_M)
    speed_kmh = streets["speed_kmh"].to_numpy(float)
    return StreetGraph(
        crs=streets.crs.to_string(),
        node_xy=node_xy,
        from_node=node[: len(lines)],
        to_node=node[len(lines) :],
        length_m=streets["length_m"].to_numpy(float),
        car_speed_kmh=speed_kmh,
        bus_speed_kmh=speed_kmh * BUS_TO_CAR_SPEED,
        oneway=streets["oneway"].to_numpy(bool),
        car=streets["car"].to_numpy(bool),
        walk=streets["walk"].to_numpy(bool),
        road_class=streets["road_class"].to_numpy(object),
        street_id=streets["street_id"].to_numpy(object),
        geometry=lines,
        grade=grade,
        note=note,
    )


def merge_points(xy: Floats, tolerance_m: float) -> tuple[Floats, Integers]:
    """Junctions among end points: those that lie together, chains included, become one.

    Args:
        xy: Points (p, 2).
        tolerance_m: How near is together.

    Returns:
        The junctions (n, 2), in the order in which their first point stands, and each point's junction (p,).
    """
    pairs = cKDTree(xy).query_pairs(tolerance_m, output_type="ndarray")
    together = coo_matrix(
        (np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(xy), len(xy))
    )
    _, label = connected_components(together, directed=False)
    _, first, node = np.unique(label, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return xy[first[order]], rank[node]
