"""What else a traveller could do: the best way by line bus, or walking, beside the on-demand service."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilots.transport.area import CIRCUITY, WALKING_M_S, Area
from pilots.transport.choice import Offer, Tastes, mode_shares
from pilots.transport.lines import HOURS, Lines
from pilots.transport.scenario import TransportScenario

FloatArray = NDArray[np.float64]

EXPECTED_WAIT_SHARE = 0.4
"""Wait that travellers expect of the service, as a share of the longest they are promised."""


@dataclass(frozen=True)
class LineBus:
    """Expected journeys by line bus of each trip, arrays of shape (trips,); inf where there is none.

    Attributes:
        in_vehicle_s: Riding.
        wait_s: Waiting, changes included.
        walk_s: Walking at both ends and at changes.
        boardings: Vehicles boarded.
    """

    in_vehicle_s: FloatArray
    wait_s: FloatArray
    walk_s: FloatArray
    boardings: FloatArray

    @property
    def total_s(self) -> FloatArray:
        """Door to door."""
        return self.in_vehicle_s + self.wait_s + self.walk_s

    def only(self, rows: NDArray[np.bool_]) -> LineBus:
        """The journeys of some of the trips."""
        return LineBus(self.in_vehicle_s[rows], self.wait_s[rows], self.walk_s[rows], self.boardings[rows])

    def serves_every(self, seconds: float) -> NDArray[np.bool_]:
        """Which trips a line serves without a change at least this often (the wait is half the headway)."""
        return (self.boardings > 0) & (self.boardings < 1.5) & (2 * self.wait_s <= seconds)


def line_bus(lines: Lines | None, requests: pd.DataFrame) -> LineBus:
    """Expected journeys by line bus, across the cities' borders too.

    Args:
        lines: The cities' lines, or None if there are none.
        requests: Columns ``origin``, ``destination`` (rows of stops), ``earliest_s``, ``walk_m``.

    Returns:
        The journeys.
    """
    parts = np.full((4, len(requests)), np.inf)
    if lines is not None:
        band = band_of(requests["earliest_s"].to_numpy(np.float64))
        ends = [lines.row[np.maximum(requests[end].to_numpy(), 0)] for end in ("origin", "destination")]
        inside = (requests["origin"] >= 0).to_numpy() & (requests["destination"] >= 0).to_numpy()
        inside &= (ends[0] >= 0) & (ends[1] >= 0)
        for number, journeys in enumerate(lines.journeys):
            rows = np.flatnonzero(inside & (band == number))
            parts[:, rows] = journeys[:, ends[0][rows], ends[1][rows]]
    parts[2] += requests["walk_m"].to_numpy() / WALKING_M_S
    return LineBus(*parts)


def band_of(time_s: FloatArray) -> NDArray[np.int64]:
    """Which of ``HOURS`` is nearest to times of day, shape of the times."""
    hour = time_s[:, None] % 86_400 / 3600
    return np.asarray(np.argmin(np.abs(hour - np.array(HOURS)), axis=1), dtype=np.int64)


def choose(
    area: Area,
    requests: pd.DataFrame,
    bus: LineBus,
    scenario: TransportScenario,
    chance: FloatArray,
) -> tuple[NDArray[np.bool_], FloatArray]:
    """Which travellers take the on-demand service, and the shares of all ways to travel.

    Args:
        area: Stops and drives.
        requests: As for ``line_bus``.
        bus: Journeys by line bus.
        scenario: Fare, promises, value of time.
        chance: A number between 0 and 1 per traveller.

    Returns:
        A mask of shape (trips,), and shares of shape (3, trips).
    """
    origin = np.maximum(requests["origin"].to_numpy(), 0)
    destination = np.maximum(requests["destination"].to_numpy(), 0)
    direct_min = area.network.travel_time_s[0, origin, destination].astype(np.float64) / 60
    walk_min = requests["walk_m"].to_numpy() / WALKING_M_S / 60
    xy = area.stops[["x_m", "y_m"]].to_numpy()
    straight = np.hypot(*(xy[origin] - xy[destination]).T)
    detour = 1 + (scenario.max_ride_factor - 1) / 2
    shares = mode_shares(
        Offer(
            ride_min=np.where(requests["origin"] >= 0, detour * direct_min, np.inf),
            wait_min=EXPECTED_WAIT_SHARE * scenario.max_wait_min,
            walk_min=walk_min,
            fare_eur=scenario.fare_eur,
        ),
        Offer(
            ride_min=bus.in_vehicle_s / 60,
            wait_min=bus.wait_s / 60,
            walk_min=bus.walk_s / 60,
            transfers=np.maximum(bus.boardings - 1, 0),
        ),
        Offer(ride_min=0.0, walk_min=CIRCUITY * straight / WALKING_M_S / 60 + walk_min),
        Tastes(value_of_time_eur_per_h=scenario.value_of_time_eur_per_h),
    )
    return chance < shares[0], shares
