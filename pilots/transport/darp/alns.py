"""Adaptive large neighbourhood search: plans for pre-booked days that no exact method can finish.

Part of the riders are taken out of the plan (related ones, costly ones, strings of neighbours along routes)
and put back where they cost least; plans that are a little worse are accepted early and rarely late. Ways of
taking out and putting back that did well are used more often.

Sources: Ropke & Pisinger 2006, Transportation Science 40:455-472 (the method, regret insertion, weights);
Christiaens & Vanden Berghe 2020, Transportation Science 54:417-433 (strings, blinks); Gschwind & Drexl 2019,
Transportation Science 53:480-491 (for dial-a-ride); Kirkpatrick, Gelatt & Vecchi 1983, Science 220:671-680
(acceptance).
"""

from __future__ import annotations

import time

import numba
import numpy as np

from geodata.errors import InvalidInput
from pilots.transport.darp.insertion import (
    Plan,
    copy_plan,
    empty_memory,
    empty_plan,
    refresh,
    remove_marked,
)
from pilots.transport.darp.instance import DarpInstance
from pilots.transport.darp.moves import exchange, relocate, shift_stop, swap_tails
from pilots.transport.darp.plans import solution_of
from pilots.transport.darp.pool import best_choice, empty_pool, remember_routes
from pilots.transport.darp.removals import remove_some
from pilots.transport.darp.repairs import repair
from pilots.transport.darp.schedule import FloatArray, IntArray, Problem, problem_of
from pilots.transport.darp.search import INSERTIONS, REMOVALS, Search
from pilots.transport.darp.solution import DarpSolution

WARMTH = 0.6  # a step worse by this share of a typical ride is accepted half of the time at the start
COOLING = 0.003  # temperature at the end as a share of that at the start
RELOCATE, EXCHANGE, SHIFT_STOP, SWAP_TAILS = 0.15, 0.30, 0.34, 0.60  # cumulative shares of the small steps
BLOCK = 100  # steps between two looks at the clock
SEGMENT = 200  # removals between two updates of the operators' weights
REACTION = 0.2  # how much of a weight is renewed at each update
RECOMBINE_AT = (0.35, 0.6, 0.8, 0.93)  # progress at which pooled routes are put together anew
RECOMBINE_SHARE = 0.1  # of the time limit, at most, each time


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
    due = list(RECOMBINE_AT)
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
        if due and progress >= due[0]:
            due.pop(0)
            _recombine(problem, search, None if time_limit_s is None else RECOMBINE_SHARE * time_limit_s)
    return solution_of(instance, problem, search.best, iterations=done)


def _require_limits(time_limit_s: float | None, iterations: int | None) -> None:
    if time_limit_s is None and iterations is None:
        raise InvalidInput(
            "the search needs a limit",
            field="time_limit_s",
            expected="a time limit or a number of iterations",
        )
    for field, value in (("time_limit_s", time_limit_s), ("iterations", iterations)):
        if value is not None and not value > 0:
            raise InvalidInput("a limit must be above zero", field=field, value=value, expected="above 0")


