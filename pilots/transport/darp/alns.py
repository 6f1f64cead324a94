"""Adaptive large neighbourhood search: plans for pre-booked days that no exact method can finish.

Part of the riders are taken out of the plan (related ones, costly ones, strings of neighbours along routes)
and put back where they cost least; plans that are a little worse are accepted early and rarely late. Ways of
taking out and putting back that did well are used more often.

Sources: Ropke & Pisinger 2006, Transportation Science 40:455-472 (the method, regret insertion, weights);
Christiaens & Vanden Berghe 2020, Transportation Science 54:417-433 (strings, blinks); Gschwind & Drexl 2019,
Transportation Science 53:480-491 (for dial-a-ride).
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from pilots.transport.darp.insertion import (
    Memory,
    Plan,
    copy_plan,
    empty_memory,
    empty_plan,
    insert,
    fits,
    refresh,
    remembered_insertion,
    remove_marked,
)
from pilots.transport.darp.instance import DarpInstance
from pilots.transport.darp.plans import solution_of
from pilots.transport.darp.pool import Pool, best_choice, empty_pool, remember_routes
from pilots.transport.darp.schedule import Problem, problem_of, feasible
from pilots.transport.darp.solution import DarpSolution

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

REMOVALS = 6  # random, related, worst, strings, whole route, same time
INSERTIONS = 4  # in random order with blinks, far ones first, regret-2, regret-3
BLINK = 0.02  # chance that an insertion overlooks a route (Christiaens & Vanden Berghe 2020 use 1 %)
BLOCK = 100  # steps between two looks at the clock
SEGMENT = 200  # steps between two updates of the operators' weights
import json,os
PAR=json.loads(os.environ.get('PAR','[0.3,0.003,30,2.0,0.02,0.4,0.1,0.3,0.6,0.7]'))
REACTION = 0.2  # how much of a weight is renewed at each update


class Search(NamedTuple):
    """State that one step hands to the next.

    Attributes:
        current: The plan the search stands on.
        trial: Scratch space for the next plan.
        best: The best plan so far.
        memory: Insertion costs that are still valid.
        pool: Routes of accepted plans.
        near: For each request the others, most related first, shape (n + 1, n - 1).
        weights: Weights, scores and uses of removals then insertions, shape (3, REMOVALS + INSERTIONS).
        values: Objective of current and best, shape (2,).
        scale: Cost of leaving a rider out, and a typical cost per rider, shape (2,).
    """

    current: Plan
    trial: Plan
    best: Plan
    memory: Memory
    pool: Pool
    near: IntArray
    weights: FloatArray
    values: FloatArray
    scale: FloatArray


def solve(
    instance: DarpInstance, time_limit_s: float | None, seed: int, *, iterations: int | None = None
) -> DarpSolution:
    """Plan a pre-booked day by adaptive large neighbourhood search.

    Given ``iterations``, the same seed gives the same plan on every machine; given only a time limit, a
    faster machine searches further. Compiling on first use does not count against the limit.

    Args:
        instance: The problem.
        time_limit_s: Seconds of wall clock to search, or None with ``iterations``.
        seed: Seed of the search.
        iterations: Steps to take at most.

    Returns:
        The best plan found; its ``unserved`` riders are those that found no place.

    Raises:
        InvalidInput: Neither limit is given, or one is not above zero.
    """
    _require_limits(time_limit_s, iterations)
    problem = problem_of(instance)
    if instance.requests == 0 or instance.vehicles == 0:
        return solution_of(instance, problem, empty_plan(problem), iterations=0)
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    search = _begin(problem)
    _advance(problem, search, generator, 0, 0.0, 0.0)  # compiles
    recombinations = [0.35,0.6,0.8,0.93]
    began, done, progress = time.monotonic(), 0, 0.0
    while progress < 1.0:
        block = BLOCK if iterations is None else min(BLOCK, iterations - done)
        before = progress
        progress = 0.0 if iterations is None else (done + block) / iterations
        if time_limit_s is not None and iterations is None:
            progress = (time.monotonic() - began) / time_limit_s
        elif time_limit_s is not None and time.monotonic() - began > time_limit_s:
            break
        _advance(problem, search, generator, block, before, min(progress, 1.0))
        done += block
        if recombinations and progress >= recombinations[0]:
            recombinations.pop(0)
            left = None if iterations is not None else max(0.1, 0.1*time_limit_s)
            _recombine(problem, search, left)
    return solution_of(instance, problem, search.best, iterations=done)


def _require_limits(time_limit_s: float | None, iterations: int | None) -> None:
    if time_limit_s is None and iterations is None:
        raise InvalidInput(
            "the search needs a limit", field="time_limit_s", expected="a time limit or a number of iterations"
        )
    for field, value in (("time_limit_s", time_limit_s), ("iterations", iterations)):
        if value is not None and not value > 0:
            raise InvalidInput("a limit must be above zero", field=field, value=value, expected="above 0")


def _begin(problem: Problem) -> Search:
    served = slice(1, len(problem.max_ride) + 1)
    typical = float(problem.cost[served, len(problem.max_ride) + 1 : 2 * len(problem.max_ride) + 1].mean())
    left_out = 4.0 * float(problem.cost.max()) + 1.0
    unserved = left_out * len(problem.max_ride)
    return Search(
        current=empty_plan(problem),
        trial=empty_plan(problem),
        best=empty_plan(problem),
        memory=empty_memory(problem),
        pool=empty_pool(problem),
        near=_relatedness(problem),
        weights=np.concatenate(
            [np.ones((1, REMOVALS + INSERTIONS)), np.zeros((2, REMOVALS + INSERTIONS))]
        ),
        values=np.array([unserved, unserved]),
        scale=np.array([left_out, max(typical, 1e-9)]+PAR),
    )


def _relatedness(problem: Problem) -> IntArray:
    """Each request's others by distance and time between their ends (Shaw 1998), most related first."""
    n = len(problem.max_ride)
    pickup, dropoff = np.arange(1, n + 1), np.arange(n + 1, 2 * n + 1)
    near_pickup = problem.cost[np.ix_(pickup, pickup)]
    near_dropoff = problem.cost[np.ix_(dropoff, dropoff)]
    middle = (problem.earliest + problem.latest) / 2
    apart_pickup = np.abs(middle[pickup][:, None] - middle[pickup])
    apart_dropoff = np.abs(middle[dropoff][:, None] - middle[dropoff])
    distance = near_pickup + near_dropoff
    hours = apart_pickup + apart_dropoff
    related = distance / max(distance.mean(), 1e-9) + hours / max(hours.mean(), 1e-9)
    np.fill_diagonal(related, -1.0)
    near = np.zeros((n + 1, max(n - 1, 0)), np.int64)
    near[1:] = np.argsort(related, axis=1, kind="stable")[:, 1:] + 1
    return near


