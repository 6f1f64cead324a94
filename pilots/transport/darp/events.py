"""The event graph: every state a vehicle can be in right after a stop, and every way on from there.

An event is a stop together with everybody else on board, so that capacity, pairing and order hold along any
path through the graph and need no constraints of their own. With tight windows and small vehicles the graph
stays small enough to list.

Source: Gaul, Klamroth & Stiglmayr 2022, European Journal of Operational Research 301:1046-1067.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.transport.darp.schedule import TOLERANCE, FloatArray, IntArray, Problem, earliest_schedule

Event = tuple[int, int, tuple[int, ...]]
"""Class of vehicle, node just served (0: in the depot), other requests on board in ascending order."""


@dataclass(frozen=True)
class EventGraph:
    """Events and the moves between them.

    Attributes:
        node: Node served at each event, 0 for depots, shape (events,).
        fleet_class: Class of vehicle of each event, shape (events,).
        tail: Event each arc leaves, shape (arcs,).
        head: Event each arc enters, shape (arcs,).
        leg: Time from the start of service at the tail to arrival at the head, shape (arcs,).
        cost: Cost of each arc, shape (arcs,).
        earliest: No vehicle can be at an event before this, shape (events,).
        latest: No vehicle that can still finish its route is at an event after this, shape (events,).
    """

    node: IntArray
    fleet_class: IntArray
    tail: IntArray
    head: IntArray
    leg: FloatArray
    cost: FloatArray
    earliest: FloatArray
    latest: FloatArray


class TooManyEvents(Exception):
    """The graph outgrew its limit: windows too wide or vehicles too large for the exact method."""


def event_graph(problem: Problem, most_events: int) -> EventGraph:
    """List the events and arcs of a problem, without those that no feasible plan can use.

    Args:
        problem: The problem, without drivers' breaks.
        most_events: Give up beyond this many events.

    Returns:
        The graph; event c is the depot of class c.

    Raises:
        TooManyEvents: There are more events than asked for.
    """
    builder = _Builder(problem, most_events)
    for label in range(len(builder.vehicle_of)):
        builder.explore(label)
    return _pruned(problem, builder)


class _Builder:
    """Breadth-first listing of the events that can be reached from the depots."""

    def __init__(self, problem: Problem, most_events: int) -> None:
        self.problem = problem
        self.most_events = most_events
        self.n = len(problem.max_ride)
        self.vehicle_of = [
            int(np.flatnonzero(problem.fleet_class == label)[0])
            for label in range(int(problem.fleet_class.max()) + 1)
        ]
        self.events: list[Event] = [(label, 0, ()) for label in range(len(self.vehicle_of))]
        self.index = {event: number for number, event in enumerate(self.events)}
        self.arcs: list[tuple[int, int]] = []
        self.together = _shareable(problem, np.array(self.vehicle_of))

    def explore(self, label: int) -> None:
        """List everything that a vehicle of a class can do."""
        capacity = self.problem.capacity[self.vehicle_of[label]]
        queue = deque([label])
        while queue:
            number = queue.popleft()
            for following in self._next(self.events[number], capacity):
                known = self.index.get(following)
                if known is None:
                    known = len(self.events)
                    if known >= self.most_events:
                        raise TooManyEvents
                    self.events.append(following)
                    self.index[following] = known
                    queue.append(known)
                self.arcs.append((number, known))

    def _next(self, event: Event, capacity: IntArray) -> list[Event]:
        label, node, others = event
        on_board = tuple(sorted((*others, node))) if 1 <= node <= self.n else others
        moves: list[Event] = []
        if node and not on_board:
            moves.append((label, 0, ()))
        for request in on_board:
            rest = tuple(other for other in on_board if other != request)
            if self._timely(node, request + self.n, rest):
                moves.append((label, request + self.n, rest))
        used = sum((self.problem.demand[request] for request in on_board), np.zeros_like(capacity))
        for request in range(1, self.n + 1):
            if request in on_board or request in (node, node - self.n):
                continue
            if not all(self.together[request, other] for other in on_board):
                continue
            if (used + self.problem.demand[request] <= capacity).all() and self._timely(
                node, request, on_board
            ):
                moves.append((label, request, on_board))
        return moves

    def _timely(self, node: int, following: int, others: tuple[int, ...]) -> bool:
        """Whether a stop can follow another with everybody on board still in time."""
        problem = self.problem
        begin = problem.earliest[following]
        if node:
            leave = problem.earliest[node] + problem.service[node]
            begin = max(begin, leave + problem.time[node, following])
            for other in others:
                boarded = problem.earliest[other] + problem.service[other]
                begin = max(begin, boarded + problem.time[other, following])
        if begin > problem.latest[following] + TOLERANCE:
            return False
        leave = begin + problem.service[following]
        return all(
            leave + problem.time[following, other + self.n] <= problem.latest[other + self.n] + TOLERANCE
            for other in others
        )


@numba.njit(cache=True)
def _shareable(problem: Problem, vehicles: IntArray) -> NDArray[np.bool_]:
    """Which two requests can be on board together in some order, shape (n + 1, n + 1)."""
    n = len(problem.max_ride)
    together = np.zeros((n + 1, n + 1), np.bool_)
    begin = np.empty(6)
    for first in range(1, n + 1):
        for second in range(1, n + 1):
            for vehicle in vehicles:
                start, end = problem.start[vehicle], problem.end[vehicle]
                last_in_first_out = np.array([start, first, second, second + n, first + n, end])
                first_in_first_out = np.array([start, first, second, first + n, second + n, end])
                if first != second and (
                    earliest_schedule(problem, vehicle, last_in_first_out, begin)
                    or earliest_schedule(problem, vehicle, first_in_first_out, begin)
                ):
                    together[first, second] = together[second, first] = True
    return together


def _pruned(problem: Problem, builder: _Builder) -> EventGraph:
    """The graph without arcs that no vehicle can drive in time."""
    node = np.array([event[1] for event in builder.events], np.int64)
    label = np.array([event[0] for event in builder.events], np.int64)
    arcs = np.array(builder.arcs, np.int64).reshape(-1, 2)
    start = problem.start[builder.vehicle_of]
    end = problem.end[builder.vehicle_of]
    tail, head = arcs[:, 0], arcs[:, 1]
    origin = np.where(node[tail] == 0, start[label[tail]], node[tail])
    target = np.where(node[head] == 0, end[label[head]], node[head])
    leg = problem.time[origin, target] + np.where(node[tail] == 0, 0.0, problem.service[node[tail]])
    cost = problem.cost[origin, target]
    opens = np.where(node == 0, problem.shift_start[builder.vehicle_of][label], problem.earliest[node])
    closes = np.where(node == 0, problem.shift_end[builder.vehicle_of][label], problem.latest[node])
    alive = np.ones(len(tail), np.bool_)
    while True:
        earliest = _earliest(opens, node, tail[alive], head[alive], leg[alive])
        latest = _latest(closes, node, tail[alive], head[alive], leg[alive])
        arrival = earliest[tail] + leg
        allowed = np.where(node[head] == 0, closes[head], latest[head])
        keep = alive & (arrival <= allowed + TOLERANCE) & (earliest[tail] <= latest[tail] + TOLERANCE)
        if keep.sum() == alive.sum():
            break
        alive = keep
    return EventGraph(node, label, tail[alive], head[alive], leg[alive], cost[alive], earliest, latest)


def _earliest(
    opens: FloatArray, node: IntArray, tail: IntArray, head: IntArray, leg: FloatArray
) -> FloatArray:
    """Earliest time at each event over all ways to it; inf where there is none."""
    depot = node == 0
    known = np.where(depot, opens, np.inf)
    while True:
        arrival = np.full(len(opens), np.inf)
        np.minimum.at(arrival, head, known[tail] + leg)
        better = np.where(depot, opens, np.maximum(opens, arrival))
        if np.array_equal(better, known):
            return known
        known = better


def _latest(
    closes: FloatArray, node: IntArray, tail: IntArray, head: IntArray, leg: FloatArray
) -> FloatArray:
    """Latest time at each event over all ways on from it; -inf where there is none."""
    depot = node == 0
    known = np.where(depot, closes, -np.inf)
    while True:
        departure = np.full(len(closes), -np.inf)
        np.maximum.at(departure, tail, known[head] - leg)
        better = np.where(depot, closes, np.minimum(closes, departure))
        if np.array_equal(better, known):
            return known
        known = better
