"""Which riders to take out of a plan: related ones, costly ones, strings, a route, a moment of the day.

Sources: Shaw 1998, CP98, LNCS 1520:417-431 (related); Ropke & Pisinger 2006, Transportation Science
40:455-472 (worst); Christiaens & Vanden Berghe 2020, Transportation Science 54:417-433 (strings).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.transport.darp.schedule import Problem
from pilots.transport.darp.search import Search, random_served

MOST_REMOVED = 30


@numba.njit(cache=True)
def remove_some(
    problem: Problem, search: Search, marked: NDArray[np.bool_], removal: int, generator: np.random.Generator
) -> None:
    """Mark the requests that one way of removal takes out of the current plan."""
    n = len(problem.max_ride)
    served = 0
    for request in range(1, n + 1):
        served += search.current.vehicle[request] >= 0
    if served == 0:
        return
    most = min(served, max(4, min(MOST_REMOVED, int(0.4 * n))))
    least = min(most, 2)
    target = least + int(generator.random() ** 2 * (most - least + 1))
    if removal == 0:
        _remove_random(search, marked, target, generator)
    elif removal == 1:
        _remove_related(search, marked, target, generator)
    elif removal == 2:
        _remove_worst(problem, search, marked, target, generator)
    elif removal == 3:
        _remove_strings(problem, search, marked, target, generator)
    elif removal == 4:
        _remove_route(problem, search, marked, target, generator)
    else:
        _remove_same_time(problem, search, marked, target, generator)


@numba.njit(cache=True)
def _remove_random(
    search: Search, marked: NDArray[np.bool_], target: int, generator: np.random.Generator
) -> None:
    for _ in range(target):
        request = random_served(search, marked, generator)
        if request == 0:
            return
        marked[request] = True


@numba.njit(cache=True)
def _remove_related(
    search: Search, marked: NDArray[np.bool_], target: int, generator: np.random.Generator
) -> None:
    """Shaw removal: requests near in place and time to one already taken out."""
    taken = np.empty(target, np.int64)
    taken[0] = random_served(search, marked, generator)
    if taken[0] == 0:
        return
    marked[taken[0]] = True
    for count in range(1, target):
        near = search.near[taken[int(generator.random() * count)]]
        skip = int(generator.random() ** 4 * len(near))
        found = 0
        for shift in range(len(near)):
            request = near[(skip + shift) % len(near)]
            if search.current.vehicle[request] >= 0 and not marked[request]:
                found = request
                break
        if found == 0:
            return
        marked[found] = True
        taken[count] = found


@numba.njit(cache=True)
def _remove_worst(
    problem: Problem, search: Search, marked: NDArray[np.bool_], target: int, generator: np.random.Generator
) -> None:
    """Requests whose stops cost most where they are."""
    n = len(problem.max_ride)
    saving = np.full(n + 1, -np.inf)
    plan = search.current
    for vehicle in range(len(plan.length)):
        stops = plan.stops[vehicle, : plan.length[vehicle]]
        for index in range(1, len(stops) - 1):
            request = stops[index] if stops[index] <= n else stops[index] - n
            before, after = stops[index - 1], stops[index + 1]
            detour = problem.cost[before, stops[index]] + problem.cost[stops[index], after]
            extra = detour - problem.cost[before, after]
            saving[request] = extra if saving[request] == -np.inf else saving[request] + extra
    order = np.argsort(-saving)
    for _ in range(target):
        skip = int(generator.random() ** 3 * (n + 1))
        for shift in range(n + 1):
            request = order[(skip + shift) % (n + 1)]
            if request > 0 and plan.vehicle[request] >= 0 and not marked[request]:
                marked[request] = True
                break


@numba.njit(cache=True)
def _remove_strings(
    problem: Problem, search: Search, marked: NDArray[np.bool_], target: int, generator: np.random.Generator
) -> None:
    """Strings of consecutive stops in routes around a random request."""
    n = len(problem.max_ride)
    plan = search.current
    seed = random_served(search, marked, generator)
    if seed == 0:
        return
    hit = np.zeros(len(plan.length), np.bool_)
    left = target
    strings = 1 + int(generator.random() * 3)
    for rank in range(-1, search.near.shape[1]):
        request = seed if rank < 0 else search.near[seed, rank]
        vehicle = plan.vehicle[request]
        if vehicle < 0 or hit[vehicle] or marked[request]:
            continue
        hit[vehicle] = True
        count = plan.length[vehicle]
        centre = 1
        wanted = request if generator.random() < 0.5 else request + n
        for index in range(1, count - 1):
            if plan.stops[vehicle, index] == wanted:
                centre = index
        size = max(1, (2 * target) // strings)
        begin = max(1, centre - int(generator.random() * size))
        for index in range(begin, min(count - 1, begin + size)):
            stop = plan.stops[vehicle, index]
            one = stop if stop <= n else stop - n
            if not marked[one] and left > 0:
                marked[one] = True
                left -= 1
        strings -= 1
        if left <= 0 or strings == 0:
            return


@numba.njit(cache=True)
def _remove_route(
    problem: Problem, search: Search, marked: NDArray[np.bool_], target: int, generator: np.random.Generator
) -> None:
    """Riders of one vehicle, and of the vehicle of a related rider, up to the target."""
    n = len(problem.max_ride)
    plan = search.current
    seed = random_served(search, marked, generator)
    if seed == 0:
        return
    vehicle = plan.vehicle[seed]
    left = max(target, 1)
    count = plan.length[vehicle]
    begin = int(generator.random() * count)
    for shift in range(count):
        stop = plan.stops[vehicle, (begin + shift) % count]
        if 1 <= stop <= n and left > 0 and plan.vehicle[stop] == vehicle and not marked[stop]:
            marked[stop] = True
            left -= 1


@numba.njit(cache=True)
def _remove_same_time(
    problem: Problem, search: Search, marked: NDArray[np.bool_], target: int, generator: np.random.Generator
) -> None:
    """Requests picked up around one moment, wherever they are."""
    n = len(problem.max_ride)
    plan = search.current
    when = np.full(n + 1, np.inf)
    for vehicle in range(len(plan.length)):
        for index in range(1, plan.length[vehicle] - 1):
            if plan.stops[vehicle, index] <= n:
                when[plan.stops[vehicle, index]] = plan.earliest[vehicle, index]
    seed = random_served(search, marked, generator)
    if seed == 0:
        return
    order = np.argsort(np.abs(when - when[seed]))
    left = target
    for request in order:
        if left == 0:
            return
        if request > 0 and plan.vehicle[request] >= 0 and not marked[request] and generator.random() < 0.7:
            marked[request] = True
            left -= 1