def _recombine(problem: Problem, search: Search, time_limit_s: float | None) -> None:
    """Let the search go on from the best plan that the pool's routes make, if it beats the best so far."""
    t=time.time()
    chosen = best_choice(problem, search.pool, float(search.values[1]), time_limit_s)
    if os.environ.get('V'): print('pool',search.pool.count[0],'took',round(time.time()-t,2), search.values, end=' ')
    if chosen is None:
        if os.environ.get('V'): print('nothing')
        return
    plan = empty_plan(problem)
    free = {label: list(np.flatnonzero(problem.fleet_class == label)) for label in set(problem.fleet_class.tolist())}
    for route in chosen:
        vehicle = free[int(search.pool.fleet_class[route])].pop(0)
        count = int(search.pool.length[route])
        stops = search.pool.stops[route, :count]
        plan.stops[vehicle, 1 : count + 1] = stops
        plan.stops[vehicle, count + 1] = problem.end[vehicle]
        plan.length[vehicle] = count + 2
        plan.vehicle[stops[stops <= len(problem.max_ride)]] = vehicle
        refresh(problem, plan, vehicle)
    for target in (search.current, search.best):
        copy_plan(plan, target)
    search.values[:] = plan.cost.sum()
    if os.environ.get('V'): print(search.values)


