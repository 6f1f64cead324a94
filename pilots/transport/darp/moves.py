"""Small steps from plan to plan: a rider to another vehicle, two riders or two rests swapped, a stop shifted.

Sources: Braekers, Caris & Janssens 2014, Transportation Research B 67:166-186 (steps for dial-a-ride);
Potvin & Rousseau 1995, Journal of the Operational Research Society 46:1433-1446 (swapped rests).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.transport.darp.insertion import (
    Plan,
    fits,
    holds,
    insert,
    refresh,
    remembered_insertion,
    remove_marked,
    route_cost,
)
from pilots.transport.darp.schedule import TOLERANCE, IntArray, Problem, feasible, first_after
from pilots.transport.darp.search import NOISE, Search, random_served, twin_is_empty


@numba.njit(cache=True)
def relocate(
    problem: Problem, search: Search, marked: NDArray[np.bool_], generator: np.random.Generator
) -> bool:
    """Move a rider to the cheapest other vehicle."""
    plan, memory = search.trial, search.memory
    marked[:] = False
    request = random_served(search, marked, generator)
    if request == 0:
        return False
    old = plan.vehicle[request]
    marked[request] = True
    remove_marked(problem, plan, marked)
    noise = NOISE * search.scale[1] if generator.random() < 0.5 else 0.0
    best, chosen = np.inf, -1
    for vehicle in range(len(plan.length)):
        if vehicle == old or twin_is_empty(plan, problem, vehicle):
            continue
        extra = remembered_insertion(problem, plan, memory, request, vehicle)
        extra += noise * (2.0 * generator.random() - 1.0)
        if extra < best:
            best, chosen = extra, vehicle
    if chosen < 0:
        return False
    insert(problem, plan, memory, request, chosen)
    return True


@numba.njit(cache=True)
def exchange(
    problem: Problem, search: Search, marked: NDArray[np.bool_], generator: np.random.Generator
) -> bool:
    """Let two vehicles swap two related riders."""
    plan, memory = search.trial, search.memory
    marked[:] = False
    first = random_served(search, marked, generator)
    if first == 0 or search.near.shape[1] == 0:
        return False
    second = search.near[first, int(generator.random() ** 2 * search.near.shape[1])]
    vehicle, other = plan.vehicle[first], plan.vehicle[second]
    if other < 0 or vehicle == other:
        return False
    marked[first] = True
    marked[second] = True
    remove_marked(problem, plan, marked)
    if (
        remembered_insertion(problem, plan, memory, first, other) == np.inf
        or remembered_insertion(problem, plan, memory, second, vehicle) == np.inf
    ):
        return False
    insert(problem, plan, memory, first, other)
    insert(problem, plan, memory, second, vehicle)
    return True


@numba.njit(cache=True)
def shift_stop(
    problem: Problem, search: Search, marked: NDArray[np.bool_], generator: np.random.Generator
) -> bool:
    """Visit one stop of a route earlier or later, where that costs least.

    Putting riders in one by one at their cheapest places cannot reach every order of stops; this can.
    """
    plan, n = search.trial, len(problem.max_ride)
    marked[:] = False
    request = random_served(search, marked, generator)
    if request == 0:
        return False
    vehicle = plan.vehicle[request]
    count = plan.length[vehicle]
    stop = request if generator.random() < 0.5 else request + n
    route = plan.stops[vehicle, :count].copy()
    place = first_after(route, 0, stop)
    first = 1 if stop <= n else first_after(route, 0, request) + 1
    last = first_after(route, 0, request + n) - 1 if stop <= n else count - 2
    noise = generator.random() * search.scale[1]  # wide: several shifts in a row lead to another order
    best, begin, chosen = np.inf, np.empty(count), route
    for goal in range(first, last + 1):
        trial = _with_shift(route, place, goal)
        cost = route_cost(problem, trial) + noise * generator.random()
        if (
            goal != place
            and cost < best
            and holds(problem, vehicle, trial)
            and feasible(problem, vehicle, trial, begin)
        ):
            best, chosen = cost, trial
    if best == np.inf:
        return False
    plan.stops[vehicle, :count] = chosen
    return refresh(problem, plan, vehicle)


@numba.njit(cache=True)
def _with_shift(route: IntArray, place: int, goal: int) -> IntArray:
    """A route with the stop at one place moved to another."""
    shifted = route.copy()
    step = 1 if goal > place else -1
    for index in range(place, goal, step):
        shifted[index] = route[index + step]
    shifted[goal] = route[place]
    return shifted


@numba.njit(cache=True)
def swap_tails(problem: Problem, search: Search, generator: np.random.Generator) -> bool:
    """Let two vehicles swap what they do after moments at which both are empty (Potvin & Rousseau 1995)."""
    plan = search.trial
    vehicles = len(plan.length)
    if vehicles < 2:
        return False
    first = int(generator.random() * vehicles)
    second = (first + 1 + int(generator.random() * (vehicles - 1))) % vehicles
    cut_first, cut_second = _best_cuts(problem, plan, first, second, search.scale[1], generator)
    if cut_first < 0:
        return False
    tail_first = plan.stops[first, cut_first + 1 : plan.length[first] - 1].copy()
    tail_second = plan.stops[second, cut_second + 1 : plan.length[second] - 1].copy()
    return _replace_tail(problem, plan, first, cut_first, tail_second) and _replace_tail(
        problem, plan, second, cut_second, tail_first
    )


@numba.njit(cache=True)
def _best_cuts(
    problem: Problem, plan: Plan, first: int, second: int, noise: float, generator: np.random.Generator
) -> tuple[int, int]:
    """Stops after which two routes swap their rests at the least cost, or -1."""
    cost, time, service = problem.cost, problem.time, problem.service
    last_first, last_second = plan.length[first] - 2, plan.length[second] - 2
    best, cut_first, cut_second = np.inf, -1, -1
    for i in range(last_first + 1):
        if plan.load[first, i].sum() != 0:
            continue
        here, rest = plan.stops[first, i], plan.stops[first, i + 1]
        leave = plan.earliest[first, i] + (service[here] if i > 0 else 0.0)
        for j in range(last_second + 1):
            whole = (i == 0 and j == 0) or (i == last_first and j == last_second)
            if whole or plan.load[second, j].sum() != 0:
                continue
            there, other_rest = plan.stops[second, j], plan.stops[second, j + 1]
            onward = problem.end[first] if j == last_second else other_rest
            other_onward = problem.end[second] if i == last_first else rest
            other_leave = plan.earliest[second, j] + (service[there] if j > 0 else 0.0)
            if j < last_second and leave + time[here, onward] > plan.latest[second, j + 1] + TOLERANCE:
                continue
            if (
                i < last_first
                and other_leave + time[there, other_onward] > plan.latest[first, i + 1] + TOLERANCE
            ):
                continue
            change = (
                cost[here, onward] + cost[there, other_onward] - cost[here, rest] - cost[there, other_rest]
            )
            change += noise * generator.random()
            if change < best:
                best, cut_first, cut_second = change, i, j
    return cut_first, cut_second


@numba.njit(cache=True)
def _replace_tail(problem: Problem, plan: Plan, vehicle: int, cut: int, tail: IntArray) -> bool:
    """Let a vehicle go on with other stops after one of its own; False if it cannot."""
    n = len(problem.max_ride)
    count = cut + len(tail) + 2
    plan.stops[vehicle, cut + 1 : count - 1] = tail
    plan.stops[vehicle, count - 1] = problem.end[vehicle]
    plan.length[vehicle] = count
    if not refresh(problem, plan, vehicle):
        return False
    if not feasible(problem, vehicle, plan.stops[vehicle, :count], np.empty(count)):
        return False
    nobody = np.zeros(problem.demand.shape[1], np.int64)
    for index in range(cut + 1, count - 1):
        if not fits(plan.load[vehicle, index], nobody, problem.capacity[vehicle]):
            return False
        if plan.stops[vehicle, index] <= n:
            plan.vehicle[plan.stops[vehicle, index]] = vehicle
    return True
