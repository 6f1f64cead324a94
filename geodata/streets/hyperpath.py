"""Optimal strategies in public transport, in compiled code.

Who waits where several useful lines call does not pick one beforehand but boards the first that comes. Spiess
and Florian (1989, Transportation Research B 23:83-102) showed that the best such strategy to one destination
is found by one label-setting pass backwards from it; EMME and its like assign passengers by it.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from geodata.streets.heap import Heap, drop_first, push
from geodata.streets.shortest import Floats, Integers, Matrix

PARTS = 4
"""In-vehicle seconds, waiting seconds, walking seconds, boardings."""

RIDING, WAITING, WALKING, BOARDING = range(PARTS)


class Lines(NamedTuple):
    """*Calls* (a line at a stop) sorted by stop, the rides that end at each, and the walks to each stop.

    ``frequency`` is in departures per second. ``calls_first``, ``rides_first`` and ``walks_first`` tell where
    those of each stop, call and stop begin. ``ride_tail`` is a call, ``walk_tail`` a stop.
    """

    stop_of: Integers
    frequency: Floats
    calls_first: Integers
    rides_first: Integers
    ride_tail: Integers
    ride_s: Floats
    walks_first: Integers
    walk_tail: Integers
    walk_s: Floats


class Strategy(NamedTuple):
    """Expected seconds to the destination and their parts from each node: stops first, then calls.

    The sums run over the attractive lines of each stop, weighted by their frequencies.
    """

    time_s: Floats
    parts: Floats
    frequency_sum: Floats
    time_sum: Floats
    part_sum: Floats


@nb.njit(cache=True, nogil=True)
def _settle_stop(lines: Lines, stop: int, now: Strategy, heap: Heap, size: int) -> int:
    """Tell the calls at a stop, and the stops from which one walks to it, how far it is from here."""
    stops = len(lines.calls_first) - 1
    key = now.time_s[stop]
    for call in range(stops + lines.calls_first[stop], stops + lines.calls_first[stop + 1]):
        if key < now.time_s[call]:
            now.time_s[call] = key
            now.parts[call] = now.parts[stop]
            size = push(heap, size, key, call)
    for walk in range(lines.walks_first[stop], lines.walks_first[stop + 1]):
        tail = lines.walk_tail[walk]
        reached = key + lines.walk_s[walk]
        if reached < now.time_s[tail]:
            now.time_s[tail] = reached
            now.parts[tail] = now.parts[stop]
            now.parts[tail, WALKING] += lines.walk_s[walk]
            size = push(heap, size, reached, tail)
    return size


@nb.njit(cache=True, nogil=True)
def _settle_call(lines: Lines, call: int, now: Strategy, wait_share: float, heap: Heap, size: int) -> int:
    """Tell the call before how far it is, and let those who wait at the stop board if that is better."""
    stops = len(lines.calls_first) - 1
    node = stops + call
    key = now.time_s[node]
    for ride in range(lines.rides_first[call], lines.rides_first[call + 1]):
        tail = stops + lines.ride_tail[ride]
        reached = key + lines.ride_s[ride]
        if reached < now.time_s[tail]:
            now.time_s[tail] = reached
            now.parts[tail] = now.parts[node]
            now.parts[tail, RIDING] += lines.ride_s[ride]
            size = push(heap, size, reached, tail)
    stop = lines.stop_of[call]
    if key < now.time_s[stop]:
        # Boarding this line when it comes first beats waiting for the others, or walking.
        now.frequency_sum[stop] += lines.frequency[call]
        now.time_sum[stop] += lines.frequency[call] * key
        now.part_sum[stop] += lines.frequency[call] * now.parts[node]
        reached = (wait_share + now.time_sum[stop]) / now.frequency_sum[stop]
        if reached < now.time_s[stop]:
            now.time_s[stop] = reached
            now.parts[stop] = now.part_sum[stop] / now.frequency_sum[stop]
            now.parts[stop, WAITING] += wait_share / now.frequency_sum[stop]
            now.parts[stop, BOARDING] += 1.0
            size = push(heap, size, reached, stop)
    return size


@nb.njit(cache=True, nogil=True)
def _to_target(
    lines: Lines, egress_stop: Integers, egress_s: Matrix, wait_share: float, now: Strategy, heap: Heap
) -> None:
    """The best strategy from everywhere to a destination that is reached on foot from some stops."""
    now.time_s[:] = np.inf
    now.frequency_sum[:] = 0.0
    now.time_sum[:] = 0.0
    now.part_sum[:] = 0.0
    size = 0
    for k in range(len(egress_stop)):
        stop = egress_stop[k]
        if stop >= 0 and egress_s[k] < now.time_s[stop]:
            now.time_s[stop] = egress_s[k]
            now.parts[stop] = 0.0
            now.parts[stop, WALKING] = egress_s[k]
            size = push(heap, size, now.time_s[stop], stop)
    stops = len(lines.calls_first) - 1
    while size > 0:
        key, node = heap.keys[0], heap.nodes[0]
        size = drop_first(heap, size)
        if key > now.time_s[node]:
            continue
        if node < stops:
            size = _settle_stop(lines, node, now, heap, size)
        else:
            size = _settle_call(lines, node - stops, now, wait_share, heap, size)


@nb.njit(cache=True, nogil=True)
def expected_times(
    lines: Lines,
    wait_share: float,
    access_stop: Integers,
    access_s: Matrix,
    egress_stop: Integers,
    egress_s: Matrix,
    out: NDArray[np.float32],
) -> None:
    """Fill ``out`` (origins, destinations, 1 + PARTS) with expected seconds and what they are made of.

    Args:
        lines: The lines that run.
        wait_share: Expected wait over headway.
        access_stop: Stops near each origin (o, k), -1 for none.
        access_s: Walking time to each (o, k).
        egress_stop: Stops near each destination (d, k).
        egress_s: Walking time from each (d, k).
        out: Filled; infinite where there is no way.
    """
    stops, calls = len(lines.calls_first) - 1, len(lines.stop_of)
    now = Strategy(
        np.empty(stops + calls), np.empty((stops + calls, PARTS)),
        np.empty(stops), np.empty(stops), np.empty((stops, PARTS)),
    )  # fmt: skip
    room = egress_stop.shape[1] + 2 * calls + len(lines.ride_tail) + len(lines.walk_tail) + 1
    heap = Heap(np.empty(room), np.empty(room, np.int32))
    for target in range(len(egress_stop)):
        _to_target(lines, egress_stop[target], egress_s[target], wait_share, now, heap)
        for origin in range(len(access_stop)):
            best = -1
            least = np.inf
            for k in range(access_stop.shape[1]):
                stop = access_stop[origin, k]
                if stop >= 0 and access_s[origin, k] + now.time_s[stop] < least:
                    least = access_s[origin, k] + now.time_s[stop]
                    best = k
            out[origin, target] = np.inf
            if best >= 0:
                out[origin, target, 0] = least
                out[origin, target, 1:] = now.parts[access_stop[origin, best]]
                out[origin, target, 1 + WALKING] += access_s[origin, best]
