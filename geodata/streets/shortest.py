"""Shortest paths over arcs in compiled code: from many places to many places, in seconds and metres at once.

Dijkstra's algorithm (Dijkstra 1959, Numerische Mathematik 1:269-271). The distance travelled is carried along
with the time, so that one search answers both; the kernels release the interpreter's lock, so that threads
share the origins out among them.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from geodata.streets.heap import Heap, drop_first, push

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]
Booleans = NDArray[np.bool_]
Matrix = NDArray[np.float32]


class Arcs(NamedTuple):
    """Directed arcs of one mode, sorted by the node they leave.

    Those of node *i* are ``head[first[i]:first[i + 1]]``; ``segment`` is the street segment an arc runs
    along, ``along`` whether it follows the segment's line.
    """

    first: Integers
    head: Integers
    travel_time_s: Floats
    length_m: Floats
    segment: Integers
    along: Booleans


class Tracks(NamedTuple):
    """Each segment from end to end: seconds along its line, against it (infinite if forbidden), metres."""

    forward_s: Floats
    backward_s: Floats
    length_m: Floats


class Ends(NamedTuple):
    """Where a search may enter or leave the network at each of *p* places.

    A place in the middle of a segment has two ends, a place at a junction one: ``node``, ``travel_time_s``
    and ``length_m`` are (p, 2), with node -1 where there is none. ``segment`` (p,) is -1 for a place that is
    off the network, ``fraction`` (p,) how far along the segment the place stands.
    """

    node: Integers
    travel_time_s: Floats
    length_m: Floats
    segment: Integers
    fraction: Floats

    def rows(self, rows: slice) -> Ends:
        """The ends of some of the places."""
        return Ends(
            self.node[rows],
            self.travel_time_s[rows],
            self.length_m[rows],
            self.segment[rows],
            self.fraction[rows],
        )


class Labels(NamedTuple):
    """What a search finds out of each node: least time, metres of that way, the arc it is reached by."""

    time_s: Floats
    length_m: Floats
    by_arc: Integers


def new_labels(nodes: int, *, with_ways: bool = False) -> Labels:
    """Room for what a search finds; without ``with_ways`` it does not remember by which arcs."""
    return Labels(np.empty(nodes), np.empty(nodes), np.empty(nodes if with_ways else 0, np.int32))


@nb.njit(cache=True, nogil=True)
def search(arcs: Arcs, place: int, ends: Ends, limit_s: float, labels: Labels, heap: Heap) -> None:
    """Label every node with the least time from a place; those beyond the limit stay infinite.

    Args:
        arcs: The network.
        place: Row of the place among ``ends``.
        ends: Where the search begins.
        limit_s: How far to search.
        labels: Filled.
        heap: Work space with room for every arc and two more.
    """
    time, length, by_arc = labels
    time[:] = np.inf
    length[:] = np.inf
    by_arc[:] = -1
    size = 0
    for end in range(2):
        node = ends.node[place, end]
        reached = ends.travel_time_s[place, end]
        if node >= 0 and reached < time[node] and reached <= limit_s:
            time[node] = reached
            length[node] = ends.length_m[place, end]
            size = push(heap, size, reached, node)
    while size > 0:
        key, node = heap.keys[0], heap.nodes[0]
        size = drop_first(heap, size)
        if key > time[node]:
            continue
        for arc in range(arcs.first[node], arcs.first[node + 1]):
            other = arcs.head[arc]
            reached = key + arcs.travel_time_s[arc]
            if reached < time[other] and reached <= limit_s:
                time[other] = reached
                length[other] = length[node] + arcs.length_m[arc]
                if len(by_arc) > 0:
                    by_arc[other] = arc
                size = push(heap, size, reached, other)


@nb.njit(cache=True, nogil=True)
def along_segment(tracks: Tracks, segment: int, begin: float, finish: float) -> float:
    """Seconds from one fraction of a segment to another without leaving it."""
    if finish == begin:
        return 0.0
    time_s: float = tracks.forward_s[segment] if finish > begin else tracks.backward_s[segment]
    return abs(finish - begin) * time_s


@nb.njit(cache=True, nogil=True)
def many_to_many(
    arcs: Arcs, tracks: Tracks, origins: Ends, targets: Ends, limit_s: float, seconds: Matrix, metres: Matrix
) -> None:
    """Fill ``seconds`` and ``metres`` (origins, targets), infinite where there is no way within the limit."""
    labels = Labels(np.empty(len(arcs.first) - 1), np.empty(len(arcs.first) - 1), np.empty(0, np.int32))
    heap = Heap(np.empty(len(arcs.head) + 2), np.empty(len(arcs.head) + 2, np.int32))
    for i in range(len(origins.segment)):
        search(arcs, i, origins, limit_s, labels, heap)
        for j in range(len(targets.segment)):
            best = np.inf
            distance = np.inf
            for end in range(2):
                node = targets.node[j, end]
                if node >= 0 and labels.time_s[node] + targets.travel_time_s[j, end] < best:
                    best = labels.time_s[node] + targets.travel_time_s[j, end]
                    distance = labels.length_m[node] + targets.length_m[j, end]
            segment = origins.segment[i]
            if segment >= 0 and segment == targets.segment[j]:
                direct = along_segment(tracks, segment, origins.fraction[i], targets.fraction[j])
                if direct < best:
                    best = direct
                    distance = abs(targets.fraction[j] - origins.fraction[i]) * tracks.length_m[segment]
            within = best <= limit_s
            seconds[i, j] = best if within else np.inf
            metres[i, j] = distance if within else np.inf
