"""When each stop of a route can start at the earliest and at the latest, in compiled code.

A route fixes an order of stops; what remains are bounds on differences of times: drive and service take
their time, windows bound each stop, a rider must not sit longer than the ride limit, a route must not last
longer than the driver's day. The earliest schedule is the least solution of these inequalities. It is found
by walking forward and, where a rider would sit too long, moving that rider's pickup later and walking on
from there; the latest schedule mirrors it. A route is feasible exactly if the earliest schedule exists.

Sources: Hunsaker & Savelsbergh 2002, Operations Research Letters 30:169-173 (feasibility of a fixed route);
Firat & Woeginger 2011, Operations Research Letters 39:32-35 (as difference constraints).
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.transport.darp.instance import DarpInstance

TOLERANCE = 1e-7
"""Slack in the instance's unit of time that rounding in sums of times may use up."""

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Problem(NamedTuple):
    """The instance as flat arrays for compiled code; windows are tightened, breaks sorted by vehicle."""

    time: FloatArray
    cost: FloatArray
    service: FloatArray
    earliest: FloatArray
    latest: FloatArray
    demand: IntArray
    max_ride: FloatArray
    start: IntArray
    end: IntArray
    capacity: IntArray
    max_duration: FloatArray
    shift_start: FloatArray
    shift_end: FloatArray
    break_offset: IntArray
    break_earliest: FloatArray
    break_latest: FloatArray
    break_duration: FloatArray
    fleet_class: IntArray


def problem_of(instance: DarpInstance) -> Problem:
    """The arrays of an instance, with windows that no feasible plan can use cut away."""
    earliest, latest = tighten_windows(instance)
    breaks = sorted(instance.breaks, key=lambda one: (one.vehicle, one.earliest, one.latest))
    counts = np.bincount([one.vehicle for one in breaks], minlength=instance.vehicles)
    return Problem(
        time=np.ascontiguousarray(instance.travel_time, dtype=np.float64),
        cost=np.ascontiguousarray(instance.cost, dtype=np.float64),
        service=np.ascontiguousarray(instance.service_duration, dtype=np.float64),
        earliest=earliest,
        latest=latest,
        demand=np.ascontiguousarray(instance.demand, dtype=np.int64),
        max_ride=np.ascontiguousarray(instance.max_ride_time, dtype=np.float64),
        start=np.ascontiguousarray(instance.vehicle_start, dtype=np.int64),
        end=np.ascontiguousarray(instance.vehicle_end, dtype=np.int64),
        capacity=np.ascontiguousarray(instance.capacity, dtype=np.int64),
        max_duration=np.ascontiguousarray(instance.max_route_duration, dtype=np.float64),
        shift_start=np.ascontiguousarray(instance.shift_start, dtype=np.float64),
        shift_end=np.ascontiguousarray(instance.shift_end, dtype=np.float64),
        break_offset=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        break_earliest=np.array([one.earliest for one in breaks], dtype=np.float64),
        break_latest=np.array([one.latest for one in breaks], dtype=np.float64),
        break_duration=np.array([one.duration for one in breaks], dtype=np.float64),
        fleet_class=fleet_classes(instance),
    )


def tighten_windows(instance: DarpInstance) -> tuple[FloatArray, FloatArray]:
    """Windows without the parts that no feasible plan can use (Cordeau 2006, section 5.1.1).

    Returns:
        Earliest and latest start of service at each node, each of shape (nodes,).
    """
    n = instance.requests
    pickup, dropoff = np.arange(1, n + 1), np.arange(n + 1, 2 * n + 1)
    earliest, latest = instance.earliest.copy(), instance.latest.copy()
    if instance.vehicles and n:
        out = instance.shift_start[:, None] + instance.travel_time[instance.vehicle_start, 1 : 2 * n + 1]
        back = instance.shift_end[:, None] - instance.travel_time[1 : 2 * n + 1, instance.vehicle_end].T
        earliest[1 : 2 * n + 1] = np.maximum(earliest[1 : 2 * n + 1], out.min(axis=0))
        latest[1 : 2 * n + 1] = np.minimum(
            latest[1 : 2 * n + 1], back.max(axis=0) - instance.service_duration[1 : 2 * n + 1]
        )
    direct = instance.service_duration[pickup] + instance.travel_time[pickup, dropoff]
    longest = instance.service_duration[pickup] + instance.max_ride_time
    earliest[dropoff] = np.maximum(earliest[dropoff], earliest[pickup] + direct)
    latest[pickup] = np.minimum(latest[pickup], latest[dropoff] - direct)
    earliest[pickup] = np.maximum(earliest[pickup], earliest[dropoff] - longest)
    latest[dropoff] = np.minimum(latest[dropoff], latest[pickup] + longest)
    return earliest, latest


