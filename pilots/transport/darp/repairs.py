"""How to put riders back into a plan: one after another where each is cheapest, or most urgent first.

Sources: Potvin & Rousseau 1993, European Journal of Operational Research 66:331-340 (regret); Christiaens &
Vanden Berghe 2020, Transportation Science 54:417-433 (blinks).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.transport.darp.insertion import Memory, Plan, insert, remembered_insertion
from pilots.transport.darp.schedule import Problem
from pilots.transport.darp.search import NOISE, Search, twin_is_empty

BLINK = 0.02  # chance that an insertion overlooks a route (Christiaens & Vanden Berghe 2020 use 1 %)


@numba.njit(cache=True)
def repair(
    problem: Problem,
    search: Search,
    marked: NDArray[np.bool_],
    insertion: int,
    generator: np.random.Generator,
) -> None:
    """Put marked requests back into the trial plan, as far as they fit."""
    if insertion < 2:
        _insert_in_order(problem, search, marked, insertion, generator)
    else:
        _insert_by_regret(problem, search, marked, insertion, generator)


@numba.njit(cache=True)
def _insert_in_order(
    problem: Problem,
    search: Search,
    marked: NDArray[np.bool_],
    far_first: int,
    generator: np.random.Generator,
) -> None:
    """Each request in turn to its cheapest place, now and then overlooking a route."""
    n = len(problem.max_ride)
    plan, memory = search.trial, search.memory
    keys = np.full(n + 1, np.inf)
    noise = NOISE * search.scale[1] if generator.random() < 0.5 else 0.0
    for request in range(1, n + 1):
        if marked[request]:
            keys[request] = generator.random()
            if far_first:
                keys[request] -= problem.cost[request, request + n] / search.scale[1]
    for request in np.argsort(keys):
        if keys[request] == np.inf:
            return
        best, chosen = np.inf, -1
        for vehicle in range(len(plan.length)):
            if twin_is_empty(plan, problem, vehicle) or generator.random() < BLINK:
                continue
            extra = remembered_insertion(problem, plan, memory, request, vehicle)
            extra += noise * (2.0 * generator.random() - 1.0)
            if extra < best:
                best, chosen = extra, vehicle
        if chosen >= 0:
            insert(problem, plan, memory, request, chosen)


@numba.njit(cache=True)
def _insert_by_regret(
    problem: Problem, search: Search, marked: NDArray[np.bool_], depth: int, generator: np.random.Generator
) -> None:
    """First the request that would lose most if its best routes were taken (Ropke & Pisinger 2006)."""
    n = len(problem.max_ride)
    plan, memory = search.trial, search.memory
    waiting = marked.copy()
    noise = NOISE * search.scale[1] if generator.random() < 0.5 else 0.0
    while True:
        best_regret, best_cost, chosen, chosen_vehicle = -np.inf, np.inf, 0, -1
        for request in range(1, n + 1):
            if not waiting[request]:
                continue
            first, second, third, vehicle = _three_cheapest(problem, plan, memory, request, noise, generator)
            if vehicle < 0:
                waiting[request] = False
                continue
            regret = min(second, search.scale[0]) - first
            if depth == 3:
                regret += min(third, search.scale[0]) - first
            if regret > best_regret or (regret == best_regret and first < best_cost):
                best_regret, best_cost, chosen, chosen_vehicle = regret, first, request, vehicle
        if chosen == 0:
            return
        insert(problem, plan, memory, chosen, chosen_vehicle)
        waiting[chosen] = False


@numba.njit(cache=True)
def _three_cheapest(
    problem: Problem, plan: Plan, memory: Memory, request: int, noise: float, generator: np.random.Generator
) -> tuple[float, float, float, int]:
    """Cost of a request's cheapest place in its three cheapest routes, and the first's vehicle."""
    first, second, third, chosen = np.inf, np.inf, np.inf, -1
    for vehicle in range(len(plan.length)):
        if twin_is_empty(plan, problem, vehicle):
            continue
        extra = remembered_insertion(problem, plan, memory, request, vehicle)
        extra += noise * (2.0 * generator.random() - 1.0)
        if extra < first:
            first, second, third, chosen = extra, first, second, vehicle
        elif extra < second:
            second, third = extra, second
        elif extra < third:
            third = extra
    return first, second, third, chosen
