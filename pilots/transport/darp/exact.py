"""How far a plan can be from the best one: a proof, by an event-based mixed-integer program on HiGHS.

Vehicles are a flow through the event graph, so that order, pairing and capacity hold by construction; times
are one number per stop. A quick search gives a plan to beat; with it, arcs that cannot be part of a better
plan are dropped before branching begins.

Sources: Gaul, Klamroth & Stiglmayr 2022, European Journal of Operational Research 301:1046-1067 (the
formulation with one time per location); Huangfu & Hall 2018, Mathematical Programming Computation
10:119-142 (HiGHS).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from geodata.errors import InvalidInput
from pilots.transport.darp.alns import solve
from pilots.transport.darp.events import EventGraph, TooManyEvents, event_graph
from pilots.transport.darp.instance import DarpInstance
from pilots.transport.darp.plans import scheduled
from pilots.transport.darp.schedule import TOLERANCE, FloatArray, IntArray, Problem, feasible, problem_of
from pilots.transport.darp.solution import DarpSolution

MOST_EVENTS = 200_000
_SEARCH_STEPS = 3000
_SEARCH_SHARE = 0.1  # of the time limit
_RELAXED = "relaxed"  # a better plan was found, but it cannot be driven


def solve_exact(instance: DarpInstance, time_limit_s: float) -> DarpSolution:
    """Plan a pre-booked day and prove how good the plan is.

    Meant for tight windows and small vehicles (up to about a hundred requests); where the event graph is too
    large, the plan of a short search comes back with a weak bound.

    Args:
        instance: The problem. Travel times must obey the triangle inequality. Drivers' breaks are left out
            of the program: its bound holds with them too, and its plan is taken if the breaks fit in.
        time_limit_s: Seconds of wall clock.

    Returns:
        The best plan known with its ``lower_bound``; ``status`` is ``"optimal"`` if it is proven best and
        ``"infeasible"`` if it is proven that not everybody can be served.

    Raises:
        InvalidInput: The instance has times that break the triangle inequality.
    """
    _require_provable(instance, time_limit_s)
    if instance.breaks:
        return _with_breaks(instance, time_limit_s)
    deadline = time.monotonic() + time_limit_s
    problem = problem_of(instance)
    plan = solve(instance, max(0.5, _SEARCH_SHARE * time_limit_s), 0, iterations=_SEARCH_STEPS)
    if instance.requests == 0:
        return replace(plan, lower_bound=0.0, status="optimal")
    plan = replace(plan, lower_bound=_assignment_bound(instance))
    if instance.vehicles == 0:
        return plan
    try:
        graph = event_graph(problem, MOST_EVENTS)
    except TooManyEvents:
        return plan
    answer = _prove(instance, _Program(problem, graph, with_durations=False), plan, deadline)
    if answer.status == _RELAXED:
        # Without the limit on durations a route ran too long; the bound stays valid, the plan does not.
        program = _Program(problem, graph, with_durations=True)
        answer = _prove(instance, program, replace(answer, status=plan.status), deadline)
    return answer


def _with_breaks(instance: DarpInstance, time_limit_s: float) -> DarpSolution:
    """The best plan known with breaks, and the bound of the problem without them."""
    relaxed = solve_exact(replace(instance, breaks=()), time_limit_s)
    problem = problem_of(instance)
    plan = solve(instance, max(0.5, _SEARCH_SHARE * time_limit_s), 0, iterations=_SEARCH_STEPS)
    if relaxed.status == "infeasible":
        return replace(plan, status="infeasible")
    ends = zip(problem.start, relaxed.routes, problem.end, strict=True)
    routes = [np.array([start, *stops, end], dtype=np.int64) for start, stops, end in ends]
    if not relaxed.unserved and _drivable(problem, routes) and (plan.unserved or relaxed.cost < plan.cost):
        plan = scheduled(instance, problem, routes)
    bound = relaxed.lower_bound
    proven = not plan.unserved and bound is not None and plan.cost - bound <= 1e-6 * max(1.0, plan.cost)
    return replace(plan, lower_bound=bound, status="optimal" if proven else plan.status)


def _require_provable(instance: DarpInstance, time_limit_s: float) -> None:
    if not time_limit_s > 0:
        raise InvalidInput("a limit must be above zero", field="time_limit_s", value=time_limit_s)
    times = instance.travel_time
    for via in range(len(times)):
        detour = times[:, via, None] + times[None, via, :] + instance.service_duration[via]
        if (detour < times - TOLERANCE).any():
            origin, target = np.argwhere(detour < times - TOLERANCE)[0].tolist()
            raise InvalidInput(
                f"going from node {origin} to {target} by way of {via} is faster than going straight",
                file=instance.name,
                field="travel_time",
                value=float(times[origin, target]),
                expected="shortest times",
            )


def _assignment_bound(instance: DarpInstance) -> float:
    """A lower bound from choosing the cheapest way on from every stop (Toth & Vigo 2014, section 2.4)."""
    n, vehicles = instance.requests, instance.vehicles
    visits = np.arange(1, 2 * n + 1)
    cost = np.zeros((2 * n + vehicles, 2 * n + vehicles))
    cost[: 2 * n, : 2 * n] = instance.cost[np.ix_(visits, visits)]
    cost[np.arange(2 * n), np.arange(2 * n)] = np.inf
    cost[: 2 * n, 2 * n :] = instance.cost[np.ix_(visits, instance.vehicle_end)]
    cost[2 * n :, : 2 * n] = instance.cost[np.ix_(instance.vehicle_start, visits)]
    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].sum())


class _Program:
    """The mixed-integer program over an event graph: arc flows first, then a time per stop."""

    def __init__(self, problem: Problem, graph: EventGraph, *, with_durations: bool) -> None:
        self.problem = problem
        self.graph = graph
        self.n = len(problem.max_ride)
        self.arcs = len(graph.tail)
        self.rows: list[_Rows] = []
        self._flows()
        self._windows()
        self._order()
        self._rides()
        self.columns = self.arcs + 2 * self.n
        if with_durations:
            self._durations()

    def _times(self, nodes: IntArray) -> IntArray:
        """Columns of the times of stops."""
        return self.arcs + nodes - 1

    def _flows(self) -> None:
        graph, n = self.graph, self.n
        arcs = np.arange(self.arcs)
        events = len(graph.node)
        conserve = sparse.csr_matrix(
            (np.concatenate([np.ones(self.arcs), -np.ones(self.arcs)]),
             (np.concatenate([graph.head, graph.tail]), np.concatenate([arcs, arcs]))),
            shape=(events, self.arcs),
        )  # fmt: skip
        self._add(conserve[graph.node > 0], 0.0, 0.0)
        entered = graph.node[graph.head]
        pickup = (entered >= 1) & (entered <= n)
        self._add(_incidence(entered[pickup] - 1, arcs[pickup], n), 1.0, 1.0)
        leaving = graph.node[graph.tail] == 0
        label = graph.fleet_class[graph.tail[leaving]]
        fleet = np.bincount(self.problem.fleet_class)
        self._add(_incidence(label, arcs[leaving], len(fleet)), -np.inf, fleet.astype(np.float64))

    def _windows(self) -> None:
        """A stop's time lies between what the arc taken into it and the arc taken out of it allow."""
        graph = self.graph
        arcs = np.arange(self.arcs)
        for into in (True, False):
            event = graph.head if into else graph.tail
            stop = graph.node[event]
            bound = (
                np.maximum(graph.earliest[graph.head], graph.earliest[graph.tail] + graph.leg)
                if into
                else np.minimum(graph.latest[graph.tail], self._latest_arrival() - graph.leg)
            )
            at = stop > 0
            matrix = _incidence(stop[at] - 1, arcs[at], 2 * self.n, -bound[at])
            times = _incidence(np.arange(2 * self.n), self._times(np.arange(1, 2 * self.n + 1)), 2 * self.n)
            both = _beside(matrix, times)
            self._add(both, 0.0 if into else -np.inf, np.inf if into else 0.0)

    def _latest_arrival(self) -> FloatArray:
        """Latest arrival over each arc; a depot's latest is the end of the shift."""
        return self.graph.latest[self.graph.head]

    def _order(self) -> None:
        """A stop after another starts when the drive between them is over, if the arc is taken."""
        graph = self.graph
        origin, target = graph.node[graph.tail], graph.node[graph.head]
        inner = np.flatnonzero((origin > 0) & (target > 0))
        pair, row = np.unique(origin[inner] * (2 * self.n + 1) + target[inner], return_inverse=True)
        start, end = pair // (2 * self.n + 1), pair % (2 * self.n + 1)
        leg = self.problem.service[start] + self.problem.time[start, end]
        slack = np.maximum(self.problem.latest[start] + leg - self.problem.earliest[end], 0.0)
        count = len(pair)
        matrix = sparse.csr_matrix(
            (np.concatenate([-slack[row], np.ones(count), -np.ones(count)]),
             (np.concatenate([row, np.arange(count), np.arange(count)]),
              np.concatenate([inner, self._times(end), self._times(start)]))),
            shape=(count, self.arcs + 2 * self.n),
        )  # fmt: skip
        self._add(matrix, leg - slack, np.inf)

    def _rides(self) -> None:
        pickup = np.arange(1, self.n + 1)
        service = self.problem.service[pickup]
        rows = np.arange(self.n)
        matrix = sparse.csr_matrix(
            (np.concatenate([np.ones(self.n), -np.ones(self.n)]),
             (np.concatenate([rows, rows]),
              np.concatenate([self._times(pickup + self.n), self._times(pickup)]))),
            shape=(self.n, self.arcs + 2 * self.n),
        )  # fmt: skip
        direct = self.problem.time[pickup, pickup + self.n]
        self._add(matrix, service + direct, service + self.problem.max_ride)

    def _durations(self) -> None:
        """One more column per stop: when its vehicle left the depot, at the latest."""
        graph, problem = self.graph, self.problem
        origin, target = graph.node[graph.tail], graph.node[graph.head]
        vehicle = np.array(
            [np.flatnonzero(problem.fleet_class == c)[0] for c in range(graph.fleet_class.max() + 1)]
        )
        vehicle = vehicle[graph.fleet_class[graph.tail]]
        horizon = problem.shift_end[vehicle] - problem.shift_start[vehicle]
        longest = problem.max_duration[vehicle]
        out, back = origin == 0, target == 0
        # A route's first stop fixes its departure, each stop hands it on, the last one is held to it.
        late = np.where(back, self._times(origin), self.columns + target - 1)
        soon = np.where(out, self._times(target), self.columns + origin - 1)
        limit = np.where(out, -graph.leg, np.where(back, longest - graph.leg, 0.0))
        arcs = np.arange(self.arcs)
        matrix = sparse.csr_matrix(
            (
                np.concatenate([np.ones(self.arcs), -np.ones(self.arcs), horizon]),
                (np.tile(arcs, 3), np.concatenate([late, soon, arcs])),
            ),
            shape=(self.arcs, self.columns + 2 * self.n),
        )
        self._add(matrix, -np.inf, limit + horizon)
        self.columns += 2 * self.n

    def _add(self, matrix: sparse.csr_matrix, low: float | FloatArray, high: float | FloatArray) -> None:
        rows = matrix.shape[0]
        self.rows.append(_Rows(matrix, np.broadcast_to(low, rows), np.broadcast_to(high, rows)))

    def highs(self, kept: IntArray, deadline: float, *, whole: bool) -> highspy.Highs:
        """A HiGHS model over some of the arcs."""
        columns = np.concatenate([kept, np.arange(self.arcs, self.columns)])
        matrix = sparse.vstack([_widened(rows.matrix, self.columns) for rows in self.rows], format="csc")
        matrix = matrix[:, columns]
        stops = np.arange(1, 2 * self.n + 1)
        flows = len(kept)
        extra = self.columns - self.arcs - 2 * self.n
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(columns), matrix.shape[0]
        lp.col_cost_ = np.concatenate([self.graph.cost[kept], np.zeros(2 * self.n + extra)])
        lp.col_lower_ = np.concatenate(
            [np.zeros(flows), self.problem.earliest[stops], np.full(extra, self.problem.shift_start.min())]
        )
        lp.col_upper_ = np.concatenate(
            [np.ones(flows), self.problem.latest[stops], np.full(extra, self.problem.shift_end.max())]
        )
        lp.row_lower_ = np.concatenate([rows.low for rows in self.rows])
        lp.row_upper_ = np.concatenate([rows.high for rows in self.rows])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        if whole:
            kinds = [highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous]
            lp.integrality_ = [kinds[0]] * flows + [kinds[1]] * (len(columns) - flows)
        model = highspy.Highs()  # type: ignore[no-untyped-call]
        model.setOptionValue("output_flag", False)  # noqa: FBT003
        model.setOptionValue("threads", 1)
        model.setOptionValue("mip_rel_gap", 1e-7)
        model.setOptionValue("time_limit", max(0.1, deadline - time.monotonic()))
        model.passModel(lp)
        return model


