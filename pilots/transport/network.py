"""Where vehicles drive: travel times and distances between places, by time of day.

A network is a set of nodes (stops, or all crossings of a street graph) with the seconds and metres of the
shortest drive between any two. Streets may be slower in some hours: a list of slices gives each hour its own
times, and a drive that begins before a change and ends after it gets its share of both, so that nobody
arrives earlier by leaving later.

Example: ``Network.from_edges(origin, target, length_m, travel_time_s)`` makes a network of a street graph;
vehicles on it can be sent elsewhere at any crossing. ``Network.from_matrices(travel_time_s, distance_m)``
makes one of tables between stops; vehicles on it finish the drive they are on.

Sources: Ichoua, Gendreau & Potvin 2003, European Journal of Operational Research 144:379-396 (drives across
changes of speed).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from geodata.errors import InvalidInput

DAY_S = 86_400.0


@dataclass(frozen=True)
class Network:
    """Places and the drives between them.

    Attributes:
        travel_time_s: Seconds from node to node in each slice, inf where there is no way, shape
            (slices, nodes, nodes).
        distance_m: Metres of those drives, shape (nodes, nodes).
        slice_start_s: Second at which each slice begins, ascending from 0; the last holds to the end,
            shape (slices,).
        next_node: First node on the way from node to node, -1 where there is none, shape (nodes, nodes);
            None where the ways between nodes are not known.
        x_m: East coordinate of each node, shape (nodes,), or None.
        y_m: North coordinate of each node, shape (nodes,), or None.
    """

    travel_time_s: NDArray[np.float32]
    distance_m: NDArray[np.float32]
    slice_start_s: NDArray[np.float64]
    next_node: NDArray[np.int32] | None = None
    x_m: NDArray[np.float64] | None = None
    y_m: NDArray[np.float64] | None = None

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.distance_m)

    @property
    def slices(self) -> int:
        """Number of slices of the day."""
        return len(self.slice_start_s)

    def drive_time_s(
        self, origin: NDArray[np.int64], target: NDArray[np.int64], depart_s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Seconds of drives that leave at given times, across changes of speed on the way.

        Args:
            origin: Node each drive leaves, shape (drives,).
            target: Node each drive enters, shape (drives,).
            depart_s: When it leaves, shape (drives,).

        Returns:
            Seconds, inf where there is no way, shape (drives,).
        """
        if self.slices == 1:
            return np.asarray(self.travel_time_s[0, origin, target], dtype=np.float64)
        ends = np.append(self.slice_start_s[1:], DAY_S)
        clock, left = np.array(depart_s, dtype=np.float64), np.ones(len(origin))
        going = np.isfinite(self.travel_time_s[0, origin, target])
        clock[~going] = np.inf
        while going.any():
            now = clock[going] % DAY_S
            current = np.searchsorted(self.slice_start_s, now, side="right") - 1
            whole = self.travel_time_s[current, origin[going], target[going]].astype(np.float64)
            room = ends[current] - now
            took = np.minimum(left[going] * whole, room)
            left[going] -= np.where(took < room, left[going], room / np.maximum(whole, 1e-9))
            clock[going] += took
            going[going] = took >= room
        return np.asarray(clock - depart_s, dtype=np.float64)

    @cached_property
    def travel_time_to_s(self) -> NDArray[np.float32]:
        """Seconds from node to node in each slice, target first: ``[slice, to, from]``."""
        return np.ascontiguousarray(self.travel_time_s.transpose(0, 2, 1))

    @cached_property
    def least_time_to_s(self) -> NDArray[np.float32]:
        """Seconds from node to node in the fastest slice, target first: ``[to, from]``."""
        times = self.travel_time_to_s
        return times[0] if self.slices == 1 else np.asarray(times.min(axis=0), dtype=np.float32)

    @classmethod
    def from_matrices(
        cls,
        travel_time_s: ArrayLike,
        distance_m: ArrayLike,
        *,
        slice_start_s: Sequence[float] = (0.0,),
        x_m: ArrayLike | None = None,
        y_m: ArrayLike | None = None,
    ) -> Network:
        """A network of tables between places.

        Args:
            travel_time_s: Seconds, shape (nodes, nodes) or (slices, nodes, nodes).
            distance_m: Metres, shape (nodes, nodes).
            slice_start_s: Second at which each slice begins.
            x_m: East coordinate of each node.
            y_m: North coordinate of each node.

        Returns:
            The network.

        Raises:
            InvalidInput: Shapes or values contradict one another.
        """
        times = np.asarray(travel_time_s, dtype=np.float32)
        times = times[None] if times.ndim == 2 else times
        distances = np.asarray(distance_m, dtype=np.float32)
        starts = np.asarray(slice_start_s, dtype=np.float64)
        _require_tables(times, distances, starts)
        return cls(times, distances, starts, None, _floats(x_m), _floats(y_m))

    @classmethod
    def from_edges(
        cls,
        origin: ArrayLike,
        target: ArrayLike,
        length_m: ArrayLike,
        travel_time_s: ArrayLike,
        *,
        nodes: int | None = None,
        slice_factor: Sequence[float] = (1.0,),
        slice_start_s: Sequence[float] = (0.0,),
        x_m: ArrayLike | None = None,
        y_m: ArrayLike | None = None,
    ) -> Network:
        """A network of a street graph; the shortest ways in time are worked out here.

        Args:
            origin: Node each edge leaves, shape (edges,).
            target: Node each edge enters, shape (edges,).
            length_m: Metres of each edge, shape (edges,).
            travel_time_s: Seconds to drive each edge, shape (edges,).
            nodes: Number of nodes; by default one more than the highest in the edges.
            slice_factor: How much longer everything takes in each slice (a snow day: 1.6).
            slice_start_s: Second at which each slice begins.
            x_m: East coordinate of each node.
            y_m: North coordinate of each node.

        Returns:
            The network.

        Raises:
            InvalidInput: An edge has an unknown node or an impossible length or time.
        """
        tail, head = np.asarray(origin, dtype=np.int64), np.asarray(target, dtype=np.int64)
        length, seconds = np.asarray(length_m, dtype=np.float64), np.asarray(travel_time_s, dtype=np.float64)
        count = int(max(tail.max(initial=-1), head.max(initial=-1))) + 1 if nodes is None else nodes
        _require_edges(tail, head, length, seconds, count)
        tail, head, length, seconds = _fastest_of_parallel(tail, head, length, seconds)
        graph = sparse.csr_matrix((seconds, (tail, head)), shape=(count, count))
        # From the targets backwards, so that the predecessor is the next node on the way.
        times, following = dijkstra(graph.T.tocsr(), directed=True, return_predecessors=True)
        times, following = times.T, following.T
        following[following < 0] = -1
        starts = np.asarray(slice_start_s, dtype=np.float64)
        factors = np.asarray(slice_factor, dtype=np.float64)
        metres = _distance_along(following, tail, head, length)
        table = (times[None] * factors[:, None, None]).astype(np.float32)
        _require_tables(table, metres, starts)
        return cls(
            table, metres, starts, np.ascontiguousarray(following, dtype=np.int32), _floats(x_m), _floats(y_m)
        )


