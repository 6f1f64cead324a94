"""What happened in a simulated service: every trip, every driven leg, every charge.

All indicators are worked out from these tables and from nothing else, so that anybody can check them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilots.transport.dispatch.state import (
    CANCELLED,
    ON_BOARD,
    PENDING,
    PLANNED,
    REFUSED,
    SERVED,
    STRANDED,
    State,
)
from pilots.transport.fleet import Fleet
from pilots.transport.network import DAY_S, Network
from pilots.transport.requests import REASON, REASONS, Requests

STATUS = {SERVED: "served", REFUSED: "refused", CANCELLED: "cancelled", STRANDED: "stranded"}
PURPOSES = ("service", "reposition", "depot")


@dataclass(frozen=True)
class Charge:
    """A vehicle at a charging point.

    Attributes:
        vehicle: Index of the vehicle.
        node: Where.
        start_s: When it began.
        end_s: When it ended.
        energy_kwh: Electricity taken.
    """

    vehicle: int
    node: int
    start_s: float
    end_s: float
    energy_kwh: float


@dataclass(frozen=True)
class ServiceResult:
    """A simulated service.

    Attributes:
        trips: One row per request: ``id``, ``origin``, ``destination``, ``seats``, ``wheelchair_places``,
            ``request_time_s``, ``earliest_s``, ``latest_dropoff_s``, ``status`` (served, refused, cancelled,
            stranded, or unfinished when the clock stopped), ``reason``,
            ``vehicle``, ``pickup_s`` (boarding begins), ``boarded_s`` (boarding ends), ``dropoff_s``,
            ``wait_s`` (pickup less earliest), ``ride_s`` (drop-off less end of boarding), ``direct_s``,
            ``direct_m``.
        legs: One row per driven leg: ``vehicle``, ``origin``, ``target``, ``depart_s``, ``arrive_s``,
            ``distance_m``, ``riders`` and ``requests`` on board, ``purpose`` (service, reposition, depot),
            ``span_s`` (from its departure to the vehicle's next one of the day, or to its arrival).
        charges: One row per charge.
        vehicles: Number of vehicles of the fleet.
    """

    trips: pd.DataFrame
    legs: pd.DataFrame
    charges: pd.DataFrame
    vehicles: int

    @property
    def refusals(self) -> pd.Series:
        """Number of requests not served, by reason."""
        lost = self.trips.loc[self.trips["status"] != "served", "reason"]
        return lost.value_counts().sort_index()


def result_of(
    state: State,
    requests: Requests,
    reason: NDArray[np.int64],
    charges: list[Charge],
    fleet: Fleet,
    network: Network,
) -> ServiceResult:
    """Tables from the state at the end of the simulation."""
    served = state.status == SERVED
    open_still = np.isin(state.status, (PENDING, PLANNED, ON_BOARD))
    reason = np.where(open_still, REASON["unfinished"], reason)
    direct_m = network.distance_m[requests.origin, requests.destination].astype(np.float64)
    trips = pd.DataFrame(
        {
            "id": requests.id,
            "origin": requests.origin,
            "destination": requests.destination,
            "seats": requests.seats,
            "wheelchair_places": requests.wheelchair_places,
            "request_time_s": requests.request_time_s,
            "earliest_s": requests.earliest_s,
            "latest_dropoff_s": requests.latest_dropoff_s,
            "status": pd.Categorical([STATUS.get(s, "unfinished") for s in state.status.tolist()]),
            "reason": pd.Categorical([REASONS[code] for code in reason.tolist()], categories=list(REASONS)),
            "vehicle": np.where(served, state.vehicle, -1),
            "pickup_s": state.picked,
            "boarded_s": state.boarded,
            "dropoff_s": state.dropped,
            "wait_s": state.picked - requests.earliest_s,
            "ride_s": state.dropped - state.boarded,
            "direct_s": state.direct,
            "direct_m": direct_m,
        }
    )
    count = int(state.logged[0])
    whole, real = state.log_whole[:count], state.log_real[:count]
    legs = pd.DataFrame(
        {
            "vehicle": whole[:, 0],
            "origin": whole[:, 1],
            "target": whole[:, 2],
            "depart_s": real[:, 0],
            "arrive_s": real[:, 1],
            "distance_m": real[:, 2],
            "riders": whole[:, 3],
            "requests": whole[:, 4],
            "purpose": pd.Categorical(
                [PURPOSES[code] for code in whole[:, 5].tolist()], categories=list(PURPOSES)
            ),
        }
    )
    legs["span_s"] = _spans(legs)
    table = pd.DataFrame(charges, columns=["vehicle", "node", "start_s", "end_s", "energy_kwh"])
    return ServiceResult(trips, legs, table, fleet.vehicles)


def _spans(legs: pd.DataFrame) -> pd.Series:
    """Seconds of work that begin with each leg: until the vehicle's next departure of the day, or arrival.

    Who is to be at a first pickup in the morning leaves the depot in time for it: where a vehicle drives
    there empty and stands, the stand is not work. Nights between days are none either.
    """
    ordered = legs.sort_values(["vehicle", "depart_s"], kind="stable")
    days = ordered.groupby([ordered["vehicle"], ordered["depart_s"] // DAY_S])
    following = days["depart_s"].shift(-1)
    early = (days.cumcount() == 0) & (ordered["requests"] == 0) & (ordered["purpose"] == "service")
    spans = following.mask(early).fillna(ordered["arrive_s"]) - ordered["depart_s"]
    return spans.reindex(legs.index)
