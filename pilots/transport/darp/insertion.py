"""The cheapest place for a rider in a route, in compiled code.

A rider's pickup and drop-off are tried at every pair of places of a route. Most pairs fall to tests that
need no walk along the route: places on board, the earliest time the vehicle can be there against the latest
time at which the rest of the route still works, and the cheapest pair found so far. Only a pair that beats
the best one is checked in full.

Sources: Savelsbergh 1992, ORSA Journal on Computing 4:146-154 (forward time slack); Ropke & Pisinger 2006,
Transportation Science 40:455-472 (remembering insertion costs of routes that did not change).
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.transport.darp.schedule import (
    TOLERANCE,
    Problem,
    earliest_schedule,
    feasible,
    latest_schedule,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Plan(NamedTuple):
    """The routes of a plan as flat arrays, with what insertion needs to know about each.

    Attributes:
        stops: Nodes of each route from start depot to end depot, shape (vehicles, 2n + 2).
        length: Number of stops of each route, both depots included, shape (vehicles,).
        earliest: Earliest start of service at each stop, shape (vehicles, 2n + 2).
        latest: Latest start of service at each stop, shape (vehicles, 2n + 2).
        load: Places taken on leaving each stop, shape (vehicles, 2n + 2, kinds of place).
        cost: Cost of each route, shape (vehicles,).
        signature: A hash of each route's stops, shape (vehicles,).
        vehicle: Vehicle of each request 1…n or -1, shape (n + 1,).
    """

    stops: IntArray
    length: IntArray
    earliest: FloatArray
    latest: FloatArray
    load: IntArray
    cost: FloatArray
    signature: NDArray[np.uint64]
    vehicle: IntArray


class Memory(NamedTuple):
    """Cheapest insertions found so far, valid while the route's signature is unchanged.

    All of shape (n + 1, vehicles).
    """

    signature: NDArray[np.uint64]
    cost: FloatArray
    pickup: IntArray
    dropoff: IntArray


def empty_plan(problem: Problem) -> Plan:
    """A plan in which every vehicle stays in its depot."""
    requests, vehicles, kinds = len(problem.max_ride), len(problem.start), problem.demand.shape[1]
    width = 2 * requests + 2
    plan = Plan(
        stops=np.zeros((vehicles, width), np.int64),
        length=np.full(vehicles, 2, np.int64),
        earliest=np.zeros((vehicles, width)),
        latest=np.zeros((vehicles, width)),
        load=np.zeros((vehicles, width, kinds), np.int64),
        cost=np.zeros(vehicles),
        signature=np.zeros(vehicles, np.uint64),
        vehicle=np.full(requests + 1, -1, np.int64),
    )
    for vehicle in range(vehicles):
        plan.stops[vehicle, :2] = problem.start[vehicle], problem.end[vehicle]
        refresh(problem, plan, vehicle)
    return plan


def empty_memory(problem: Problem) -> Memory:
    """A memory that remembers nothing yet (no route has signature 0)."""
    shape = (len(problem.max_ride) + 1, len(problem.start))
    return Memory(
        np.zeros(shape, np.uint64),
        np.full(shape, np.inf),
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
    )


@numba.njit(cache=True)
def copy_plan(source: Plan, target: Plan) -> None:
    """Overwrite one plan with another."""
    target.length[:] = source.length
    target.cost[:] = source.cost
    target.signature[:] = source.signature
    target.vehicle[:] = source.vehicle
    for vehicle in range(len(source.length)):
        count = source.length[vehicle]
        target.stops[vehicle, :count] = source.stops[vehicle, :count]
        target.earliest[vehicle, :count] = source.earliest[vehicle, :count]
        target.latest[vehicle, :count] = source.latest[vehicle, :count]
        target.load[vehicle, :count] = source.load[vehicle, :count]


@numba.njit(cache=True)
def refresh(problem: Problem, plan: Plan, vehicle: int) -> bool:
    """Work out a changed route's times, loads, cost and signature; False if it cannot be driven."""
    count = plan.length[vehicle]
    stops = plan.stops[vehicle, :count]
    signature = np.uint64(1469598103934665603)
    cost = 0.0
    plan.load[vehicle, 0] = 0
    for index in range(count):
        signature = (signature ^ np.uint64(stops[index] + 1)) * np.uint64(1099511628211)
        if index > 0:
            cost += problem.cost[stops[index - 1], stops[index]]
            plan.load[vehicle, index] = plan.load[vehicle, index - 1]
            if index < count - 1:
                plan.load[vehicle, index] += problem.demand[stops[index]]
    plan.signature[vehicle] = signature
    plan.cost[vehicle] = cost if count > 2 else 0.0
    if not earliest_schedule(problem, vehicle, stops, plan.earliest[vehicle]):
        return False
    latest_schedule(problem, vehicle, stops, plan.latest[vehicle])
    return True


