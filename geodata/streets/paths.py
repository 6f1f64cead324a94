"""The way itself, as a line to draw or to follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely.ops import substring

from geodata.errors import InvalidInput
from geodata.streets.graph import Mode, SpeedFactor, StreetGraph
from geodata.streets.heap import new_heap
from geodata.streets.shortest import Arcs, Ends, Floats, Integers, Tracks, along_segment, new_labels, search
from geodata.streets.snapping import Places, origin_ends, target_ends

if TYPE_CHECKING:
    from shapely import LineString

Steps = list[tuple[int, float, float]]
"""Segments travelled, each from one fraction of its line to another; backwards where the first is greater."""


def paths(
    graph: StreetGraph,
    origins: Places,
    destinations: Places,
    *,
    mode: Mode = "car",
    speed_factor: SpeedFactor = 1.0,
) -> list[LineString | None]:
    """The fastest way from each origin to the destination of the same row.

    Args:
        graph: The network.
        origins: Places set onto it (p,).
        destinations: As many.
        mode: Mode of travel.
        speed_factor: As in :func:`geodata.streets.travel_times`.

    Returns:
        A line from one place on the network to the other, in the direction of travel; None where there is no
        way or a place was refused. Two places at one point give a line of two equal points.

    Raises:
        InvalidInput: Origins and destinations differ in number.
    """
    if len(origins) != len(destinations):
        raise InvalidInput(
            "each origin needs its destination",
            value=len(destinations),
            expected=f"{len(origins)} destinations",
        )
    finder = _Finder(
        graph,
        graph.arcs(mode, speed_factor),
        graph.tracks(mode, speed_factor),
        origin_ends(graph, origins, mode, speed_factor),
        target_ends(graph, destinations, mode, speed_factor),
    )
    lines: list[LineString | None] = [None] * len(origins)
    for row in np.flatnonzero(origins.on_network & destinations.on_network):
        steps = finder.steps(int(row))
        lines[row] = None if steps is None else _line(graph, steps)
    return lines


@dataclass(frozen=True)
class _Finder:
    """Finds the segments of one way after the other."""

    graph: StreetGraph
    arcs: Arcs
    tracks: Tracks
    origins: Ends
    targets: Ends

    def steps(self, row: int) -> Steps | None:
        """The segments from an origin to its destination, or None."""
        labels = new_labels(self.graph.nodes, with_ways=True)
        search(self.arcs, row, self.origins, np.inf, labels, new_heap(len(self.arcs.head) + 2))
        ends = self.targets.node[row]
        arrival = np.where(ends >= 0, labels.time_s[ends] + self.targets.travel_time_s[row], np.inf)
        end = int(np.argmin(arrival))
        first, last = int(self.origins.segment[row]), int(self.targets.segment[row])
        begin, finish = float(self.origins.fraction[row]), float(self.targets.fraction[row])
        if first == last and along_segment(self.tracks, first, begin, finish) <= arrival[end]:
            return [(first, begin, finish)]
        if not np.isfinite(arrival[end]):
            return None
        entered, middle = self._trace(labels.by_arc, int(ends[end]))
        here = np.where(self.origins.node[row] == entered, self.origins.travel_time_s[row], np.inf)
        return [(first, begin, float(np.argmin(here))), *middle, (last, float(end), finish)]

    def _trace(self, by_arc: Integers, node: int) -> tuple[int, Steps]:
        """The way back from a junction to where the search entered the network, turned round."""
        steps: Steps = []
        while by_arc[node] >= 0:
            arc = by_arc[node]
            segment, along = int(self.arcs.segment[arc]), bool(self.arcs.along[arc])
            steps.append((segment, 0.0, 1.0) if along else (segment, 1.0, 0.0))
            node = int(self.graph.from_node[segment] if along else self.graph.to_node[segment])
        return node, steps[::-1]


def _line(graph: StreetGraph, steps: Steps) -> LineString:
    xy = np.vstack([_piece(graph, *step) for step in steps])
    moved = np.ones(len(xy), bool)
    moved[1:] = np.abs(np.diff(xy, axis=0)).max(axis=1) > 1e-6
    xy = xy[moved]
    return shapely.LineString(xy if len(xy) > 1 else np.vstack([xy, xy]))


def _piece(graph: StreetGraph, segment: int, begin: float, finish: float) -> Floats:
    line = graph.geometry[segment]
    if abs(finish - begin) < 1:
        return shapely.get_coordinates(substring(line, begin, finish, normalized=True))
    return shapely.get_coordinates(line)[:: 1 if finish > begin else -1]
