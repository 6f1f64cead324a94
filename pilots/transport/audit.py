"""An independent judge of simulated services: was every promise kept, and could the vehicles drive so?

It reads only the tables of a result, the network and the rules, and shares no code with the dispatcher.
Vehicles must drive from where they are, no faster than the network lets them; riders must be where the
vehicle is when they board and alight; nobody waits or rides longer than promised; no seat is taken twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilots.transport.fleet import Fleet
from pilots.transport.network import DAY_S, Network
from pilots.transport.policy import Policy
from pilots.transport.result import ServiceResult

TOLERANCE_S = 0.05
TOLERANCE_M = 1.0


@dataclass(frozen=True)
class Fault:
    """A broken promise or an impossible drive.

    Attributes:
        kind: ``wait``, ``ride``, ``travel``, ``late`` (a connection is missed), ``early``, ``order``,
            ``seats``, ``wheelchair_places``, ``teleport`` (a leg starts where the vehicle is not),
            ``overlap`` (a leg starts before the one before has ended), ``too_fast``, ``distance``,
            ``not_there`` (a rider boards or alights where the vehicle is not), ``shift``, ``range`` (more
            metres between two charges than a battery holds), ``twice`` (a request appears twice) or
            ``reason`` (a refusal without one).
        who: Request id, or vehicle.
        amount: By how much, in seconds, metres or riders.
    """

    kind: str
    who: object
    amount: float


def audit(result: ServiceResult, network: Network, fleet: Fleet, policy: Policy) -> list[Fault]:
    """Find every fault in a simulated service.

    Args:
        result: What happened.
        network: Where it happened.
        fleet: With which vehicles.
        policy: Under which rules.

    Returns:
        The faults; an empty list means that every promise was kept by drives that are possible.
    """
    served = result.trips[result.trips["status"] == "served"]
    return [
        *_requests(result.trips),
        *_limits(served, network, policy),
        *_legs(result.legs, network, fleet),
        *_ranges(result, fleet),
        *_presence(served, result.legs, fleet, policy),
        *_places(served, fleet),
    ]


def _faults(kind: str, who: pd.Series, amount: pd.Series, tolerance: float) -> list[Fault]:
    wrong = amount > tolerance
    return [Fault(kind, one, float(much)) for one, much in zip(who[wrong], amount[wrong], strict=True)]


def _requests(trips: pd.DataFrame) -> list[Fault]:
    twice = trips["id"].duplicated() & (trips["reason"].astype(str) != "duplicate_id")
    lost = (trips["status"] != "served") & (trips["reason"].astype(str) == "")
    return [*(Fault("twice", one, 1.0) for one in trips.loc[twice, "id"]),
            *(Fault("reason", one, 1.0) for one in trips.loc[lost, "id"])]  # fmt: skip


def _limits(served: pd.DataFrame, network: Network, policy: Policy) -> list[Fault]:
    """Waits and rides against what was promised."""
    who = served["id"]
    faults = [
        *_faults("early", who, served["earliest_s"] - served["pickup_s"], TOLERANCE_S),
        *_faults("order", who, served["boarded_s"] - served["dropoff_s"], TOLERANCE_S),
        *_faults("order", who, served["pickup_s"] + policy.boarding_s - served["boarded_s"], TOLERANCE_S),
    ]
    if not policy.refuse:
        return faults
    ends = served["origin"].to_numpy(), served["destination"].to_numpy()
    direct = _least_drive(network, *ends, served["earliest_s"].to_numpy())
    longest = np.maximum(policy.max_ride_factor * direct + policy.max_ride_extra_s, direct)
    if np.isfinite(policy.max_travel_factor):
        travel = served["dropoff_s"] - served["earliest_s"]
        longest_travel = policy.max_travel_factor * direct + policy.max_travel_extra_s
        faults += _faults("travel", who, travel - longest_travel, TOLERANCE_S)
    return [
        *faults,
        *_faults("wait", who, served["wait_s"] - policy.patience_s - policy.max_wait_s, TOLERANCE_S),
        *_faults("late", who, served["dropoff_s"] - served["latest_dropoff_s"], TOLERANCE_S),
        *_faults("ride", who, served["dropoff_s"] - served["boarded_s"] - longest, TOLERANCE_S),
    ]


def _legs(legs: pd.DataFrame, network: Network, fleet: Fleet) -> list[Fault]:
    """Drives one after another: from where the vehicle is, not too fast, metres as they are."""
    legs = legs.sort_values(["vehicle", "depart_s", "arrive_s"], kind="stable")
    vehicle = legs["vehicle"].to_numpy()
    first = np.ones(len(legs), np.bool_)
    first[1:] = vehicle[1:] != vehicle[:-1]
    before = np.where(first, fleet.start_node[vehicle], np.roll(legs["target"].to_numpy(), 1))
    free = np.where(first, fleet.shift_start_s[vehicle], np.roll(legs["arrive_s"].to_numpy(), 1))
    origin, target = legs["origin"].to_numpy(), legs["target"].to_numpy()
    depart, arrive = legs["depart_s"].to_numpy(), legs["arrive_s"].to_numpy()
    least = _least_drive(network, origin, target, depart)
    metres = network.distance_m[origin, target].astype(np.float64)
    who = legs["vehicle"]
    jump = pd.Series((before != origin).astype(float), index=legs.index)
    return [
        *_faults("teleport", who, jump, 0.0),
        *_faults("overlap", who, pd.Series(free - depart, index=legs.index), TOLERANCE_S),
        *_faults("too_fast", who, pd.Series(least - (arrive - depart), index=legs.index), TOLERANCE_S),
        *_faults("distance", who, (legs["distance_m"] - metres).abs(), TOLERANCE_M),
        *_faults("shift", who, legs["arrive_s"] - fleet.shift_end_s[vehicle], TOLERANCE_S),
    ]


def _ranges(result: ServiceResult, fleet: Fleet) -> list[Fault]:
    """Metres from one full charge to the next."""
    faults: list[Fault] = []
    for vehicle in np.flatnonzero(np.isfinite(fleet.range_m)).tolist():
        drives = result.legs[result.legs["vehicle"] == vehicle]
        charged = np.sort(result.charges.loc[result.charges["vehicle"] == vehicle, "end_s"].to_numpy(float))
        since = np.searchsorted(charged, drives["depart_s"].to_numpy() + TOLERANCE_S, side="right")
        driven = np.bincount(since, drives["distance_m"])
        over = driven[driven > fleet.range_m[vehicle] + 10 * TOLERANCE_M] - fleet.range_m[vehicle]
        faults += [Fault("range", vehicle, float(much)) for much in over]
    return faults


def _least_drive(
    network: Network, origin: NDArray[np.int64], target: NDArray[np.int64], depart: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Seconds of each drive, slice by slice: in each a share of the way is done."""
    left, clock = np.ones(len(origin)), depart.astype(np.float64).copy()
    ends = np.append(network.slice_start_s[1:], DAY_S)
    going = left > 0
    while going.any():
        current = np.searchsorted(network.slice_start_s, clock % DAY_S, side="right") - 1
        whole = network.travel_time_s[current, origin, target].astype(np.float64)
        room = ends[current] - clock % DAY_S
        within = (left * whole <= room) | (network.slices == 1)
        took = np.where(within, left * whole, room)
        done = np.where(within | (whole == 0), left, room / np.where(whole == 0, 1.0, whole))
        clock = np.where(going, clock + took, clock)
        left = np.where(going, left - done, left)
        going &= ~within
    return clock - depart