def _begin(problem: Problem) -> Search:
    served = slice(1, len(problem.max_ride) + 1)
    typical = float(problem.cost[served, len(problem.max_ride) + 1 : 2 * len(problem.max_ride) + 1].mean())
    dearest = float(problem.cost.max())
    left_out = 4.0 * dearest + 1.0
    # No saving is worth a rider: more than any plan can cost.
    forbidding = (2.0 * len(problem.max_ride) + len(problem.start)) * dearest + 1.0
    return Search(
        current=empty_plan(problem),
        trial=empty_plan(problem),
        best=empty_plan(problem),
        memory=empty_memory(problem),
        pool=empty_pool(problem),
        near=_relatedness(problem),
        weights=np.concatenate([np.ones((1, REMOVALS + INSERTIONS)), np.zeros((2, REMOVALS + INSERTIONS))]),
        values=np.array([left_out, forbidding]) * len(problem.max_ride),
        scale=np.array([left_out, max(typical, 1e-9), forbidding]),
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
    chosen = best_choice(problem, search.pool, float(search.values[1]), time_limit_s)
    if chosen is None:
        return
    plan = empty_plan(problem)
    free = [np.flatnonzero(problem.fleet_class == label).tolist() for label in range(len(problem.start))]
    for route in chosen:
        vehicle = free[int(search.pool.fleet_class[route])].pop(0)
        stops = search.pool.stops[route, : search.pool.length[route]]
        plan.stops[vehicle, 1 : len(stops) + 1] = stops
        plan.stops[vehicle, len(stops) + 1] = problem.end[vehicle]
        plan.length[vehicle] = len(stops) + 2
        plan.vehicle[stops[stops <= len(problem.max_ride)]] = vehicle
        refresh(problem, plan, vehicle)
    for target in (search.current, search.best):
        copy_plan(plan, target)
    search.values[:] = plan.cost.sum()


@numba.njit(cache=True)
def _advance(
    problem: Problem, search: Search, generator: np.random.Generator, steps: int, begun: float, ended: float
) -> None:
    """Take a block of steps while the search's progress goes from one share to another."""
    marked = np.zeros(len(problem.max_ride) + 1, np.bool_)
    for step in range(steps):
        progress = begun + (ended - begun) * step / steps
        copy_plan(search.current, search.trial)
        kind = generator.random()
        if kind < SWAP_TAILS:
            if kind < RELOCATE:
                done = relocate(problem, search, marked, generator)
            elif kind < EXCHANGE:
                done = exchange(problem, search, marked, generator)
            elif kind < SHIFT_STOP:
                done = shift_stop(problem, search, marked, generator)
            else:
                done = swap_tails(problem, search, generator)
            if done:
                _decide(problem, search, generator, progress)
            continue
        removal = draw(search.weights[0, :REMOVALS], generator)
        insertion = draw(search.weights[0, REMOVALS:], generator)
        marked[:] = search.current.vehicle < 0
        marked[0] = False
        remove_some(problem, search, marked, removal, generator)
        remove_marked(problem, search.trial, marked)
        repair(problem, search, marked, insertion, generator)
        score = _decide(problem, search, generator, progress)
        for operator in (removal, REMOVALS + insertion):
            search.weights[1, operator] += score
            search.weights[2, operator] += 1.0
        if search.weights[2, :REMOVALS].sum() >= SEGMENT:
            _renew(search.weights)


@numba.njit(cache=True)
def _decide(problem: Problem, search: Search, generator: np.random.Generator, progress: float) -> float:
    """Accept the trial plan or not (simulated annealing); returns what the step earned its operators."""
    values = search.values
    cost, left_out = search.trial.cost.sum(), _left_out(search.trial)
    value = cost + left_out * search.scale[0]
    temperature = WARMTH * search.scale[1] / np.log(2.0) * COOLING**progress
    if value > values[0] + 1e-9 and generator.random() >= np.exp((values[0] - value) / temperature):
        return 0.0
    score = 2.0 if value < values[0] - 1e-9 else 1.0 if value > values[0] + 1e-9 else 0.0
    copy_plan(search.trial, search.current)
    remember_routes(problem, search.pool, search.current)
    values[0] = value
    worth = cost + left_out * search.scale[2]
    if worth < values[1] - 1e-9:
        copy_plan(search.trial, search.best)
        values[1] = worth
        score = 6.0
    return score


@numba.njit(cache=True)
def _renew(weights: FloatArray) -> None:
    """Shift the operators' weights towards what each earned per use."""
    for operator in range(weights.shape[1]):
        if weights[2, operator] > 0:
            earned = weights[1, operator] / weights[2, operator]
            weights[0, operator] = max(0.05, (1 - REACTION) * weights[0, operator] + REACTION * earned)
    weights[1:] = 0.0


@numba.njit(cache=True)
def draw(weights: FloatArray, generator: np.random.Generator) -> int:
    """An index drawn with probability proportional to its weight."""
    left = generator.random() * weights.sum()
    for index in range(len(weights)):
        left -= weights[index]
        if left < 0:
            return index
    return len(weights) - 1


@numba.njit(cache=True)
def _left_out(plan: Plan) -> int:
    """Number of riders without a vehicle."""
    return int((plan.vehicle[1:] < 0).sum())