def _floats(values: ArrayLike | None) -> NDArray[np.float64] | None:
    return None if values is None else np.asarray(values, dtype=np.float64)


def _require_tables(
    times: NDArray[np.float32], distances: NDArray[np.float32], starts: NDArray[np.float64]
) -> None:
    shape = (len(starts), *distances.shape)
    if times.shape != shape or distances.ndim != 2 or distances.shape[0] != distances.shape[1]:
        raise InvalidInput(
            "the tables of the network do not fit together",
            field="travel_time_s",
            value=times.shape,
            expected=f"{shape}: slices, nodes, nodes",
        )
    if len(starts) == 0 or starts[0] != 0 or (np.diff(starts) <= 0).any():
        raise InvalidInput("slices must begin at 0 and ascend", field="slice_start_s", value=starts.tolist())
    for field, table in (("travel_time_s", times), ("distance_m", distances)):
        if np.isnan(table).any() or (table < 0).any():
            raise InvalidInput(
                "the network has a time or distance that is negative or not a number", field=field
            )


def _require_edges(
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    length: NDArray[np.float64],
    seconds: NDArray[np.float64],
    nodes: int,
) -> None:
    if not len(tail) == len(head) == len(length) == len(seconds):
        raise InvalidInput("the edges' columns differ in length", field="travel_time_s", value=len(seconds))
    for field, ends in (("origin", tail), ("target", head)):
        wrong = np.flatnonzero((ends < 0) | (ends >= nodes))
        if len(wrong):
            raise InvalidInput(
                "an edge has an unknown node",
                row=int(wrong[0]) + 1,
                field=field,
                value=int(ends[wrong[0]]),
                expected=f"0 to {nodes - 1}",
            )
    for field, values in (("length_m", length), ("travel_time_s", seconds)):
        wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
        if len(wrong):
            raise InvalidInput(
                "an edge has an impossible value",
                row=int(wrong[0]) + 1,
                field=field,
                value=float(values[wrong[0]]),
                expected="a finite number from 0",
            )


def _fastest_of_parallel(
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    length: NDArray[np.float64],
    seconds: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Edges without loops, and of those between the same two nodes only the fastest."""
    order = np.lexsort((length, seconds, head, tail))
    order = order[tail[order] != head[order]]
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(tail[order]) != 0) | (np.diff(head[order]) != 0)
    kept = order[first]
    # A time of zero would vanish from a sparse matrix.
    return tail[kept], head[kept], length[kept], np.maximum(seconds[kept], 1e-3)


def _distance_along(
    following: NDArray[np.int32],
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    length: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Metres along the fastest ways, shape (nodes, nodes)."""
    edges = sparse.csr_matrix((length, (tail, head)), shape=following.shape)
    edges.sort_indices()
    metres = np.full(following.shape, np.inf, dtype=np.float32)
    _follow_ways(following, edges.indptr, edges.indices, edges.data, metres)
    return metres


@numba.njit(cache=True)
def _follow_ways(
    following: NDArray[np.int32],
    edge_offset: NDArray[np.int32],
    edge_head: NDArray[np.int32],
    edge_length: NDArray[np.float64],
    metres: NDArray[np.float32],
) -> None:
    """Fill in the metres of each way: those of its first edge and of the rest, which other ways share."""
    nodes = len(metres)
    stack = np.empty(nodes, np.int64)
    column = np.empty(nodes)
    for target in range(nodes):
        column[:] = np.inf
        column[target] = 0.0
        for origin in range(nodes):
            depth, node = 0, origin
            while np.isinf(column[node]) and following[node, target] >= 0:
                stack[depth] = node
                depth += 1
                node = following[node, target]
            while depth > 0:
                depth -= 1
                before = stack[depth]
                after = following[before, target]
                for edge in range(edge_offset[before], edge_offset[before + 1]):
                    if edge_head[edge] == after:
                        column[before] = edge_length[edge] + column[after]
                        break
        metres[:, target] = column
