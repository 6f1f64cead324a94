"""Riders who book ahead: their day planned as a whole, and how far that plan is from the best.

What was booked before the first vehicle leaves is one dial-a-ride problem. Its plan is searched for, or
proven, by ``pilots.transport.darp``; the vehicles then set out with it, each rider is told a time, and who
calls during the day is fitted in between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilots.transport.darp import DarpInstance, DarpSolution, DriverBreak, solve, solve_exact
from pilots.transport.dispatch.start import direct_time_s
from pilots.transport.fleet import Fleet
from pilots.transport.network import Network
from pilots.transport.policy import Policy
from pilots.transport.requests import Requests, RequestTable, read_requests

IntArray = NDArray[np.int64]

CERTIFIED_RIDES = 10
"""Rides of a window whose best plan is proven within seconds, however wide their windows."""

PROOF_S = 120.0

FAR = 1e7
"""Seconds and kilometres of a drive that nobody makes: out of the place where shifts without end stop."""


DAY_S = 86_400.0


@dataclass(frozen=True)
class Part:
    """What a vehicle does after a break of its planned day.

    Attributes:
        break_start_s: When the break begins.
        break_s: Length of the break.
        break_node: Where it is taken.
        stops: Stops after it, as ``State.stop`` codes them.
    """

    break_start_s: float
    break_s: float
    break_node: int
    stops: list[int]


@dataclass(frozen=True)
class VehicleDay:
    """One vehicle's planned day.

    Attributes:
        vehicle: Index of the vehicle.
        stops: Stops until its first break, as ``State.stop`` codes them.
        later: What follows, from break to break.
        promised_s: Pickup that each of its riders is told, by request.
    """

    vehicle: int
    stops: list[int]
    later: list[Part]
    promised_s: dict[int, float]


def planned_on(requests: Requests, fleet: Fleet) -> NDArray[np.float64]:
    """When each request is planned with all others of its day; nan for riders who call on the day itself.

    What is asked for by the time the first vehicle leaves is planned then; a ride of a later day, asked for
    before that day begins, at that day's first midnight.

    Args:
        requests: The riders; times count from the first day's midnight.
        fleet: The vehicles.

    Returns:
        Seconds, shape (requests,).
    """
    opens = float(fleet.shift_start_s.min())
    midnight = np.floor(requests.earliest_s / DAY_S) * DAY_S
    first = (requests.request_time_s <= opens) & (midnight <= opens)
    later = (requests.request_time_s <= midnight) & (midnight > opens)
    return np.where(first, 0.0, np.where(later, midnight, np.nan))


def plan_day(
    network: Network,
    requests: Requests,
    fleet: Fleet,
    policy: Policy,
    rows: IntArray,
    *,
    home: IntArray,
    seed: int,
) -> list[VehicleDay]:
    """Plan what is booked for a day as one problem.

    Args:
        network: Where vehicles drive.
        requests: The riders.
        fleet: The vehicles as they stand: where and from when each is free, how far it can still drive, and
            the breaks of the day.
        policy: The promises, and the steps of the search.
        rows: The requests booked.
        home: Node that each vehicle with an end of shift returns to.
        seed: Seed of the search.

    Returns:
        The days of the vehicles that carry somebody. Riders beyond a battery's range are left to be fitted
        in once it is charged.
    """
    instance = day_instance(network, requests, fleet, policy, rows, home)
    plan = solve(instance, None, seed, iterations=policy.plan_steps)
    n, days = len(rows), []
    for vehicle, (nodes, starts) in enumerate(zip(plan.routes, plan.service_starts, strict=True)):
        count = _within_range(network, requests, fleet, rows, nodes, vehicle)
        stops = [int(2 * rows[(node - 1) % n] + (node > n)) for node in nodes[:count]]
        if not stops:
            continue
        taken = sorted((b for b in plan.breaks if b.vehicle == vehicle), key=lambda b: b.start)
        after = [min(rest.after, count) for rest in taken]
        ends = [*after, count]
        places = [
            _node_of(requests, stops[place - 1]) if place else int(fleet.start_node[vehicle])
            for place in after
        ]
        later = [
            Part(rest.start, rest.duration, node, stops[begin:end])
            for rest, node, begin, end in zip(taken, places, after, ends[1:], strict=True)
        ]
        told = {
            int(rows[node - 1]): float(start)
            for node, start in zip(nodes[:count], starts[:count], strict=True)
            if node <= n
        }
        days.append(VehicleDay(vehicle, stops[: ends[0]], later, told))
    return days


def _node_of(requests: Requests, stop: int) -> int:
    """Node of a stop as ``State.stop`` codes it."""
    return int((requests.destination if stop % 2 else requests.origin)[stop // 2])


def _within_range(
    network: Network, requests: Requests, fleet: Fleet, rows: IntArray, nodes: tuple[int, ...], vehicle: int
) -> int:
    """How many stops of a route a vehicle can make, nobody left on board, with a way home from the last."""
    n, home = len(rows), int(fleet.start_node[vehicle])
    position, driven, on_board, reached = home, 0.0, 0, 0
    for index, node in enumerate(nodes, start=1):
        place = _node_of(requests, int(2 * rows[(node - 1) % n] + (node > n)))
        driven += float(network.distance_m[position, place])
        position = place
        on_board += 1 if node <= n else -1
        if on_board == 0 and driven + float(network.distance_m[place, home]) <= fleet.range_m[vehicle]:
            reached = index
    return reached


def day_instance(
    network: Network,
    requests: Requests,
    fleet: Fleet,
    policy: Policy,
    rows: IntArray | None = None,
    home: IntArray | None = None,
) -> DarpInstance:
    """Riders' requests as a dial-a-ride problem whose cost is kilometres.

    Drives take as long as in the slowest slice of the day, so that its plans hold in every slice. Vehicles
    without an end of shift finish wherever they are.

    Args:
        network: Where vehicles drive.
        requests: The riders.
        fleet: The vehicles.
        policy: The promises.
        rows: Which requests; all that are not refused if left out.
        home: Node that each vehicle with an end of shift returns to; its start node if left out.

    Returns:
        The problem; its request k + 1 is ``rows[k]``.
    """
    rows = np.flatnonzero(requests.reason == 0) if rows is None else rows
    n, vehicles = len(rows), fleet.vehicles
    origin, destination = requests.origin[rows], requests.destination[rows]
    home = fleet.start_node if home is None else home
    depots, depot = np.unique(np.concatenate([fleet.start_node, home]), return_inverse=True)
    first = depots[:1] if len(depots) else np.zeros(1, np.int64)
    place = np.concatenate([first, origin, destination, depots])
    nodes = len(place) + 1
    anywhere = nodes - 1
    time, km = np.zeros((nodes, nodes)), np.zeros((nodes, nodes))
    time[:-1, :-1] = network.travel_time_s.max(axis=0)[np.ix_(place, place)]
    km[:-1, :-1] = network.distance_m[np.ix_(place, place)] / 1000
    time[anywhere], km[anywhere] = FAR, FAR
    time[anywhere, anywhere] = km[anywhere, anywhere] = 0.0
    wanted = requests.earliest_s[rows]
    direct = np.maximum(
        direct_time_s(network, requests)[rows], time[np.arange(1, n + 1), np.arange(n + 1, 2 * n + 1)]
    )
    longest = policy.max_ride_factor * direct + policy.max_ride_extra_s
    horizon = float((wanted + policy.max_wait_s + policy.boarding_s + longest).max(initial=0.0)) + 86_400.0
    earliest, latest = np.zeros(nodes), np.full(nodes, horizon)
    earliest[1 : n + 1], latest[1 : n + 1] = wanted, wanted + policy.max_wait_s
    latest[n + 1 : 2 * n + 1] = np.minimum(horizon, requests.latest_dropoff_s[rows])
    demand = np.zeros((nodes, 2), np.int64)
    demand[1 : n + 1] = np.stack([requests.seats[rows], requests.wheelchair_places[rows]], axis=1)
    demand[n + 1 : 2 * n + 1] = -demand[1 : n + 1]
    service = np.zeros(nodes)
    service[1 : n + 1], service[n + 1 : 2 * n + 1] = policy.boarding_s, policy.alighting_s
    start, finish = (2 * n + 1 + depot).reshape(2, vehicles)
    ends = np.isfinite(fleet.shift_end_s)
    return DarpInstance(
        name="booked rides",
        travel_time=np.where(np.isfinite(time), time, FAR),
        cost=np.where(np.isfinite(km), km, FAR),
        service_duration=service,
        earliest=earliest,
        latest=latest,
        demand=demand,
        max_ride_time=longest,
        vehicle_start=start,
        vehicle_end=np.where(ends, finish, anywhere),
        capacity=np.stack([fleet.seats, fleet.wheelchair_places], axis=1).reshape(vehicles, 2),
        max_route_duration=np.full(vehicles, horizon),
        shift_start=fleet.shift_start_s,
        shift_end=np.minimum(fleet.shift_end_s, horizon),
        breaks=tuple(
            DriverBreak(rest.vehicle, rest.earliest_s, rest.latest_s, rest.duration_s) for rest in fleet.rests
        ),
    )


def certificate(
    network: Network, requests: RequestTable, fleet: Fleet, policy: Policy, time_limit_s: float
) -> DarpSolution:
    """The best plan for requests known in advance, with a proven lower bound on its kilometres.

    Beside the kilometres of a simulated service on the same requests it says how far from optimal the
    service is, and how much of that is the price of not knowing the future.

    Args:
        network: Where vehicles drive.
        requests: A window of requests small enough to prove: tens, not hundreds.
        fleet: The vehicles; their drivers take no breaks.
        policy: The promises.
        time_limit_s: Seconds of wall clock.

    Returns:
        The plan; ``cost`` and ``lower_bound`` are kilometres.
    """
    return solve_exact(
        day_instance(network, read_requests(requests, network, fleet, policy), fleet, policy), time_limit_s
    )


def plan_gap(network: Network, requests: Requests, fleet: Fleet, policy: Policy) -> float:
    """Kilometres of the search's plan over the proven least, less 1, on a window small enough to prove.

    The window is that of the ``CERTIFIED_RIDES`` booked rides wanted closest together, the hardest to plan.

    Args:
        network: Where vehicles drive.
        requests: The riders.
        fleet: The vehicles.
        policy: The promises, and the steps of the search.

    Returns:
        The share, 0 for a plan that is proven best; nan if nothing is booked or the proof takes too long.
    """
    booked = np.flatnonzero((requests.reason == 0) & (requests.request_time_s <= fleet.shift_start_s.min()))
    booked = booked[np.argsort(requests.earliest_s[booked], kind="stable")]
    count = min(CERTIFIED_RIDES, len(booked))
    if count == 0:
        return float("nan")
    wanted = requests.earliest_s[booked]
    first = int(np.argmin(wanted[count - 1 :] - wanted[: len(booked) - count + 1]))
    instance = day_instance(network, requests, fleet, policy, np.sort(booked[first : first + count]))
    plan = solve(instance, None, 0, iterations=policy.plan_steps)
    proof = solve_exact(instance, PROOF_S)
    if proof.status != "optimal" or not proof.lower_bound or plan.unserved:
        return float("nan")
    return max(0.0, plan.cost / proof.lower_bound - 1)
