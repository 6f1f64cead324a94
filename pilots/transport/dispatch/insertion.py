"""Where a new rider fits best: immediate insertion into the plans of all vehicles.

Every pair of places for pickup and drop-off in every vehicle's plan is weighed by what it costs: seconds of
driving, of this rider's wait and ride, and of the delay that everybody else suffers. Vehicles that cannot be
there in time, or cannot be cheaper than the best found so far even if they came for this rider alone, are
passed over at once; the others are scanned with tests that take constant time per pair.

Sources: Jaw, Odoni, Psaraftis & Wilson 1986, Transportation Research B 20:243-257 (insertion for
dial-a-ride); Savelsbergh 1992, ORSA Journal on Computing 4:146-154 (slack).
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from pilots.transport.dispatch.routes import (
    TOLERANCE_S,
    adopt,
    evaluate,
    locate,
    may_end,
    slice_at,
    slice_end,
)
from pilots.transport.dispatch.state import PLANNED, IntArray, State

SCREENING_S = 1800.0
"""How far off the scan's times may be where speeds change before a plan is over; and how long, past its last
stop, a plan with one more rider may last to count as over before they change."""


class Place(NamedTuple):
    """A place for a request: extra cost (inf if none), vehicle, and the legs split by pickup and drop-off."""

    cost: float
    vehicle: int
    pickup_leg: int
    dropoff_leg: int


@numba.njit(cache=True)
def best_place(state: State, request: int, now: float, barred: int, bound: float) -> Place:
    """The cheapest place for a request among all vehicles.

    Args:
        state: The service.
        request: The request.
        now: Second of the simulation.
        barred: A vehicle that must not take it, or -1.
        bound: Only places cheaper than this are of interest.

    Returns:
        The place; its cost is inf if there is none.
    """
    vehicles = len(state.place)
    pickup = state.origin[request]
    # Times of the fastest hour bound those of any hour from below.
    to_pickup = state.least_to[pickup]
    direct = float(state.least_to[state.destination[request], pickup])
    ride_alone = state.weight[2] * direct
    least = np.full(vehicles, np.inf)
    nearest, nearest_least = -1, np.inf
    for vehicle in range(vehicles):
        if (
            vehicle == barred
            or state.open_from[vehicle] > now
            or state.seat_capacity[vehicle] < state.seats[request]
            or state.place_capacity[vehicle] < state.places[request]
            or state.planned[vehicle] + 2 > state.stop.shape[1]
        ):
            continue
        # No vehicle under way is there sooner than straight from where it was last located.
        idle = state.planned[vehicle] == 0 and state.goal[vehicle] < 0
        since = max(state.free_at[vehicle], now) if idle else state.free_at[vehicle]
        arrival = since + to_pickup[state.place[vehicle]]
        if arrival > state.latest_pickup[request]:
            continue
        late = max(0.0, arrival - state.earliest[request])
        least[vehicle] = state.weight[1] * late + ride_alone
        if idle:
            least[vehicle] += state.weight[0] * (to_pickup[state.place[vehicle]] + direct)
        if least[vehicle] < nearest_least:
            nearest, nearest_least = vehicle, least[vehicle]
    best = Place(bound, -1, -1, -1)
    if nearest < 0:
        return Place(np.inf, -1, -1, -1)
    locate(state, nearest, now)
    best = best_in_plan(state, request, nearest, best)
    for vehicle in range(vehicles):
        if vehicle == nearest or least[vehicle] >= best.cost:
            continue
        if state.free_at[vehicle] < now:
            locate(state, vehicle, now)
        arrival = state.free_at[vehicle] + to_pickup[state.place[vehicle]]
        late = max(0.0, arrival - state.earliest[request])
        if state.weight[1] * late + ride_alone < best.cost:
            best = best_in_plan(state, request, vehicle, best)
    return best if best.vehicle >= 0 else Place(np.inf, -1, -1, -1)


@numba.njit(cache=True)
def best_in_plan(state: State, request: int, vehicle: int, best: Place) -> Place:
    """The cheaper of the best place so far and the best in one vehicle's plan."""
    pickup, dropoff = state.origin[request], state.destination[request]
    count = state.planned[vehicle]
    seats, places = state.seats[request], state.places[request]
    boarding, alighting = state.service[0], state.service[1]
    to_pickup = state.time_to[slice_at(state, state.free_at[vehicle]), pickup]
    to_dropoff = state.time_to[slice_at(state, state.free_at[vehicle]), dropoff]
    from_pickup = state.time_from[slice_at(state, state.free_at[vehicle]), pickup]
    from_dropoff = state.time_from[slice_at(state, state.free_at[vehicle]), dropoff]
    # Once speeds change before the plan is over, the scan only finds candidates; a full walk decides on each.
    ends = state.leave[vehicle, count - 1] if count > 0 else state.free_at[vehicle]
    exact_until = slice_end(state, state.free_at[vehicle])
    steady = max(ends, state.earliest[request]) + SCREENING_S <= exact_until
    tolerance = TOLERANCE_S if steady else SCREENING_S
    if not steady or np.isfinite(state.range_m[vehicle]):
        exact_until = -np.inf
    direct = float(from_pickup[dropoff])
    longest, latest_pickup = state.max_ride[request], state.latest_pickup[request]
    latest_dropoff, earliest = state.latest_dropoff[request], state.earliest[request]
    weight_drive, weight_wait, weight_ride = state.weight
    ride_alone = weight_ride * direct
    node, clock = state.place[vehicle], state.free_at[vehicle]
    for i in range(count + 1):
        if i > 0:
            node, clock = state.node[vehicle, i - 1], state.leave[vehicle, i - 1]
        if clock > latest_pickup + tolerance:
            break
        if weight_wait * (clock - earliest) + ride_alone >= best.cost:
            break
        arrival = clock + to_pickup[node]
        if arrival > latest_pickup + tolerance:
            continue
        if i < count and (
            state.load[vehicle, i] + seats > state.seat_capacity[vehicle]
            or state.load_places[vehicle, i] + places > state.place_capacity[vehicle]
        ):
            continue
        begin = max(arrival, earliest)
        board = begin + boarding
        waiting = weight_wait * (begin - earliest)
        drive = state.drive[vehicle, i] if i < count else 0.0
        if i == 0 and count > 0:
            drive = max(0.0, state.arrive[vehicle, 0] - clock)  # what is left of the drive under way
        # With shortest drives the way round by the pickup is the least that is added.
        around = to_pickup[node] + direct
        if i < count:
            around = to_pickup[node] + from_pickup[state.node[vehicle, i]] - drive
        if waiting + ride_alone + weight_drive * around >= best.cost:
            continue
        # Straight to the drop-off.
        at_dropoff = board + direct
        if at_dropoff <= latest_dropoff + tolerance and direct <= longest + tolerance:
            cost = waiting + ride_alone
            extra = float(to_pickup[node]) + direct
            ok = True
            if i < count:
                following = state.node[vehicle, i]
                late = at_dropoff + alighting + from_dropoff[following] - state.arrive[vehicle, i]
                extra += from_dropoff[following] - drive
                cost += late * state.delay_cost[vehicle, i]
                ok = late <= min(state.slack[vehicle, i], state.ride_slack[vehicle, i]) + tolerance
                over = ends + late
            else:
                over = at_dropoff + alighting
                ok = may_end(state, vehicle, dropoff, at_dropoff + alighting, 0.0)
            cost += weight_drive * extra
            if ok and cost < best.cost:
                if over > exact_until:
                    cost = confirmed(state, request, vehicle, i, i)
                if cost < best.cost:
                    best = Place(cost, vehicle, i, i)
        if i == count:
            break
        # Drop-off on a later leg.
        following = state.node[vehicle, i]
        first_late = board + from_pickup[following] - state.arrive[vehicle, i]
        if first_late > min(state.slack[vehicle, i], state.ride_slack[vehicle, i]) + tolerance:
            continue
        base = waiting + weight_drive * around + first_late * state.delay_cost[vehicle, i]
        if base + ride_alone >= best.cost:
            continue
        late, tightest = first_late, state.ride_slack[vehicle, i]
        for j in range(i + 1, count + 1):
            late = max(0.0, late - (state.begin[vehicle, j - 1] - state.arrive[vehicle, j - 1]))
            stop = state.node[vehicle, j - 1]
            leave = state.leave[vehicle, j - 1] + late
            if leave - board > longest + tolerance or base + weight_ride * (leave - board) >= best.cost:
                break
            if j < count and (
                state.load[vehicle, j] + seats > state.seat_capacity[vehicle]
                or state.load_places[vehicle, j] + places > state.place_capacity[vehicle]
            ):
                break
            at_dropoff = leave + to_dropoff[stop]
            ride = at_dropoff - board
            if ride > longest + tolerance or at_dropoff > latest_dropoff + tolerance:
                continue
            cost = base + weight_ride * ride
            confirm = max(ends + late, at_dropoff) + alighting > exact_until
            if j < count:
                following = state.node[vehicle, j]
                detour = to_dropoff[stop] + from_dropoff[following] - state.drive[vehicle, j]
                tightest = min(tightest, state.ride_slack[vehicle, j])
                more = detour + alighting
                if late + more > state.slack[vehicle, j] + tolerance:
                    continue
                if more > state.ride_slack[vehicle, j] + tolerance:
                    continue
                cost += more * state.delay_cost[vehicle, j]
                confirm = ends + late + more > exact_until or late + more > tightest
            else:
                detour = float(to_dropoff[stop])
                if not may_end(state, vehicle, dropoff, at_dropoff + alighting, 0.0):
                    continue
            cost += weight_drive * detour
            if cost < best.cost:
                if confirm:
                    cost = confirmed(state, request, vehicle, i, j)
                if cost < best.cost:
                    best = Place(cost, vehicle, i, j)
    return best