def _presence(served: pd.DataFrame, legs: pd.DataFrame, fleet: Fleet, policy: Policy) -> list[Fault]:
    """Riders board and alight where their vehicle stands at that moment, and it stands long enough."""
    legs = legs.sort_values(["vehicle", "depart_s", "arrive_s"], kind="stable")
    faults = []
    for vehicle in np.unique(served["vehicle"].to_numpy()).tolist():
        trips = served[served["vehicle"] == vehicle]
        own = legs[legs["vehicle"] == vehicle]
        arrive = np.concatenate([[-np.inf], own["arrive_s"].to_numpy()])
        depart = np.concatenate([own["depart_s"].to_numpy(), [np.inf]])
        where = np.concatenate([[fleet.start_node[vehicle]], own["target"].to_numpy()])
        stays = (
            ("pickup_s", "origin", policy.boarding_s),
            ("dropoff_s", "destination", policy.alighting_s),
        )
        for column, place, duration in stays:
            moment = trips[column].to_numpy()
            node = trips[place].to_numpy()
            there = np.zeros(len(trips), np.bool_)
            # A stay is the time between two legs; several stays at one place may follow one another.
            for shift in range(4):
                index = np.searchsorted(arrive, moment + TOLERANCE_S, side="right") - 1 - shift
                valid = index >= 0
                index = np.maximum(index, 0)
                there |= (
                    valid
                    & (where[index] == node)
                    & (arrive[index] <= moment + TOLERANCE_S)
                    & (depart[index] >= moment + duration - TOLERANCE_S)
                )
            faults += [Fault("not_there", one, 1.0) for one in trips["id"][~there]]
    return faults


def _places(served: pd.DataFrame, fleet: Fleet) -> list[Fault]:
    """Seats and wheelchair places taken at any moment against those there are."""
    faults = []
    rooms = (("seats", fleet.seats), ("wheelchair_places", fleet.wheelchair_places))
    for kind, room in rooms:
        moments = pd.DataFrame(
            {
                "vehicle": np.tile(served["vehicle"].to_numpy(), 2),
                "time": np.concatenate([served["boarded_s"], served["dropoff_s"]]),
                "change": np.concatenate([served[kind], -served[kind]]),
            }
        ).sort_values(["vehicle", "time", "change"], kind="stable")
        load = moments.groupby("vehicle")["change"].cumsum()
        over = (load - room[moments["vehicle"].to_numpy()]).groupby(moments["vehicle"]).max()
        faults += [Fault(kind, vehicle, float(much)) for vehicle, much in over.items() if much > 0]
    return faults
