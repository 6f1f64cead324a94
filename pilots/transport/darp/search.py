"""What one step of the search hands to the next, and the numbers that steer it."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.transport.darp.insertion import Memory, Plan
from pilots.transport.darp.pool import Pool
from pilots.transport.darp.schedule import FloatArray, IntArray, Problem

REMOVALS = 6  # random, related, worst, strings, one route, same time
INSERTIONS = 4  # in random order with blinks, far ones first, regret-2, regret-3
NOISE = 0.1  # spread of the noise on insertion costs, as a share of a typical ride's cost


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
        scale: Cost of leaving a rider out while searching, a typical cost per rider, and the cost of leaving
            one out by which the best plan is told, shape (3,).
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


@numba.njit(cache=True)
def random_served(search: Search, marked: NDArray[np.bool_], generator: np.random.Generator) -> int:
    """A random request that is in the plan and not marked, or 0."""
    n = len(marked) - 1
    begin = int(generator.random() * n)
    for shift in range(n):
        request = (begin + shift) % n + 1
        if search.current.vehicle[request] >= 0 and not marked[request]:
            return request
    return 0


@numba.njit(cache=True)
def twin_is_empty(plan: Plan, problem: Problem, vehicle: int) -> bool:
    """Whether an empty vehicle of the same class stands before this empty vehicle."""
    if plan.length[vehicle] > 2:
        return False
    for other in range(vehicle):
        if plan.length[other] == 2 and problem.fleet_class[other] == problem.fleet_class[vehicle]:
            return True
    return False
