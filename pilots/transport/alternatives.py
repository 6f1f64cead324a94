"""What else a traveller could do: the best way by line bus, or walking, beside the on-demand service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.streets import transit_times
from pilots.transport.area import CIRCUITY, WALKING_M_S, Area
from pilots.transport.choice import Offer, Tastes, mode_shares
from pilots.transport.scenario import TransportScenario
from twin.packs import PackView

FloatArray = NDArray[np.float64]

HOURS = (8, 13, 20)
"""Hours whose headways stand for the morning, the day and the evening."""

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


def line_bus(
    area: Area,
    packs: Mapping[str, PackView],
    requests: pd.DataFrame,
    day_type: str,
    withdrawn: Sequence[str] = (),
) -> LineBus:
    """Expected journeys by line bus within each city; a trip across the border has none.

    Args:
        area: Stops.
        packs: Each city's lines.
        requests: Columns ``origin``, ``destination`` (rows of stops), ``request_time_s``, ``walk_m``.
        day_type: ``weekday``, ``saturday`` or ``sunday``.
        withdrawn: Lines that no longer run, by number or id.

    Returns:
        The journeys.
    """
    parts = np.full((4, len(requests)), np.inf)
    band = np.argmin(np.abs(requests["request_time_s"].to_numpy()[:, None] / 3600 - np.array(HOURS)), axis=1)
    origin, destination = requests["origin"].to_numpy(), requests["destination"].to_numpy()
    city_of = area.stops["city"].to_numpy()
    for city, pack in sorted(packs.items()):
        if not (pack.has("rides") and pack.has("headways")):
            continue
        table = pack.table("stops", ["stop_id"])
        row_of = pd.Series(np.arange(len(table)), index=table["stop_id"].astype(str))
        # Virtual stops have no line.
        stop = area.stops["stop_id"].map(row_of).fillna(-1).to_numpy(np.int64)
        inside = (origin >= 0) & (destination >= 0)
        inside &= (stop[np.maximum(origin, 0)] >= 0) & (stop[np.maximum(destination, 0)] >= 0)
        inside &= (city_of[np.maximum(origin, 0)] == city) & (city_of[np.maximum(destination, 0)] == city)
        rides, headways = _running(pack, withdrawn)
        for number, hour in enumerate(HOURS):
            rows = np.flatnonzero(inside & (band == number))
            if len(rows) == 0:
                continue
            times = transit_times(
                table,
                rides,
                headways,
                hour=_known_hour(headways, day_type, hour),
                day_type=day_type,  # type: ignore[arg-type]
            )
            ends = stop[origin[rows]], stop[destination[rows]]
            for part, matrix in enumerate((times.in_vehicle_s, times.wait_s, times.walk_s, times.boardings)):
                parts[part, rows] = matrix[ends]
    parts[2] += requests["walk_m"].to_numpy() / WALKING_M_S
    return LineBus(*parts)


def _known_hour(headways: pd.DataFrame, day_type: str, hour: float) -> float:
    """The hour itself if headways are known for it, else the middle of the nearest band that is known.

    Some cities share the headways of the morning peak alone; they then stand for the whole day.
    """
    types = (day_type, "daily") if day_type == "weekday" else (day_type, "weekend", "daily")
    bands = headways.loc[headways["day_type"].isin(types), ["start_h", "end_h"]].drop_duplicates()
    if bands.empty or ((bands["start_h"] <= hour) & (hour < bands["end_h"])).any():
        return hour
    away = np.maximum(bands["start_h"] - hour, hour - bands["end_h"])
    nearest = int(np.argmin(np.asarray(away)))
    return float(bands[["start_h", "end_h"]].to_numpy(np.float64)[nearest].mean())


def _running(pack: PackView, withdrawn: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rides and headways of the lines that still run."""
    gone = set(withdrawn)
    if gone and pack.has("lines"):
        lines = pack.table("lines", ["line_id", "name"])
        gone |= set(lines.loc[lines["name"].isin(gone), "line_id"])
    rides, headways = pack.table("rides"), pack.table("headways")
    return rides[~rides["line_id"].isin(gone)], headways[~headways["line_id"].isin(gone)]


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
