"""Routes worth remembering, and the best plan that can be put together from them.

A search throws away good routes with the plans they stood in. Kept in a pool, they are columns of a set
partitioning problem: choose routes so that every rider is in exactly one and every vehicle drives at most
one. HiGHS solves it, and the search goes on from there.

Source: Parragh & Schmid 2013, Computers & Operations Research 40:490-497 (columns and large neighbourhoods
for dial-a-ride).
"""

from __future__ import annotations

from typing import NamedTuple

import highspy
import numba
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pilots.transport.darp.insertion import Plan
from pilots.transport.darp.schedule import FloatArray, IntArray, Problem

CAPACITY = 60_000
_TABLE = 1 << 18


class Pool(NamedTuple):
    """Routes by the set of riders they carry; of each set only the cheapest.

    Attributes:
        stops: Nodes of each route without its depots, shape (capacity, 2n).
        length: Number of those nodes, shape (capacity,).
        cost: Cost of each route, shape (capacity,).
        fleet_class: Class of vehicles that drive it, shape (capacity,).
        riders: Hash of its riders and class, shape (capacity,).
        table: Open-addressing table from hash to route, -1 where empty.
        held: Number of routes held, shape (1,).
    """

    stops: NDArray[np.int16]
    length: IntArray
    cost: FloatArray
    fleet_class: IntArray
    riders: NDArray[np.uint64]
    table: IntArray
    held: IntArray


def empty_pool(problem: Problem) -> Pool:
    """A pool without routes."""
    return Pool(
        stops=np.zeros((CAPACITY, 2 * len(problem.max_ride)), np.int16),
        length=np.zeros(CAPACITY, np.int64),
        cost=np.zeros(CAPACITY),
        fleet_class=np.zeros(CAPACITY, np.int64),
        riders=np.zeros(CAPACITY, np.uint64),
        table=np.full(_TABLE, -1, np.int64),
        held=np.zeros(1, np.int64),
    )


@numba.njit(cache=True)
def remember_routes(problem: Problem, pool: Pool, plan: Plan) -> None:
    """Put the routes of a plan into the pool; a full pool takes no new sets of riders."""
    n = len(problem.max_ride)
    for vehicle in range(len(plan.length)):
        count = plan.length[vehicle] - 2
        if count <= 0:
            continue
        riders = np.uint64(problem.fleet_class[vehicle] + 1)
        for index in range(1, count + 1):
            stop = plan.stops[vehicle, index]
            if stop <= n:
                mixed = np.uint64(stop) * np.uint64(0x9E3779B97F4A7C15)
                mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
                riders += mixed ^ (mixed >> np.uint64(32))
        slot = np.int64(riders & np.uint64(_TABLE - 1))
        while pool.table[slot] >= 0 and pool.riders[pool.table[slot]] != riders:
            slot = (slot + 1) & (_TABLE - 1)
        route = pool.table[slot]
        if route < 0:
            if pool.held[0] == CAPACITY:
                continue
            route = pool.held[0]
            pool.held[0] += 1
            pool.table[slot] = route
        elif pool.cost[route] <= plan.cost[vehicle] + 1e-9:
            continue
        pool.riders[route] = riders
        pool.cost[route] = plan.cost[vehicle]
        pool.length[route] = count
        pool.fleet_class[route] = problem.fleet_class[vehicle]
        for index in range(count):
            pool.stops[route, index] = plan.stops[vehicle, index + 1]


def best_choice(
    problem: Problem, pool: Pool, incumbent: float, time_limit_s: float | None
) -> IntArray | None:
    """Routes of the cheapest plan made of pooled routes alone.

    Args:
        problem: The problem.
        pool: The routes.
        incumbent: Only a plan that costs less is of interest.
        time_limit_s: Seconds HiGHS may take; None for as many nodes as it needs up to a fixed number, which
            gives the same answer on every machine.

    Returns:
        Indices of the chosen routes, or None if there is no cheaper plan.
    """
    count = int(pool.held[0])
    cover = _cover(problem, pool, count)
    costs, classes = pool.cost[:count], pool.fleet_class[:count]
    vehicles = np.bincount(problem.fleet_class)
    relaxed = _model(cover, costs, classes, vehicles, time_limit_s, whole=False)
    relaxed.run()
    if relaxed.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    bound = relaxed.getInfo().objective_function_value
    reduced = np.array(relaxed.getSolution().col_dual)
    kept = np.flatnonzero(reduced < incumbent - bound - 1e-6)
    if len(kept) == 0:
        return None
    model = _model(cover[:, kept], costs[kept], classes[kept], vehicles, time_limit_s, whole=True)
    model.setOptionValue("objective_bound", float(incumbent))
    model.run()
    # HiGHS hands back its last point even where no whole plan beats the bound, riders left out and all.
    feasible = model.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if not feasible or model.getInfo().objective_function_value > incumbent - 1e-6:
        return None
    return kept[np.array(model.getSolution().col_value) > 0.5]


def _cover(problem: Problem, pool: Pool, count: int) -> sparse.csc_matrix:
    """Which requests each pooled route carries, shape (n, routes)."""
    n = len(problem.max_ride)
    stops = pool.stops[:count].astype(np.int64)
    inside = np.arange(stops.shape[1]) < pool.length[:count, None]
    route, place = np.nonzero(inside & (stops >= 1) & (stops <= n))
    return sparse.csc_matrix((np.ones(len(route)), (stops[route, place] - 1, route)), shape=(n, count))


def _model(
    cover: sparse.csc_matrix,
    costs: FloatArray,
    classes: IntArray,
    vehicles: IntArray,
    time_limit_s: float | None,
    *,
    whole: bool,
) -> highspy.Highs:
    riders, routes = cover.shape
    of_class = sparse.csc_matrix(
        (np.ones(routes), (classes, np.arange(routes))), shape=(len(vehicles), routes)
    )
    matrix = sparse.vstack([cover, of_class], format="csc")
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = routes, riders + len(vehicles)
    lp.col_cost_ = costs
    lp.col_lower_, lp.col_upper_ = np.zeros(routes), np.full(routes, 1.0 if whole else np.inf)
    lp.row_lower_ = np.concatenate([np.ones(riders), np.full(len(vehicles), -np.inf)])
    lp.row_upper_ = np.concatenate([np.ones(riders), vehicles.astype(np.float64)])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = matrix.indptr
    lp.a_matrix_.index_ = matrix.indices
    lp.a_matrix_.value_ = matrix.data
    if whole:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * routes
    model = highspy.Highs()  # type: ignore[no-untyped-call]
    model.setOptionValue("output_flag", False)  # noqa: FBT003
    model.setOptionValue("threads", 1)
    model.setOptionValue("mip_max_nodes", 500)
    if time_limit_s is not None:
        model.setOptionValue("time_limit", max(0.05, float(time_limit_s)))
    model.passModel(lp)
    return model
