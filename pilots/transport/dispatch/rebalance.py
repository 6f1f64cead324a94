"""Empty vehicles move to where riders are expected: a transport problem between zones.

Zones are the nodes nearest to a few centres spread over the network. Each zone wants vehicles in proportion
to the requests it saw lately; idle vehicles are assigned to what is missing at least total driving time,
which is a min-cost flow from vehicles to zones.

Sources: Pavone, Smith, Frazzoli & Rus 2012, International Journal of Robotics Research 31:839-854 (flow of
empty vehicles); Bischoff & Maciejewski 2020, Procedia Computer Science 170:834-839 (targets from demand);
Gonzalez 1985, Theoretical Computer Science 38:293-306 (spread centres).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pilots.transport.dispatch.routes import locate
from pilots.transport.dispatch.state import State
from pilots.transport.network import Network
from pilots.transport.policy import Policy
from pilots.transport.requests import Requests

ZONES = 24
LOOK_BACK_S = 1800.0


@dataclass(frozen=True)
class Zones:
    """Zones of a network.

    Attributes:
        centre: Node at the middle of each zone, shape (zones,).
        of_node: Zone of each node, shape (nodes,).
    """

    centre: NDArray[np.int64]
    of_node: NDArray[np.int64]


def zones_of(network: Network, requests: Requests) -> Zones:
    """Zones around centres that lie as far from one another as can be, among the nodes riders use."""
    used = np.unique(requests.origin)
    times = network.travel_time_s[0][np.ix_(used, used)].astype(np.float64)
    times = np.where(np.isfinite(times), times, 0.0)
    centres = [int(np.argmin(times.sum(axis=1)))]
    nearest = times[centres[0]].copy()
    while len(centres) < min(ZONES, len(used)) and nearest.max() > 0:
        centres.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, times[centres[-1]])
    centre = used[centres]
    return Zones(centre, np.argmin(network.travel_time_s[0][:, centre], axis=1))


def moves(
    state: State, zones: Zones, requests: Requests, policy: Policy, now: float
) -> list[tuple[int, int]]:
    """Which idle vehicle should go where.

    Returns:
        Pairs of vehicle and node.
    """
    idle = [
        vehicle
        for vehicle in np.flatnonzero(
            (state.planned == 0) & (state.goal < 0) & (state.open_from <= now)
        ).tolist()
        if not np.isfinite(state.open_until[vehicle])
    ]
    if not idle:
        return []
    for vehicle in idle:
        locate(state, vehicle, now)
    lately = (requests.request_time_s > now - LOOK_BACK_S) & (requests.request_time_s <= now)
    zone_count = len(zones.centre)
    asked = np.bincount(zones.of_node[requests.origin[lately]], minlength=zone_count)
    wanted = np.floor(policy.rebalance_share * asked * (policy.rebalance_every_s / LOOK_BACK_S) + 0.5).astype(
        int
    )
    at = zones.of_node[state.place[idle]]
    missing = np.maximum(wanted - np.bincount(at, minlength=zone_count), 0)
    spare = np.bincount(at, minlength=zone_count) - wanted
    free = []
    for vehicle, zone in zip(idle, at.tolist(), strict=True):
        if spare[zone] > 0:
            spare[zone] -= 1
            free.append(vehicle)
    goals = np.repeat(zones.centre, missing)
    if len(free) == 0 or len(goals) == 0:
        return []
    cost = state.time_from[0][np.ix_(state.place[free], goals)].astype(np.float64)
    there = state.distance[np.ix_(state.place[free], goals)].astype(np.float64)
    back = np.where(state.home[free][:, None] >= 0, state.distance[goals][:, state.home[free]].T, 0.0)
    near = there + back <= state.range_m[free][:, None]
    cost = np.where(np.isfinite(cost) & near, cost, 1e9)
    rows, columns = linear_sum_assignment(cost)
    return [
        (free[row], int(goals[column]))
        for row, column in zip(rows, columns, strict=True)
        if cost[row, column] < 1e9
    ]