def fleet_classes(instance: DarpInstance) -> IntArray:
    """A number per vehicle, equal for vehicles that can stand in for one another, shape (vehicles,)."""
    breaks: list[tuple[tuple[float, float, float], ...]] = [
        tuple(sorted((b.earliest, b.latest, b.duration) for b in instance.breaks if b.vehicle == vehicle))
        for vehicle in range(instance.vehicles)
    ]
    seen: dict[tuple[object, ...], int] = {}
    classes = []
    for vehicle in range(instance.vehicles):
        key = (
            int(instance.vehicle_start[vehicle]),
            int(instance.vehicle_end[vehicle]),
            tuple(instance.capacity[vehicle].tolist()),
            float(instance.max_route_duration[vehicle]),
            float(instance.shift_start[vehicle]),
            float(instance.shift_end[vehicle]),
            breaks[vehicle],
        )
        classes.append(seen.setdefault(key, len(seen)))
    return np.array(classes, dtype=np.int64)


@numba.njit(cache=True)
def last_before(stops: IntArray, index: int, node: int) -> int:
    """Index of a node that stands before an index of a route."""
    index -= 1
    while stops[index] != node:
        index -= 1
    return index


@numba.njit(cache=True)
def first_after(stops: IntArray, index: int, node: int) -> int:
    """Index of a node that stands after an index of a route."""
    index += 1
    while stops[index] != node:
        index += 1
    return index


@numba.njit(cache=True)
def earliest_schedule(problem: Problem, vehicle: int, stops: IntArray, begin: FloatArray) -> bool:
    """Least start times of a route whose driver takes no break, or False if it has none.

    Args:
        problem: The problem.
        vehicle: Index of the vehicle.
        stops: Nodes from start depot to end depot, both included, shape (stops,).
        begin: Filled with the start of service at each stop, shape (stops,).

    Returns:
        Whether the route is feasible in time.
    """
    count = len(stops)
    n = len(problem.max_ride)
    path = np.empty(count)  # drive and service up to each stop, without waiting
    begin[0] = problem.shift_start[vehicle]
    path[0] = 0.0
    raised = np.full(count, -np.inf)
    index = 1
    while index < count:
        node, previous = stops[index], stops[index - 1]
        service = problem.service[previous] if index > 1 else 0.0
        leg = service + problem.time[previous, node]
        path[index] = path[index - 1] + leg
        last = index == count - 1
        start = max(begin[index - 1] + leg, raised[index])
        if not last:
            start = max(start, problem.earliest[node])
        limit = problem.shift_end[vehicle] if last else problem.latest[node]
        if start > limit + TOLERANCE:
            return False
        begin[index] = start
        origin, allowed = -1, 0.0
        if last:
            origin, allowed = 0, problem.max_duration[vehicle]
        elif node > n:
            origin = last_before(stops, index, node - n)
            allowed = problem.max_ride[node - n - 1] + problem.service[node - n]
        if origin >= 0 and start - begin[origin] > allowed + TOLERANCE:
            # Too long aboard: leave the origin later, if waiting on the way allows it.
            if path[index] - path[origin] > allowed + TOLERANCE:
                return False
            needed = start - allowed
            cap = np.inf if origin == 0 else problem.latest[stops[origin]]
            if needed > cap + TOLERANCE:
                return False
            raised[origin] = needed
            begin[origin] = needed
            index = origin + 1
            continue
        index += 1
    return True


@numba.njit(cache=True)
def latest_schedule(problem: Problem, vehicle: int, stops: IntArray, begin: FloatArray) -> None:
    """Greatest start times of a feasible route without breaks; the mirror of ``earliest_schedule``.

    Args:
        problem: The problem.
        vehicle: Index of the vehicle.
        stops: Nodes from start depot to end depot, both included, shape (stops,).
        begin: Filled with the start of service at each stop, shape (stops,).
    """
    count = len(stops)
    n = len(problem.max_ride)
    lowered = np.full(count, np.inf)
    begin[count - 1] = problem.shift_end[vehicle]
    index = count - 2
    while index >= 0:
        node, following = stops[index], stops[index + 1]
        service = problem.service[node] if index > 0 else 0.0
        start = min(begin[index + 1] - service - problem.time[node, following], lowered[index])
        if index > 0:
            start = min(start, problem.latest[node])
        begin[index] = start
        target, allowed = -1, 0.0
        if index == 0:
            target, allowed = count - 1, problem.max_duration[vehicle]
        elif node <= n:
            target = first_after(stops, index, node + n)
            allowed = problem.max_ride[node - 1] + problem.service[node]
        if target >= 0 and begin[target] - start > allowed + TOLERANCE:
            lowered[target] = start + allowed
            begin[target] = start + allowed
            index = target - 1
            continue
        index -= 1


