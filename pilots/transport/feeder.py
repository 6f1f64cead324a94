"""Feeder rides: the service brings travellers to a line, or fetches them from it, and the connection is kept.

Somebody from a village to the centre rides the minibus to the tram and the tram from there: the vehicle is
free again after five kilometres instead of fifteen. Who is brought to a line is promised to be at its stop in
time for a departure named beforehand; who comes by line finds the vehicle ordered for the arrival.

Where lines are known by headways only, departures are every headway from a first one at random.

Source: Chandra & Quadrifoglio 2013, Transportation Research B 47:43-55 (feeder lines on demand).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pilots.transport.alternatives import EXPECTED_WAIT_SHARE, band_of
from pilots.transport.area import Area
from pilots.transport.lines import PARTS, Lines
from pilots.transport.scenario import TransportScenario

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DIRECT, TO_LINE, FROM_LINE = 0, 1, 2

MOST_DRIVE = 0.6
"""A feeder ride is worth the change only if it is at most this share of the whole drive."""

LONGEST = 1.5
"""Longest journey by feeder and line, as a multiple of the one by the service alone."""

LONGEST_HEADWAY_S = 1200.0
"""Lines that run less often than every twenty minutes are not fed."""

ONE_BOARDING = 1.5
"""Expected boardings below which a journey by line has no change of its own."""


@dataclass(frozen=True)
class Feeder:
    """How each trip is carried, arrays of shape (trips,).

    Attributes:
        kind: ``DIRECT``, ``TO_LINE`` or ``FROM_LINE``.
        hub: Stop of the change, -1 for direct rides.
        departs_s: When the line leaves the stop at which the traveller boards it.
        arrives_s: When it is where the traveller leaves it.
    """

    kind: IntArray
    hub: IntArray
    departs_s: FloatArray
    arrives_s: FloatArray


def feeders(
    area: Area, lines: Lines | None, trips: pd.DataFrame, scenario: TransportScenario, phase: FloatArray
) -> Feeder:
    """Which trips are better carried to or from a line, and by which departure.

    Args:
        area: Stops and drives.
        lines: The lines, or None if there are none.
        trips: Columns ``origin``, ``destination`` (rows of stops), ``earliest_s``, ``reason``.
        scenario: From which distance on, and the time a change takes.
        phase: First departure at each stop, as a share of the headway, shape (stops,).

    Returns:
        The rides; all direct where no line serves better.
    """
    count = len(trips)
    none = Feeder(
        np.zeros(count, np.int64), np.full(count, -1), np.full(count, np.nan), np.full(count, np.nan)
    )
    origin, destination = (trips[end].to_numpy(np.int64) for end in ("origin", "destination"))
    metres = area.network.distance_m[np.maximum(origin, 0), np.maximum(destination, 0)]
    far = (origin >= 0) & (destination >= 0) & (trips["reason"] == "").to_numpy()
    far &= metres > 1000 * scenario.feeder_beyond_km
    if lines is None or scenario.feeder_beyond_km <= 0 or not far.any():
        return none
    start = trips["earliest_s"].to_numpy(np.float64)
    band = band_of(start)
    search = _Search(area, lines, scenario, phase)
    for row in np.flatnonzero(far).tolist():
        found = search.best(int(origin[row]), int(destination[row]), float(start[row]), int(band[row]))
        if found is not None:
            none.kind[row], none.hub[row], none.departs_s[row], none.arrives_s[row] = found
    return none


class _Search:
    """The best stop to change at, trip by trip."""

    def __init__(self, area: Area, lines: Lines, scenario: TransportScenario, phase: FloatArray) -> None:
        self.drive = area.network.travel_time_s[0].astype(np.float64)
        self.stops = np.flatnonzero(lines.row >= 0)
        self.row = lines.row
        self.journeys = lines.journeys
        self.phase = phase
        self.change_s = 60 * scenario.connection_min
        self.boarding_s = scenario.boarding_s
        self.wait_s = 60 * EXPECTED_WAIT_SHARE * scenario.max_wait_min
        self.detour = 1 + (scenario.max_ride_factor - 1) / 2

    def best(
        self, origin: int, destination: int, start: float, band: int
    ) -> tuple[int, int, float, float] | None:
        """Kind, hub, departure and arrival of the quickest way by feeder and line, or None."""
        whole = self.drive[origin, destination]
        quickest = LONGEST * (self.wait_s + self.boarding_s + self.detour * whole)
        best: tuple[int, int, float, float] | None = None
        for kind in (TO_LINE, FROM_LINE):
            end = destination if kind == TO_LINE else origin
            if self.row[end] < 0:
                continue
            drive = self.drive[origin, self.stops] if kind == TO_LINE else self.drive[self.stops, destination]
            line = self._line(band, end, to_end=kind == TO_LINE)
            headway = 2 * line["wait_s"]
            fits = (drive > 0) & (drive <= MOST_DRIVE * whole) & (headway <= LONGEST_HEADWAY_S)
            fits &= (line["boardings"] > 0) & (line["boardings"] < ONE_BOARDING)
            if not fits.any():
                continue
            ride = self.wait_s + self.boarding_s + self.detour * drive + self.change_s
            boards = self.stops if kind == TO_LINE else np.full(len(self.stops), end)
            ready = start + (ride if kind == TO_LINE else 0.0)
            departs = _next_departure(ready, headway, self.phase[boards])
            arrives = departs + line["in_vehicle_s"] + line["walk_s"]
            took = np.where(fits, arrives - start + (0.0 if kind == TO_LINE else ride), np.inf)
            hub = int(np.argmin(took))
            if took[hub] < quickest:
                quickest = float(took[hub])
                best = kind, int(self.stops[hub]), float(departs[hub]), float(arrives[hub])
        return best

    def _line(self, band: int, end: int, *, to_end: bool) -> dict[str, FloatArray]:
        """Journeys by line from every stop to one, or from one to every stop."""
        table, hubs, one = self.journeys[band], self.row[self.stops], self.row[end]
        parts = table[:, hubs, one] if to_end else table[:, one, hubs]
        finite = np.where(np.isfinite(parts), parts, 1e9).astype(np.float64)
        return dict(zip(PARTS, finite, strict=True))


def _next_departure(ready: FloatArray | float, headway: FloatArray, phase: FloatArray) -> FloatArray:
    """First departure not before a time, of a line that leaves every headway."""
    step = np.maximum(headway, 1.0)
    return np.asarray(step * (np.ceil(np.asarray(ready) / step - phase) + phase), dtype=np.float64)


def fed(trips: pd.DataFrame, feeder: Feeder, change_s: float) -> pd.DataFrame:
    """The trips as the service carries them: to the line in time for its departure, or from its arrival.

    Args:
        trips: As for ``feeders``, with ``request_time_s``.
        feeder: How each is carried.
        change_s: Seconds a change takes.

    Returns:
        The same rows with the ends and times of the service's part, and ``latest_dropoff_s``, ``feeder``
        (the kind), ``start_s`` (when the traveller sets out), ``line_departs_s`` and ``line_arrives_s``.
    """
    to_line, from_line = feeder.kind == TO_LINE, feeder.kind == FROM_LINE
    start = trips["earliest_s"].to_numpy(np.float64)
    return trips.assign(
        origin=np.where(from_line, feeder.hub, trips["origin"]),
        destination=np.where(to_line, feeder.hub, trips["destination"]),
        earliest_s=np.where(from_line, feeder.arrives_s + change_s, start),
        latest_dropoff_s=np.where(to_line, feeder.departs_s - change_s, np.inf),
        feeder=feeder.kind,
        start_s=start,
        line_departs_s=feeder.departs_s,
        line_arrives_s=feeder.arrives_s,
    )
