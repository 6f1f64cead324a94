"""Second thoughts: riders not yet picked up move to a better vehicle, and those without one ask again.

Sources: Savelsbergh & Sol 1998, Operations Research 46:474-490 (reassignment while the day goes on).
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from pilots.transport.dispatch.insertion import best_place, dispatch, insert
from pilots.transport.dispatch.routes import evaluate, locate, withdraw
from pilots.transport.dispatch.state import PENDING, IntArray, State

WORTH = 1.0
"""Least gain, in cost, for which a rider is given to another vehicle."""


@numba.njit(cache=True)
def retry(state: State, waiting: IntArray, now: float, changed: NDArray[np.bool_]) -> int:
    """Look again for vehicles for waiting requests; returns how many were found."""
    found = 0
    for request in waiting:
        if state.status[request] == PENDING and now <= state.latest_pickup[request]:
            vehicle = dispatch(state, request, now)
            if vehicle >= 0:
                changed[vehicle] = True
                found += 1
    return found


@numba.njit(cache=True)
def relocate(state: State, now: float, changed: NDArray[np.bool_]) -> float:
    """Give riders that are still waiting to better vehicles, one after another; returns the cost saved."""
    saved = 0.0
    planned = np.empty(len(state.status), np.int64)
    count = 0
    for vehicle in range(len(state.place)):
        for k in range(state.planned[vehicle]):
            if state.stop[vehicle, k] % 2 == 0:
                planned[count] = state.stop[vehicle, k] // 2
                count += 1
    for request in planned[:count]:
        saved += relocate_one(state, request, now, changed)
    return saved


@numba.njit(cache=True)
def relocate_one(state: State, request: int, now: float, changed: NDArray[np.bool_]) -> float:
    """Take a waiting rider out of its plan and put it where it costs least; returns the cost saved."""
    vehicle = state.vehicle[request]
    locate(state, vehicle, now)
    count = state.planned[vehicle]
    stops = state.stop[vehicle, :count].copy()
    times = np.empty((4, count))
    with_rider = evaluate(state, vehicle, stops, times[0], times[1], times[2], times[3])
    kept = np.empty(count - 2, np.int64)
    place = 0
    for k in range(count):
        if stops[k] // 2 != request:
            kept[place] = stops[k]
            place += 1
    without = evaluate(state, vehicle, kept, times[0], times[1], times[2], times[3])
    gain = with_rider - without
    least = state.weight[2] * state.direct[request]
    if not gain > least + WORTH:
        return 0.0
    better = best_place(state, request, now, vehicle, gain - WORTH)
    if better.vehicle < 0:
        return 0.0
    withdraw(state, request, now)
    insert(state, request, better)
    changed[vehicle] = True
    changed[better.vehicle] = True
    return gain - better.cost
