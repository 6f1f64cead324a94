"""A plan for a dial-a-ride problem: which vehicle visits which riders in which order, and when.

Example: ``solution.routes[0] == (3, 1, 11, 13)`` says that the first vehicle picks up riders 3 and 1, then
brings rider 1 (node 1 + 10) and rider 3 (node 3 + 10) to where they want to go, in an instance of ten riders.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TakenBreak:
    """A driver's break in a plan.

    Attributes:
        vehicle: Index of the vehicle.
        after: Number of stops of its route that come before the break (0: at the depot, before leaving).
        start: When it begins.
        duration: How long it lasts.
    """

    vehicle: int
    after: int
    start: float
    duration: float


@dataclass(frozen=True)
class DarpSolution:
    """A plan, its cost and what is known about how good it can get.

    Attributes:
        instance: Name of the instance.
        routes: Nodes visited by each vehicle, in order, depots left out; empty for a vehicle not used.
        service_starts: When service starts at each of those nodes, in the same shape.
        departures: When each vehicle leaves its depot.
        returns: When it is back.
        cost: Cost of all routes.
        unserved: Requests (1…n) that no vehicle takes; the cost of a plan that leaves some out compares with
            nothing.
        breaks: The drivers' breaks.
        lower_bound: No plan that serves everybody costs less than this; None if nothing was proven.
        status: ``"optimal"``, ``"feasible"``, ``"incomplete"`` (riders are left out) or ``"infeasible"``
            (proven that not everybody can be served).
        iterations: Steps the search took.
    """

    instance: str
    routes: tuple[tuple[int, ...], ...]
    service_starts: tuple[tuple[float, ...], ...]
    departures: tuple[float, ...]
    returns: tuple[float, ...]
    cost: float
    unserved: tuple[int, ...] = ()
    breaks: tuple[TakenBreak, ...] = ()
    lower_bound: float | None = None
    status: str = "feasible"
    iterations: int = 0

    @property
    def gap(self) -> float | None:
        """How far above the lower bound the cost is at most, as a share of the cost; None without a bound."""
        if self.lower_bound is None or self.unserved:
            return None
        if self.cost <= 0:
            return 0.0
        return max(0.0, (self.cost - self.lower_bound) / self.cost)