@dataclass(frozen=True)
class _Rows:
    matrix: sparse.csr_matrix
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def _incidence(
    rows: IntArray, columns: IntArray, count: int, values: FloatArray | None = None
) -> sparse.csr_matrix:
    width = int(columns.max()) + 1 if len(columns) else 1
    return sparse.csr_matrix(
        (np.ones(len(rows)) if values is None else values, (rows, columns)), shape=(count, width)
    )


def _widened(matrix: sparse.csr_matrix, columns: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], columns))


def _beside(first: sparse.csr_matrix, second: sparse.csr_matrix) -> sparse.csr_matrix:
    """The sum of two matrices of different width."""
    width = max(first.shape[1], second.shape[1])
    return _widened(first, width) + _widened(second, width)


def _prove(instance: DarpInstance, program: _Program, plan: DarpSolution, deadline: float) -> DarpSolution:
    """Solve the program, given the best plan known."""
    everything = np.arange(program.arcs)
    relaxed = program.highs(everything, deadline, whole=False)
    relaxed.run()
    status = relaxed.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible and plan.unserved:
        return replace(plan, status="infeasible", lower_bound=None)
    if status != highspy.HighsModelStatus.kOptimal:
        return plan
    least = float(relaxed.getInfo().objective_function_value)
    bound = max(least, plan.lower_bound or 0.0)
    upper = np.inf if plan.unserved else plan.cost
    # What an arc adds to a plan is known above this program's own relaxation, not above a better bound.
    reduced = np.array(relaxed.getSolution().col_dual)[: program.arcs]
    kept = everything[reduced <= upper - least + 1e-6]
    model = program.highs(kept, deadline, whole=True)
    if np.isfinite(upper):
        # Nothing dearer is of interest; equal cost is, so that a model without a plan means a proof.
        model.setOptionValue("objective_bound", upper + 1e-4)
    model.run()
    return _answer(instance, program, kept, model, plan, bound)