@numba.njit(cache=True)
def feasible(problem: Problem, vehicle: int, stops: IntArray, begin: FloatArray) -> bool:
    """Whether a route with its driver's breaks can be driven in time; fills ``begin`` if so."""
    first, last = problem.break_offset[vehicle], problem.break_offset[vehicle + 1]
    if first == last:
        return earliest_schedule(problem, vehicle, stops, begin)
    after = np.empty(last - first, np.int64)
    return place_breaks(problem, vehicle, stops, begin, after, np.empty(last - first))


@numba.njit(cache=True)
def place_breaks(
    problem: Problem, vehicle: int, stops: IntArray, begin: FloatArray, after: IntArray, starts: FloatArray
) -> bool:
    """Find stops after which the driver can take each break, trying every order-keeping choice.

    Args:
        problem: The problem.
        vehicle: Index of the vehicle.
        stops: Nodes from start depot to end depot, both included, shape (stops,).
        begin: Filled with the start of service at each stop, shape (stops,).
        after: Filled with the index in ``stops`` after which each break is taken, shape (breaks,); 0 is
            before leaving the depot and the last index after returning.
        starts: Filled with the start of each break, shape (breaks,).

    Returns:
        Whether the route with its breaks is feasible.
    """
    count, breaks = len(stops), len(after)
    # Without breaks it must be feasible in any case, and mostly this is what fails.
    if not earliest_schedule(problem, vehicle, stops, begin):
        return False
    empty = np.ones(count, np.bool_)
    on_board = 0
    for index in range(1, count - 1):
        on_board += 1 if stops[index] <= len(problem.max_ride) else -1
        empty[index] = on_board == 0
    after[:] = 0
    while True:
        usable = True
        for b in range(breaks):
            usable = usable and empty[after[b]]
        if usable and schedule_with_breaks(problem, vehicle, stops, after, begin, starts):
            return True
        b = breaks - 1
        while b >= 0 and after[b] == count - 1:
            b -= 1
        if b < 0:
            return False
        after[b:] = after[b] + 1


@numba.njit(cache=True)
def schedule_with_breaks(
    problem: Problem, vehicle: int, stops: IntArray, after: IntArray, begin: FloatArray, starts: FloatArray
) -> bool:
    """Least start times of a route whose breaks are taken after given stops, or False."""
    count = len(stops)
    n = len(problem.max_ride)
    raised = np.full(count, -np.inf)
    begin[0] = rest(problem, vehicle, problem.shift_start[vehicle], 0, after, starts)
    index = 1
    # Each pickup that is moved later is walked from again. The guard ends a walk that creeps up to a window
    # by tiny steps.
    for _ in range(count * count + count):
        if index == count or not np.isfinite(begin[index - 1]):
            break
        node, previous = stops[index], stops[index - 1]
        last = index == count - 1
        free = begin[index - 1]
        if index > 1:
            free = rest(problem, vehicle, free + problem.service[previous], index - 1, after, starts)
        start = max(free + problem.time[previous, node], raised[index])
        if not last:
            start = max(start, problem.earliest[node])
        if not start <= (problem.shift_end[vehicle] if last else problem.latest[node]) + TOLERANCE:
            return False
        begin[index] = start
        origin, allowed = -1, 0.0
        if last:
            origin, allowed = 0, problem.max_duration[vehicle]
        elif node > n:
            origin = last_before(stops, index, node - n)
            allowed = problem.max_ride[node - n - 1] + problem.service[node - n]
        if origin >= 0 and start - begin[origin] > allowed + TOLERANCE:
            raised[origin] = start - allowed
            begin[origin] = raised[origin]
            if origin > 0 and raised[origin] > problem.latest[stops[origin]] + TOLERANCE:
                return False
            index = origin
        index += 1
    if index < count or not np.isfinite(begin[count - 1]):
        return False
    rested = rest(problem, vehicle, begin[count - 1], count - 1, after, starts)
    return bool(rested <= problem.shift_end[vehicle] + TOLERANCE)


@numba.njit(cache=True)
def rest(
    problem: Problem, vehicle: int, free: float, index: int, after: IntArray, starts: FloatArray
) -> float:
    """When the driver, free at a time after a stop, has taken the breaks due there; inf if too late."""
    first = problem.break_offset[vehicle]
    for b in range(len(after)):
        if after[b] == index:
            starts[b] = max(free, problem.break_earliest[first + b])
            if starts[b] > problem.break_latest[first + b] + TOLERANCE:
                return np.inf
            free = starts[b] + problem.break_duration[first + b]
    return free