@numba.njit(cache=True)
def _advance(
    problem: Problem, search: Search, generator: np.random.Generator, steps: int, begun: float, ended: float
) -> None:
    """Take a block of steps while the search's progress goes from one share to another."""
    n = len(problem.max_ride)
    marked = np.zeros(n + 1, np.bool_)
    current, trial, best = search.current, search.trial, search.best
    weights, values = search.weights, search.values
    for step in range(steps):
        progress = begun + (ended - begun) * step / steps
        removal = 0
        insertion = REMOVALS
        copy_plan(current, trial)
        kind = generator.random()
        if kind < search.scale[9]:
            ok = _relocate(problem, search, marked, generator)
        elif kind < search.scale[10]:
            ok = _exchange(problem, search, marked, generator)
        elif kind < search.scale[11]:
            ok = _swap_tails(problem, search, generator)
        else:
            ok = True
            removal = _draw(weights[0, :REMOVALS], generator)
            insertion = REMOVALS + _draw(weights[0, REMOVALS:], generator)
            marked[:] = current.vehicle < 0
            marked[0] = False
            _remove(problem, search, marked, removal, generator)
            remove_marked(problem, trial, marked)
            _repair(problem, search, marked, insertion - REMOVALS, generator)
        if not ok:
            continue
        value = _value(problem, search, trial)
        # The temperature falls from accepting half of the steps that are worse by 30 % of a ride.
        temperature = search.scale[2] * search.scale[1] / np.log(2.0) * search.scale[3]**progress
        score = 0.0
        if value < values[0] - 1e-9:
            score = 2.0
        elif value < values[0] + 1e-9:
            score = 0.0
        elif generator.random() < np.exp((values[0] - value) / temperature):
            score = 1.0
        else:
            score = -1.0
        if score >= 0.0:
            copy_plan(trial, current)
            remember_routes(problem, search.pool, current)
            values[0] = value
            if value < values[1] - 1e-9:
                copy_plan(trial, best)
                values[1] = value
                score = 6.0
        for operator in (removal, insertion):
            weights[1, operator] += max(score, 0.0)
            weights[2, operator] += 1.0
        if weights[2, :REMOVALS].sum() >= SEGMENT:
            _renew(weights)


@numba.njit(cache=True)
def _relocate(problem: Problem, search: Search, marked, generator) -> bool:
    """Move a rider to the cheapest other vehicle."""
    plan, memory = search.trial, search.memory
    marked[:] = False
    request = _random_served(search, marked, generator)
    if request == 0:
        return False
    old = plan.vehicle[request]
    marked[request] = True
    remove_marked(problem, plan, marked)
    if plan.vehicle[request] >= 0: return False
    best, chosen = np.inf, -1
    noise = search.scale[8] * search.scale[1] if generator.random() < 0.5 else 0.0
    for vehicle in range(len(plan.length)):
        if vehicle == old or _overlook(plan, problem, vehicle):
            continue
        extra = remembered_insertion(problem, plan, memory, request, vehicle) + noise * (2.0 * generator.random() - 1.0)
        if extra < best:
            best, chosen = extra, vehicle
    if chosen < 0:
        return False
    insert(problem, plan, memory, request, chosen)
    return True


