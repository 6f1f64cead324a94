"""Vehicles on their way: where each one is, when it will be at its stops, how much it can still be delayed.

A vehicle under way can be sent elsewhere at the next crossing of its way; it is moved along crossing by
crossing only when somebody asks. After a plan changes, one walk forward gives its times and one back the
slack at each stop: by how much everything from there on may be late.

Sources: Savelsbergh 1992, ORSA Journal on Computing 4:146-154 (forward time slack); Ichoua, Gendreau &
Potvin 2003, European Journal of Operational Research 144:379-396 (drives across changes of speed).
"""

from __future__ import annotations

import numba
import numpy as np

from pilots.transport.dispatch.state import (
    FOR_RIDERS,
    ON_BOARD,
    PENDING,
    SERVED,
    IntArray,
    State,
)

DAY_S = 86_400.0
TOLERANCE_S = 1e-3


@numba.njit(cache=True)
def slice_at(state: State, time: float) -> int:
    """Slice of the day that holds at a time."""
    within = time % DAY_S
    current = len(state.slice_start) - 1
    while current > 0 and state.slice_start[current] > within:
        current -= 1
    return current


@numba.njit(cache=True)
def slice_end(state: State, time: float) -> float:
    """When the slice that holds at a time is over; inf if speeds never change."""
    if len(state.slice_start) == 1:
        return np.inf
    following = slice_at(state, time) + 1
    within = state.slice_start[following] if following < len(state.slice_start) else DAY_S
    return float(time - time % DAY_S + within)


@numba.njit(cache=True)
def drive_time(state: State, origin: int, target: int, depart: float) -> float:
    """Seconds of a drive that leaves at a time, across any changes of speed on the way."""
    slices = len(state.slice_start)
    if slices == 1:
        return float(state.time_from[0, origin, target])
    current, clock, left = slice_at(state, depart), depart, 1.0
    while True:
        whole = float(state.time_from[current, origin, target])
        within = clock % DAY_S
        ends = state.slice_start[current + 1] if current + 1 < slices else DAY_S
        if left * whole <= ends - within or whole == 0.0 or np.isinf(whole):
            return clock + left * whole - depart
        left -= (ends - within) / whole
        clock += ends - within
        current = (current + 1) % slices


@numba.njit(cache=True)
def locate(state: State, vehicle: int, now: float) -> None:
    """Move a vehicle along to the first place, from now on, at which it can be sent elsewhere."""
    if state.free_at[vehicle] >= now:
        return
    target = state.node[vehicle, 0] if state.planned[vehicle] > 0 else state.goal[vehicle]
    if target < 0 or (
        state.place[vehicle] == target and state.goal[vehicle] < 0 and state.planned[vehicle] == 0
    ):
        state.free_at[vehicle] = now
        state.leg_since[vehicle] = now
        return
    if state.place[vehicle] == target:
        # It waits at its next stop for the window to open.
        state.free_at[vehicle] = now
        return
    if len(state.next_node) == 1:
        state.free_at[vehicle] += drive_time(state, state.place[vehicle], target, state.free_at[vehicle])
        state.place[vehicle] = target
    while state.free_at[vehicle] < now and state.place[vehicle] != target:
        following = state.next_node[state.place[vehicle], target]
        state.free_at[vehicle] += drive_time(state, state.place[vehicle], following, state.free_at[vehicle])
        state.place[vehicle] = following
    state.free_at[vehicle] = (
        max(state.free_at[vehicle], now) if state.place[vehicle] == target else state.free_at[vehicle]
    )


@numba.njit(cache=True)
def log_leg(state: State, vehicle: int, target: int, arrival: float, purpose: int) -> None:
    """Write down the drive under way as ended."""
    origin = state.leg_origin[vehicle]
    if origin != target or arrival > state.leg_since[vehicle] + TOLERANCE_S:
        row = state.logged[0]
        metres = float(state.distance[origin, target])
        riders, requests = 0, 0
        if state.planned[vehicle] > 0:
            riders = state.load[vehicle, 0] + state.load_places[vehicle, 0]
            requests = on_board_requests(state, vehicle)
        state.log_whole[row] = np.array([vehicle, origin, target, riders, requests, purpose])
        state.log_real[row] = np.array([state.leg_since[vehicle], arrival, metres])
        state.range_m[vehicle] -= metres
        state.logged[0] = row + 1