def _answer(
    instance: DarpInstance,
    program: _Program,
    kept: IntArray,
    model: highspy.Highs,
    plan: DarpSolution,
    bound: float,
) -> DarpSolution:
    """The better of the plan known and the one found, with what is proven."""
    status = model.getModelStatus()
    upper = np.inf if plan.unserved else plan.cost
    if status == highspy.HighsModelStatus.kInfeasible:
        if plan.unserved:
            return replace(plan, status="infeasible", lower_bound=None)
        return replace(plan, status="optimal", lower_bound=plan.cost)
    info = model.getInfo()
    bound = max(bound, min(upper, float(info.mip_dual_bound)))
    flows = np.array(model.getSolution().col_value)[: len(kept)]
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if feasible and len(flows) and info.objective_function_value < upper - 1e-6:
        routes = _routes_of(program, kept[flows > 0.5])
        if not _drivable(program.problem, routes):
            return replace(plan, lower_bound=bound, status=_RELAXED)
        plan = scheduled(instance, program.problem, routes)
    if plan.unserved:
        return replace(plan, lower_bound=bound)
    proven = plan.cost - bound <= 1e-6 * max(1.0, plan.cost)
    return replace(plan, lower_bound=min(bound, plan.cost), status="optimal" if proven else "feasible")