@numba.njit(cache=True)
def _exchange(problem: Problem, search: Search, marked, generator) -> bool:
    """Let two vehicles swap two related riders."""
    plan, memory = search.trial, search.memory
    marked[:] = False
    first = _random_served(search, marked, generator)
    if first == 0 or search.near.shape[1] == 0:
        return False
    near = search.near[first]
    second = near[int(generator.random()**2 * len(near))]
    a, b = plan.vehicle[first], plan.vehicle[second]
    if b < 0 or a == b:
        return False
    marked[first] = True
    marked[second] = True
    remove_marked(problem, plan, marked)
    if remembered_insertion(problem, plan, memory, first, b) == np.inf:
        return False
    if remembered_insertion(problem, plan, memory, second, a) == np.inf:
        return False
    insert(problem, plan, memory, first, b)
    insert(problem, plan, memory, second, a)
    return True


@numba.njit(cache=True)
def _swap_tails(problem: Problem, search: Search, generator) -> bool:
    """Let two vehicles swap what they do after a moment at which both are empty (2-opt*)."""
    plan = search.trial
    K = len(plan.length)
    if K < 2:
        return False
    a = int(generator.random() * K)
    b = int(generator.random() * (K - 1))
    b += b >= a
    na, nb = plan.length[a], plan.length[b]
    best, ba, bb = np.inf, -1, -1
    cost, time = problem.cost, problem.time
    noise = search.scale[1]
    for i in range(na - 1):
        if plan.load[a, i].sum() != 0:
            continue
        ia, ja = plan.stops[a, i], plan.stops[a, i + 1]
        sa = problem.service[ia] if i > 0 else 0.0
        for j in range(nb - 1):
            if plan.load[b, j].sum() != 0 or (i == 0 and j == 0) or (i == na - 2 and j == nb - 2):
                continue
            ib, jb = plan.stops[b, j], plan.stops[b, j + 1]
            ta = problem.end[a] if j == nb - 2 else jb
            tb = problem.end[b] if i == na - 2 else ja
            sb = problem.service[ib] if j > 0 else 0.0
            if j < nb - 2 and plan.earliest[a, i] + sa + time[ia, jb] > plan.latest[b, j + 1] + 1e-7:
                continue
            if i < na - 2 and plan.earliest[b, j] + sb + time[ib, ja] > plan.latest[a, i + 1] + 1e-7:
                continue
            delta = cost[ia, ta] + cost[ib, tb] - cost[ia, ja] - cost[ib, jb] + noise * generator.random()
            if delta < best:
                best, ba, bb = delta, i, j
    if ba < 0:
        return False
    tail_a = plan.stops[a, ba + 1 : na - 1].copy()
    tail_b = plan.stops[b, bb + 1 : nb - 1].copy()
    n = len(problem.max_ride)
    begin = np.empty(2 * n + 2)
    for v, keep, tail in ((a, ba, tail_b), (b, bb, tail_a)):
        count = keep + 1 + len(tail) + 1
        plan.stops[v, keep + 1 : count - 1] = tail
        plan.stops[v, count - 1] = problem.end[v]
        plan.length[v] = count
        if not refresh(problem, plan, v):
            return False
        if not feasible(problem, v, plan.stops[v, :count], begin):
            return False
        for index in range(1, count - 1):
            if not fits(plan.load[v, index], problem.demand[0] * 0, problem.capacity[v]):
                return False
        for stop in tail:
            if stop <= n:
                plan.vehicle[stop] = v
    return True


@numba.njit(cache=True)
def _renew(weights: FloatArray) -> None:
    for operator in range(weights.shape[1]):
        if weights[2, operator] > 0:
            earned = weights[1, operator] / weights[2, operator]
            weights[0, operator] = max(0.05, (1 - REACTION) * weights[0, operator] + REACTION * earned)
    weights[1:] = 0.0


@numba.njit(cache=True)
def _draw(weights: FloatArray, generator: np.random.Generator) -> int:
    """An index drawn with probability proportional to its weight."""
    left = generator.random() * weights.sum()
    for index in range(len(weights)):
        left -= weights[index]
        if left < 0:
            return index
    return len(weights) - 1