@numba.njit(cache=True)
def fits(load: IntArray, demand: IntArray, capacity: IntArray) -> bool:
    """Whether riders fit beside those on board, in every kind of place."""
    for kind in range(len(capacity)):
        if load[kind] + demand[kind] > capacity[kind]:
            return False
    return True


@numba.njit(cache=True)
def holds(problem: Problem, vehicle: int, stops: IntArray) -> bool:
    """Whether everybody has a place all along a route."""
    load = np.zeros(problem.demand.shape[1], np.int64)
    for index in range(1, len(stops) - 1):
        if not fits(load, problem.demand[stops[index]], problem.capacity[vehicle]):
            return False
        load += problem.demand[stops[index]]
    return True


@numba.njit(cache=True)
def route_cost(problem: Problem, stops: IntArray) -> float:
    """What driving from stop to stop costs."""
    cost = 0.0
    for index in range(1, len(stops)):
        cost += problem.cost[stops[index - 1], stops[index]]
    return cost


@numba.njit(cache=True)
def with_insertion(stops: IntArray, pickup_after: int, dropoff_after: int, request: int, n: int) -> IntArray:
    """A route's stops with a request's pickup and drop-off put in after given stops."""
    route = np.empty(len(stops) + 2, np.int64)
    place = 0
    for index in range(len(stops)):
        route[place] = stops[index]
        place += 1
        if index == pickup_after:
            route[place] = request
            place += 1
        if index == dropoff_after:
            route[place] = request + n
            place += 1
    return route


@numba.njit(cache=True)
def cheapest_insertion(problem: Problem, plan: Plan, request: int, vehicle: int) -> tuple[float, int, int]:
    """The cheapest feasible place for a request in a route.

    Args:
        problem: The problem.
        plan: The plan.
        request: The request, 1…n.
        vehicle: Index of the vehicle.

    Returns:
        Extra cost (inf if there is no place) and the indices of the stops after which pickup and drop-off go.
    """
    n = len(problem.max_ride)
    pickup, dropoff = request, request + n
    time, cost, service = problem.time, problem.cost, problem.service
    demand, capacity = problem.demand[pickup], problem.capacity[vehicle]
    stops = plan.stops[vehicle, : plan.length[vehicle]]
    count = len(stops)
    earliest, latest, load = plan.earliest[vehicle], plan.latest[vehicle], plan.load[vehicle]
    longest_path = problem.max_ride[request - 1] + TOLERANCE
    begin = np.empty(count + 2)
    best, best_pickup, best_dropoff = np.inf, -1, -1
    # An empty vehicle costs nothing: what it saves by staying home is part of the price.
    used = count > 2
    for i in range(count - 1):
        before, after = stops[i], stops[i + 1]
        if earliest[i] > problem.latest[pickup] + TOLERANCE:
            break
        if not fits(load[i], demand, capacity):
            continue
        arrival = earliest[i] + (service[before] if i > 0 else 0.0) + time[before, pickup]
        arrival = max(arrival, problem.earliest[pickup])
        if arrival > problem.latest[pickup] + TOLERANCE:
            continue
        skipped = cost[before, after] if used else 0.0
        # Pickup and drop-off in a row.
        at_dropoff = max(arrival + service[pickup] + time[pickup, dropoff], problem.earliest[dropoff])
        extra = cost[before, pickup] + cost[pickup, dropoff] + cost[dropoff, after] - skipped
        if (
            extra < best
            and at_dropoff <= problem.latest[dropoff] + TOLERANCE
            and at_dropoff + service[dropoff] + time[dropoff, after] <= latest[i + 1] + TOLERANCE
            and feasible(problem, vehicle, with_insertion(stops, i, i, request, n), begin)
        ):
            best, best_pickup, best_dropoff = extra, i, i
        # Drop-off after a later stop.
        extra_pickup = cost[before, pickup] + cost[pickup, after] - skipped
        if i + 1 == count - 1 or extra_pickup >= best:
            continue
        path = time[pickup, after]
        clock = arrival + service[pickup] + path
        for j in range(i + 1, count - 1):
            stop, after = stops[j], stops[j + 1]
            clock = max(clock, earliest[j])
            if clock > latest[j] + TOLERANCE or path > longest_path or not fits(load[j], demand, capacity):
                break
            leave = clock + service[stop]
            at_dropoff = max(leave + time[stop, dropoff], problem.earliest[dropoff])
            extra = extra_pickup + cost[stop, dropoff] + cost[dropoff, after] - cost[stop, after]
            if (
                extra < best
                and at_dropoff <= problem.latest[dropoff] + TOLERANCE
                and path + service[stop] + time[stop, dropoff] <= longest_path
                and at_dropoff + service[dropoff] + time[dropoff, after] <= latest[j + 1] + TOLERANCE
                and feasible(problem, vehicle, with_insertion(stops, i, j, request, n), begin)
            ):
                best, best_pickup, best_dropoff = extra, i, j
            path += service[stop] + time[stop, after]
            clock = leave + time[stop, after]
    return best, best_pickup, best_dropoff