def _routes_of(program: _Program, arcs: IntArray) -> list[IntArray]:
    """The routes that arcs with flow form, one per vehicle, from depot to depot."""
    graph, problem = program.graph, program.problem
    inner = arcs[graph.node[graph.tail[arcs]] > 0]
    following = dict(zip(graph.tail[inner].tolist(), graph.head[inner].tolist(), strict=True))
    classes = range(int(problem.fleet_class.max()) + 1)
    free = {label: np.flatnonzero(problem.fleet_class == label).tolist() for label in classes}
    routes = [np.array([start, end]) for start, end in zip(problem.start, problem.end, strict=True)]
    for arc in arcs[graph.node[graph.tail[arcs]] == 0]:
        event, stops = int(graph.head[arc]), []
        while graph.node[event] > 0:
            stops.append(int(graph.node[event]))
            event = following[event]
        vehicle = free[int(graph.fleet_class[graph.tail[arc]])].pop(0)
        routes[vehicle] = np.array([problem.start[vehicle], *stops, problem.end[vehicle]])
    return routes


def _drivable(problem: Problem, routes: list[IntArray]) -> bool:
    return all(
        feasible(problem, vehicle, stops, np.empty(len(stops)))
        for vehicle, stops in enumerate(routes)
        if len(stops) > 2
    )
