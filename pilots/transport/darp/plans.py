"""From the solvers' flat routes to a plan that people read: times at every stop, breaks, cost."""

from __future__ import annotations

import numpy as np

from geodata.errors import TwinboxError
from pilots.transport.darp.insertion import Plan
from pilots.transport.darp.instance import DarpInstance
from pilots.transport.darp.schedule import IntArray, Problem, place_breaks
from pilots.transport.darp.solution import DarpSolution, TakenBreak


def solution_of(
    instance: DarpInstance,
    problem: Problem,
    plan: Plan,
    *,
    iterations: int,
    lower_bound: float | None = None,
) -> DarpSolution:
    """The plan that flat arrays hold, scheduled as early as possible but not leaving depots too soon."""
    unserved = tuple(int(r) for r in range(1, instance.requests + 1) if plan.vehicle[r] < 0)
    routes = [plan.stops[vehicle, : plan.length[vehicle]] for vehicle in range(instance.vehicles)]
    return scheduled(
        instance, problem, routes, unserved=unserved, iterations=iterations, lower_bound=lower_bound
    )


def scheduled(
    instance: DarpInstance,
    problem: Problem,
    routes: list[IntArray],
    *,
    unserved: tuple[int, ...] = (),
    iterations: int = 0,
    lower_bound: float | None = None,
    status: str | None = None,
) -> DarpSolution:
    """A solution from routes given as nodes from depot to depot."""
    starts, departures, returns, breaks = [], [], [], []
    cost = 0.0
    for vehicle, stops in enumerate(routes):
        begin, taken = _times(instance, problem, vehicle, stops)
        starts.append(tuple(float(time) for time in begin[1:-1]))
        departures.append(float(begin[0]))
        returns.append(float(begin[-1]))
        breaks.extend(taken)
        if len(stops) > 2:
            cost += float(problem.cost[stops[:-1], stops[1:]].sum())
    return DarpSolution(
        instance=instance.name,
        routes=tuple(tuple(int(node) for node in stops[1:-1]) for stops in routes),
        service_starts=tuple(starts),
        departures=tuple(departures),
        returns=tuple(returns),
        cost=cost,
        unserved=unserved,
        breaks=tuple(breaks),
        lower_bound=lower_bound,
        status=status or ("incomplete" if unserved else "feasible"),
        iterations=iterations,
    )


def _times(
    instance: DarpInstance, problem: Problem, vehicle: int, stops: IntArray
) -> tuple[np.ndarray, list[TakenBreak]]:
    """Start of service at each stop of a route, and its breaks."""
    begin = np.zeros(len(stops))
    begin[:] = instance.shift_start[vehicle]
    if len(stops) == 2:
        return begin, []
    first, last = problem.break_offset[vehicle], problem.break_offset[vehicle + 1]
    after, starts = np.zeros(last - first, np.int64), np.zeros(last - first)
    if not place_breaks(problem, vehicle, stops, begin, after, starts):
        raise TwinboxError("a route of the plan cannot be driven", field="routes", value=stops.tolist())
    taken = [
        TakenBreak(vehicle, int(after[b]), float(starts[b]), float(problem.break_duration[first + b]))
        for b in range(last - first)
    ]
    # Waiting at the first stop is better spent in the depot.
    begin[0] = max(begin[0], begin[1] - problem.time[stops[0], stops[1]])
    return begin, taken