@numba.njit(cache=True)
def on_board_requests(state: State, vehicle: int) -> int:
    """Number of requests on board."""
    found = 0
    for k in range(state.planned[vehicle]):
        found += state.stop[vehicle, k] % 2 == 1 and state.status[state.stop[vehicle, k] // 2] == ON_BOARD
    return found


@numba.njit(cache=True)
def stop_node(state: State, stop: int) -> int:
    """Node of a stop."""
    request = stop // 2
    return int(state.destination[request] if stop % 2 else state.origin[request])


@numba.njit(cache=True)
def evaluate(
    state: State,
    vehicle: int,
    stops: IntArray,
    arrive: np.ndarray,
    begin: np.ndarray,
    leave: np.ndarray,
    drive: np.ndarray,
) -> float:
    """Times and cost of a plan for a vehicle as it now stands.

    Args:
        state: The service.
        vehicle: The vehicle, already located.
        stops: Planned stops in order, shape (stops,).
        arrive: Filled with the arrival at each stop, shape (at least stops,).
        begin: Filled with the start of service.
        leave: Filled with the end of service.
        drive: Filled with the seconds of each leg.

    Returns:
        Cost of driving, waiting and riding; inf if the plan breaks a promise.
    """
    node, clock, cost = state.place[vehicle], state.free_at[vehicle], 0.0
    metres = float(state.distance[state.leg_origin[vehicle], node])  # of the drive under way, not yet logged
    riders, places = 0, 0
    for k in range(len(stops)):
        request = stops[k] // 2
        if stops[k] % 2 and state.status[request] == ON_BOARD:
            riders += state.seats[request]
            places += state.places[request]
    for k in range(len(stops)):
        request, target = stops[k] // 2, stop_node(state, stops[k])
        drive[k] = drive_time(state, node, target, clock)
        metres += state.distance[node, target]
        cost += state.weight[0] * drive[k]
        arrive[k] = clock + drive[k]
        begin[k] = arrive[k]
        if stops[k] % 2 == 0:
            begin[k] = max(arrive[k], state.earliest[request])
            riders += state.seats[request]
            places += state.places[request]
            if begin[k] > state.latest_pickup[request] + TOLERANCE_S:
                return np.inf
            if riders > state.seat_capacity[vehicle] or places > state.place_capacity[vehicle]:
                return np.inf
            cost += state.weight[1] * (begin[k] - state.earliest[request])
        else:
            boarded = state.boarded[request]
            for before in range(k):
                if stops[before] == stops[k] - 1:
                    boarded = leave[before]
            ride = begin[k] - boarded
            if ride > state.max_ride[request] + TOLERANCE_S:
                return np.inf
            if begin[k] > state.latest_dropoff[request] + TOLERANCE_S:
                return np.inf
            riders -= state.seats[request]
            places -= state.places[request]
            cost += state.weight[2] * ride
        leave[k] = begin[k] + state.service[stops[k] % 2]
        node, clock = target, leave[k]
    if len(stops) and not may_end(state, vehicle, node, clock, metres):
        return np.inf
    return cost


@numba.njit(cache=True)
def may_end(state: State, vehicle: int, node: int, time: float, metres: float) -> bool:
    """Whether a vehicle may finish its plan at a node at a time after some metres: shift and range."""
    home = state.home[vehicle]
    if home >= 0:
        if np.isfinite(state.open_until[vehicle]):
            time += drive_time(state, node, home, time)
        metres += state.distance[node, home]
    in_time = time <= state.open_until[vehicle] + TOLERANCE_S
    return bool(in_time and metres <= state.range_m[vehicle] + 1.0)


@numba.njit(cache=True)
def adopt(state: State, vehicle: int, stops: IntArray) -> None:
    """Make a feasible plan the vehicle's plan, and work out what insertion needs to know about it."""
    first_before = state.stop[vehicle, 0] if state.planned[vehicle] > 0 else -1
    first_after = stops[0] if len(stops) else -1
    if first_before != first_after:
        turn_away(state, vehicle)
    count = len(stops)
    state.goal[vehicle] = -1
    state.stop[vehicle, :count] = stops
    state.planned[vehicle] = count
    for k in range(count):
        state.node[vehicle, k] = stop_node(state, stops[k])
        state.vehicle[stops[k] // 2] = vehicle
    state.route_cost[vehicle] = evaluate(
        state,
        vehicle,
        stops,
        state.arrive[vehicle],
        state.begin[vehicle],
        state.leave[vehicle],
        state.drive[vehicle],
    )
    _loads_and_rides(state, vehicle)
    _slack(state, vehicle)


@numba.njit(cache=True)
def turn_away(state: State, vehicle: int) -> None:
    """End the drive under way at the vehicle's place, because it goes somewhere else from there."""
    if state.place[vehicle] != state.leg_origin[vehicle]:
        arrival = state.free_at[vehicle]
        if state.planned[vehicle] > 0 and state.place[vehicle] == state.node[vehicle, 0]:
            arrival = min(arrival, state.arrive[vehicle, 0])
        purpose = state.goal_purpose[vehicle] if state.goal[vehicle] >= 0 else FOR_RIDERS
        log_leg(state, vehicle, state.place[vehicle], arrival, purpose)
        state.leg_origin[vehicle] = state.place[vehicle]
    state.leg_since[vehicle] = state.free_at[vehicle]


@numba.njit(cache=True)
def _loads_and_rides(state: State, vehicle: int) -> None:
    """Loads, ride slack and the cost of being late, leg by leg."""
    count = state.planned[vehicle]
    load, places, waiting = 0, 0, 0
    for k in range(count):
        request = state.stop[vehicle, k] // 2
        state.ride_slack[vehicle, k] = np.inf
        if state.stop[vehicle, k] % 2 == 0:
            waiting += 1
        elif state.status[request] == ON_BOARD:
            load += state.seats[request]
            places += state.places[request]
    riding = count - 2 * waiting
    for k in range(count):
        request = state.stop[vehicle, k] // 2
        state.load[vehicle, k], state.load_places[vehicle, k] = load, places
        state.delay_cost[vehicle, k] = state.weight[1] * waiting + state.weight[2] * riding
        if state.stop[vehicle, k] % 2 == 0:
            load += state.seats[request]
            places += state.places[request]
            waiting -= 1
            riding += 1
            continue
        load -= state.seats[request]
        places -= state.places[request]
        riding -= 1
        for before in range(k):
            if state.stop[vehicle, before] == state.stop[vehicle, k] - 1:
                spare = state.max_ride[request] - (state.begin[vehicle, k] - state.leave[vehicle, before])
                for leg in range(before + 1, k + 1):
                    state.ride_slack[vehicle, leg] = min(state.ride_slack[vehicle, leg], spare)


@numba.njit(cache=True)
def _slack(state: State, vehicle: int) -> None:
    """How much later the vehicle may arrive at each stop."""
    count = state.planned[vehicle]
    if count == 0:
        return
    last = count - 1
    home = state.home[vehicle]
    after = state.open_until[vehicle] - state.leave[vehicle, last]
    if home >= 0 and np.isfinite(after):
        after -= drive_time(state, state.node[vehicle, last], home, state.leave[vehicle, last])
    for k in range(last, -1, -1):
        request = state.stop[vehicle, k] // 2
        if state.stop[vehicle, k] % 2 == 0:
            own = state.latest_pickup[request] - state.begin[vehicle, k]
        else:
            own = state.latest_dropoff[request] - state.begin[vehicle, k]
            if state.status[request] == ON_BOARD:
                own = min(own, state.boarded[request] + state.max_ride[request] - state.begin[vehicle, k])
        wait = state.begin[vehicle, k] - state.arrive[vehicle, k]
        state.slack[vehicle, k] = wait + min(own, after)
        after = state.slack[vehicle, k]


@numba.njit(cache=True)
def serve_stop(state: State, vehicle: int) -> int:
    """Serve the vehicle's next stop, whose time has come; returns the stop."""
    stop = state.stop[vehicle, 0]
    request = stop // 2
    log_leg(state, vehicle, state.node[vehicle, 0], state.arrive[vehicle, 0], FOR_RIDERS)
    state.place[vehicle] = state.node[vehicle, 0]
    state.free_at[vehicle] = state.leave[vehicle, 0]
    state.leg_origin[vehicle] = state.place[vehicle]
    state.leg_since[vehicle] = state.leave[vehicle, 0]
    if stop % 2 == 0:
        state.status[request] = ON_BOARD
        state.picked[request] = state.begin[vehicle, 0]
        state.boarded[request] = state.leave[vehicle, 0]
    else:
        state.status[request] = SERVED
        state.dropped[request] = state.begin[vehicle, 0]
    rest = state.stop[vehicle, 1 : state.planned[vehicle]].copy()
    # The next leg starts here in any case: there is nothing to turn away from.
    state.planned[vehicle] = len(rest)
    state.stop[vehicle, : len(rest)] = rest
    adopt(state, vehicle, rest)
    return int(stop)


@numba.njit(cache=True)
def arrive_at_goal(state: State, vehicle: int, time: float) -> None:
    """End an empty drive at its goal."""
    log_leg(state, vehicle, state.goal[vehicle], time, state.goal_purpose[vehicle])
    state.place[vehicle] = state.goal[vehicle]
    state.free_at[vehicle] = time
    state.leg_origin[vehicle] = state.place[vehicle]
    state.leg_since[vehicle] = time
    state.goal[vehicle] = -1


@numba.njit(cache=True)
def send(state: State, vehicle: int, goal: int, purpose: int, now: float) -> float:
    """Send an empty vehicle to a node; returns when it will be there."""
    locate(state, vehicle, now)
    turn_away(state, vehicle)
    state.goal[vehicle] = goal
    state.goal_purpose[vehicle] = purpose
    drive = drive_time(state, state.place[vehicle], goal, state.free_at[vehicle])
    return float(state.free_at[vehicle] + drive)


@numba.njit(cache=True)
def withdraw(state: State, request: int, now: float) -> int:
    """Take a request that nobody has picked up out of its vehicle's plan; returns the vehicle."""
    vehicle = state.vehicle[request]
    locate(state, vehicle, now)
    count = state.planned[vehicle]
    kept = np.empty(count - 2, np.int64)
    place = 0
    for k in range(count):
        if state.stop[vehicle, k] // 2 != request:
            kept[place] = state.stop[vehicle, k]
            place += 1
    state.status[request] = PENDING
    state.vehicle[request] = -1
    adopt(state, vehicle, kept)
    return int(vehicle)
