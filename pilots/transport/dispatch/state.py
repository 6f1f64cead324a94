"""The state of a running service as flat arrays: riders, vehicles, planned stops, driven legs.

Everything the dispatcher decides on stands here, in arrays that compiled code reads without a Python object
in sight. Planned stop k of vehicle v is ``stop[v, k]``: twice the number of the request, plus one for its
drop-off. Leg k is the drive that ends at stop k.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# What became of a request.
PENDING, PLANNED, ON_BOARD, SERVED, REFUSED, CANCELLED, STRANDED = range(7)
# What a driven leg was for.
FOR_RIDERS, TO_REPOSITION, TO_DEPOT = range(3)

ROUTE_LIMIT = 64
"""Most stops that a vehicle has planned at once."""


class State(NamedTuple):
    """A running service.

    Attributes:
        time_from: Seconds from node to node by slice, shape (slices, nodes, nodes), ``[s, from, to]``.
        time_to: The same, turned round for reading along memory: ``[s, to, from]``.
        least_to: Seconds of the fastest slice, ``[to, from]``; no drive at any hour takes less.
        distance: Metres from node to node, shape (nodes, nodes).
        next_node: First node on the way from node to node; shape (1, 1) where ways are not known.
        slice_start: Second of the day at which each slice begins, shape (slices,).
        weight: Cost per second of driving, of a rider's wait and of a rider's ride, shape (3,).
        service: Seconds that boarding and alighting take, shape (2,).
        origin: Node of each request's pickup, shape (requests,).
        destination: Node of each request's drop-off.
        seats: Seats each request takes.
        places: Wheelchair places each request takes.
        earliest: Earliest pickup.
        latest_pickup: Latest pickup.
        latest_dropoff: Latest drop-off.
        max_ride: Longest ride, from the end of boarding to arrival.
        direct: Shortest drive, in the hour of the request.
        status: What became of each request.
        vehicle: Vehicle of each request, or -1.
        picked: When boarding began, nan before.
        boarded: When boarding ended, nan before.
        dropped: When the rider arrived, nan before.
        place: Node at which each vehicle is or can next be sent elsewhere, shape (vehicles,).
        free_at: When it is there.
        leg_origin: Node at which the drive under way began.
        leg_since: When that drive began.
        goal: Node an empty vehicle drives to, or -1.
        goal_purpose: What for.
        seat_capacity: Seats of each vehicle.
        place_capacity: Wheelchair places of each vehicle.
        open_from: Second from which a vehicle takes riders.
        open_until: Second by which all riders must have left it, on its way home included.
        home: Node that must be reached by then, or -1 if it may stop anywhere.
        range_m: Metres it can still drive.
        planned: Number of planned stops, shape (vehicles,).
        stop: Planned stops, shape (vehicles, ROUTE_LIMIT).
        node: Node of each planned stop.
        arrive: Arrival there.
        begin: Start of boarding or alighting.
        leave: End of it.
        drive: Seconds of each leg.
        slack: How much later the vehicle may arrive without breaking a promise further on.
        ride_slack: How much longer the leg may take for riders on it whose pickup is still planned.
        load: Seats taken on each leg.
        load_places: Wheelchair places taken on each leg.
        delay_cost: Cost of each second by which everything from a leg on is late.
        route_cost: Cost of each vehicle's plan, shape (vehicles,).
        log_whole: Driven legs: vehicle, origin, target, riders on board, requests on board, purpose,
            shape (legs, 6).
        log_real: Departure, arrival, metres of each, shape (legs, 3).
        logged: Number of legs driven, shape (1,).
    """

    time_from: NDArray[np.float32]
    time_to: NDArray[np.float32]
    least_to: NDArray[np.float32]
    distance: NDArray[np.float32]
    next_node: NDArray[np.int32]
    slice_start: FloatArray
    weight: FloatArray
    service: FloatArray
    origin: IntArray
    destination: IntArray
    seats: IntArray
    places: IntArray
    earliest: FloatArray
    latest_pickup: FloatArray
    latest_dropoff: FloatArray
    max_ride: FloatArray
    direct: FloatArray
    status: IntArray
    vehicle: IntArray
    picked: FloatArray
    boarded: FloatArray
    dropped: FloatArray
    place: IntArray
    free_at: FloatArray
    leg_origin: IntArray
    leg_since: FloatArray
    goal: IntArray
    goal_purpose: IntArray
    seat_capacity: IntArray
    place_capacity: IntArray
    open_from: FloatArray
    open_until: FloatArray
    home: IntArray
    range_m: FloatArray
    planned: IntArray
    stop: IntArray
    node: IntArray
    arrive: FloatArray
    begin: FloatArray
    leave: FloatArray
    drive: FloatArray
    slack: FloatArray
    ride_slack: FloatArray
    load: IntArray
    load_places: IntArray
    delay_cost: FloatArray
    route_cost: FloatArray
    log_whole: IntArray
    log_real: FloatArray
    logged: IntArray