@numba.njit(cache=True)
def with_request(state: State, request: int, vehicle: int, pickup_leg: int, dropoff_leg: int) -> IntArray:
    """A vehicle's planned stops with a request put in."""
    count = state.planned[vehicle]
    stops = np.empty(count + 2, np.int64)
    place = 0
    for k in range(count + 1):
        if k == pickup_leg:
            stops[place] = 2 * request
            place += 1
        if k == dropoff_leg:
            stops[place] = 2 * request + 1
            place += 1
        if k < count:
            stops[place] = state.stop[vehicle, k]
            place += 1
    return stops


@numba.njit(cache=True)
def confirmed(state: State, request: int, vehicle: int, pickup_leg: int, dropoff_leg: int) -> float:
    """Extra cost of a place by a full walk along the plan; inf if it breaks a promise."""
    stops = with_request(state, request, vehicle, pickup_leg, dropoff_leg)
    times = np.empty((4, len(stops)))
    cost = evaluate(state, vehicle, stops, times[0], times[1], times[2], times[3])
    if np.isinf(cost):
        return cost
    planned = state.stop[vehicle, : state.planned[vehicle]]
    return cost - evaluate(state, vehicle, planned, times[0], times[1], times[2], times[3])


@numba.njit(cache=True)
def insert(state: State, request: int, place: Place) -> None:
    """Put a request into the plan at a place found for it."""
    stops = with_request(state, request, place.vehicle, place.pickup_leg, place.dropoff_leg)
    state.status[request] = PLANNED
    adopt(state, place.vehicle, stops)


@numba.njit(cache=True)
def dispatch(state: State, request: int, now: float) -> int:
    """Give a request to the vehicle that serves it best; returns the vehicle or -1."""
    place = best_place(state, request, now, -1, np.inf)
    if place.vehicle >= 0:
        insert(state, request, place)
    return place.vehicle