@numba.njit(cache=True)
def _value(problem: Problem, search: Search, plan: Plan) -> float:
    left_out = 0
    for request in range(1, len(problem.max_ride) + 1):
        left_out += plan.vehicle[request] < 0
    return plan.cost.sum() + left_out * search.scale[0]


@numba.njit(cache=True)
def _remove(
    problem: Problem, search: Search, marked: NDArray[np.bool_], removal: int, generator: np.random.Generator
) -> None:
    """Mark the requests that one way of removal takes out of the current plan."""
    n = len(problem.max_ride)
    served = 0
    for request in range(1, n + 1):
        served += search.current.vehicle[request] >= 0
    if served == 0:
        return
    most = min(served, max(4, min(int(search.scale[4]), int(search.scale[7] * n))))
    least = min(most, 2)
    target = least + int(generator.random() ** search.scale[5] * (most - least + 1))
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
def _random_served(search: Search, marked: NDArray[np.bool_], generator: np.random.Generator) -> int:
    """A random request that is in the plan and not marked, or 0."""
    n = len(marked) - 1
    begin = int(generator.random() * n)
    for shift in range(n):
        request = (begin + shift) % n + 1
        if search.current.vehicle[request] >= 0 and not marked[request]:
            return request
    return 0


@numba.njit(cache=True)
def _remove_random(
    search: Search, marked: NDArray[np.bool_], target: int, generator: np.random.Generator
) -> None:
    for _ in range(target):
        request = _random_served(search, marked, generator)
        if request == 0:
            return
        marked[request] = True


@numba.njit(cache=True)
def _remove_related(
    search: Search, marked: NDArray[np.bool_], target: int, generator: np.random.Generator
) -> None:
    """Shaw removal: requests near in place and time to one already taken out."""
    taken = np.empty(target, np.int64)
    taken[0] = _random_served(search, marked, generator)
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
    seed = _random_served(search, marked, generator)
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
    seed = _random_served(search, marked, generator)
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
    seed = _random_served(search, marked, generator)
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


@numba.njit(cache=True)
def _repair(
    problem: Problem, search: Search, marked: NDArray[np.bool_], insertion: int, generator: np.random.Generator
) -> None:
    """Put marked requests back into the trial plan, as far as they fit."""
    if insertion < 2:
        _insert_in_order(problem, search, marked, insertion, generator)
    else:
        _insert_by_regret(problem, search, marked, insertion, generator)


@numba.njit(cache=True)
def _overlook(plan: Plan, problem: Problem, vehicle: int) -> bool:
    """Whether an empty vehicle of the same class stands before this empty vehicle."""
    if plan.length[vehicle] > 2:
        return False
    for other in range(vehicle):
        if plan.length[other] == 2 and problem.fleet_class[other] == problem.fleet_class[vehicle]:
            return True
    return False


@numba.njit(cache=True)
def _insert_in_order(
    problem: Problem, search: Search, marked: NDArray[np.bool_], far_first: int, generator: np.random.Generator
) -> None:
    """Each request in turn to its cheapest place, now and then overlooking a route."""
    n = len(problem.max_ride)
    plan, memory = search.trial, search.memory
    keys = np.full(n + 1, np.inf)
    noise = search.scale[8] * search.scale[1] if generator.random() < 0.5 else 0.0
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
            if _overlook(plan, problem, vehicle) or generator.random() < search.scale[6]:
                continue
            extra = remembered_insertion(problem, plan, memory, request, vehicle) + noise * (2.0 * generator.random() - 1.0)
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
    noise = search.scale[8] * search.scale[1] if generator.random() < 0.5 else 0.0
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
        if _overlook(plan, problem, vehicle):
            continue
        extra = remembered_insertion(problem, plan, memory, request, vehicle) + noise * (2.0 * generator.random() - 1.0)
        if extra < first:
            first, second, third, chosen = extra, first, second, vehicle
        elif extra < second:
            second, third = extra, second
        elif extra < third:
            third = extra
    return first, second, third, chosen