@numba.njit(cache=True)
def remembered_insertion(problem: Problem, plan: Plan, memory: Memory, request: int, vehicle: int) -> float:
    """Extra cost of the cheapest insertion, worked out only if the route is new to the memory."""
    if memory.signature[request, vehicle] != plan.signature[vehicle]:
        extra, pickup_after, dropoff_after = cheapest_insertion(problem, plan, request, vehicle)
        memory.signature[request, vehicle] = plan.signature[vehicle]
        memory.cost[request, vehicle] = extra
        memory.pickup[request, vehicle] = pickup_after
        memory.dropoff[request, vehicle] = dropoff_after
    return float(memory.cost[request, vehicle])


@numba.njit(cache=True)
def insert(problem: Problem, plan: Plan, memory: Memory, request: int, vehicle: int) -> None:
    """Put a request into a route at its remembered place."""
    count = plan.length[vehicle]
    route = with_insertion(
        plan.stops[vehicle, :count],
        memory.pickup[request, vehicle],
        memory.dropoff[request, vehicle],
        request,
        len(problem.max_ride),
    )
    plan.stops[vehicle, : count + 2] = route
    plan.length[vehicle] = count + 2
    plan.vehicle[request] = vehicle
    refresh(problem, plan, vehicle)


@numba.njit(cache=True)
def remove_marked(problem: Problem, plan: Plan, marked: NDArray[np.bool_]) -> None:
    """Take marked requests out of their routes.

    Where travel times break the triangle inequality a route can get slower by leaving a stop out; such a
    route is emptied and its requests marked too.
    """
    n = len(problem.max_ride)
    touched = np.zeros(len(plan.length), np.bool_)
    for request in range(1, n + 1):
        if marked[request] and plan.vehicle[request] >= 0:
            touched[plan.vehicle[request]] = True
    for vehicle in range(len(plan.length)):
        if not touched[vehicle]:
            continue
        kept = drop_stops(plan, vehicle, marked, n)
        plan.length[vehicle] = kept
        begin = np.empty(kept)
        if not (
            refresh(problem, plan, vehicle) and feasible(problem, vehicle, plan.stops[vehicle, :kept], begin)
        ):
            for index in range(1, kept - 1):
                stop = plan.stops[vehicle, index]
                marked[stop if stop <= n else stop - n] = True
            plan.length[vehicle] = drop_stops(plan, vehicle, marked, n)
            refresh(problem, plan, vehicle)
    for request in range(1, n + 1):
        if marked[request]:
            plan.vehicle[request] = -1


@numba.njit(cache=True)
def drop_stops(plan: Plan, vehicle: int, marked: NDArray[np.bool_], n: int) -> int:
    """Close the gaps that marked requests leave in a route; returns its new length."""
    count, kept = plan.length[vehicle], 1
    for index in range(1, count):
        stop = plan.stops[vehicle, index]
        if index < count - 1 and marked[stop if stop <= n else stop - n]:
            continue
        plan.stops[vehicle, kept] = stop
        kept += 1
    return kept
