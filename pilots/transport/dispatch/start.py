"""The state of a service before its first rider asks."""

from __future__ import annotations

import numpy as np

from pilots.transport.dispatch.state import PENDING, ROUTE_LIMIT, State
from pilots.transport.fleet import Fleet
from pilots.transport.network import Network
from pilots.transport.policy import Policy
from pilots.transport.requests import Requests


def begin_state(network: Network, requests: Requests, fleet: Fleet, policy: Policy) -> State:
    """Lay out the arrays of a service.

    Args:
        network: Where vehicles drive.
        requests: The riders.
        fleet: The vehicles.
        policy: The rules.

    Returns:
        The state, with every vehicle at its start and every request pending.
    """
    riders, vehicles = len(requests), fleet.vehicles
    direct = direct_time_s(network, requests)
    latest_dropoff = np.full(riders, np.inf)
    if np.isfinite(policy.max_travel_factor):
        longest = policy.max_travel_factor * direct + policy.max_travel_extra_s
        latest_dropoff = requests.earliest_s + longest
    latest_dropoff = np.minimum(latest_dropoff, requests.latest_dropoff_s)
    homebound = np.isfinite(fleet.shift_end_s) | np.isfinite(fleet.range_m)
    table = (vehicles, ROUTE_LIMIT)
    ways = np.full((1, 1), -1, np.int32) if network.next_node is None else network.next_node
    log = 3 * riders + 8 * vehicles + 1024
    return State(
        time_from=np.ascontiguousarray(network.travel_time_s),
        time_to=network.travel_time_to_s,
        least_to=network.least_time_to_s,
        distance=np.ascontiguousarray(network.distance_m),
        next_node=ways,
        slice_start=network.slice_start_s,
        weight=np.array([policy.drive_weight, policy.wait_weight, policy.ride_weight]),
        service=np.array([policy.boarding_s, policy.alighting_s]),
        origin=requests.origin,
        destination=requests.destination,
        seats=requests.seats,
        places=requests.wheelchair_places,
        earliest=requests.earliest_s.copy(),
        latest_pickup=requests.earliest_s + policy.max_wait_s,
        latest_dropoff=latest_dropoff,
        max_ride=np.maximum(policy.max_ride_factor * direct + policy.max_ride_extra_s, direct),
        direct=direct,
        status=np.full(riders, PENDING, np.int64),
        vehicle=np.full(riders, -1, np.int64),
        picked=np.full(riders, np.nan),
        boarded=np.full(riders, np.nan),
        dropped=np.full(riders, np.nan),
        place=fleet.start_node.copy(),
        free_at=fleet.shift_start_s.copy(),
        leg_origin=fleet.start_node.copy(),
        leg_since=fleet.shift_start_s.copy(),
        goal=np.full(vehicles, -1, np.int64),
        goal_purpose=np.zeros(vehicles, np.int64),
        seat_capacity=fleet.seats.copy(),
        place_capacity=fleet.wheelchair_places.copy(),
        open_from=fleet.shift_start_s.copy(),
        open_until=fleet.shift_end_s.copy(),
        home=np.where(homebound, fleet.start_node, -1),
        range_m=fleet.range_m.copy(),
        planned=np.zeros(vehicles, np.int64),
        stop=np.zeros(table, np.int64),
        node=np.zeros(table, np.int64),
        arrive=np.zeros(table),
        begin=np.zeros(table),
        leave=np.zeros(table),
        drive=np.zeros(table),
        slack=np.zeros(table),
        ride_slack=np.zeros(table),
        load=np.zeros(table, np.int64),
        load_places=np.zeros(table, np.int64),
        delay_cost=np.zeros(table),
        route_cost=np.zeros(vehicles),
        log_whole=np.zeros((log, 6), np.int64),
        log_real=np.zeros((log, 3)),
        logged=np.zeros(1, np.int64),
    )


def direct_time_s(network: Network, requests: Requests) -> np.ndarray:
    """Seconds of each request's direct drive at the time it is wanted, shape (requests,)."""
    direct = network.drive_time_s(requests.origin, requests.destination, requests.earliest_s)
    return np.where(np.isfinite(direct), direct, 0.0)


def grown_routes(state: State) -> State:
    """The state with room for twice as many planned stops."""
    tables = (
        "stop",
        "node",
        "arrive",
        "begin",
        "leave",
        "drive",
        "slack",
        "ride_slack",
        "load",
        "load_places",
    )
    wide = {name: getattr(state, name) for name in (*tables, "delay_cost")}
    return state._replace(
        **{name: np.concatenate([table, np.zeros_like(table)], axis=1) for name, table in wide.items()}
    )


def grown_log(state: State) -> State:
    """The state with twice the room for driven legs."""
    return state._replace(
        log_whole=np.concatenate([state.log_whole, np.zeros_like(state.log_whole)]),
        log_real=np.concatenate([state.log_real, np.zeros_like(state.log_real)]),
    )
