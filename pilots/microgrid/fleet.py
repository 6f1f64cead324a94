"""Vehicles that charge on the site over night: when they come and go, and what they need.

A delivery van comes back at half past five with 14 kWh less, and leaves at a quarter past seven. Arrivals and
departures are normal around those times, needs gamma-distributed; on weekends nobody comes. The shape is
that of workplace and depot charging in the ACN and ElaadNL open data (Lee, Li and Low 2019, doi
10.1145/3307772.3328313), the numbers are the scenario's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from pilots.microgrid.charging import ChargingSessions
from pilots.microgrid.scenario import MicrogridScenario

ARRIVAL_H, ARRIVAL_SPREAD_H = 17.5, 1.0
DEPARTURE_H, DEPARTURE_SPREAD_H = 31.25, 0.5
NEED_SHAPE = 4.0


def overnight_stays(
    scenario: MicrogridScenario, time: pd.DatetimeIndex, timezone: str, rng: np.random.Generator
) -> ChargingSessions | None:
    """The stays of the scenario's vehicles over a run; ``None`` if it has none.

    Without flexibility each stays no longer than its charging takes, so that it charges as it comes. A need
    may be more than the charger can give over night: what is missing is then counted.
    """
    if scenario.vehicles == 0:
        return None
    step_h = float(scenario.step_min) / 60.0
    local = time.tz_convert(timezone)
    midnights = np.flatnonzero((local.hour == 0) & (local.minute == 0) & (local.day_of_week < 5))
    shape = (len(midnights), scenario.vehicles)
    arrival = midnights[:, None] + np.round(rng.normal(ARRIVAL_H, ARRIVAL_SPREAD_H, shape) / step_h).astype(
        np.int64
    )
    departure = midnights[:, None] + np.round(
        rng.normal(DEPARTURE_H, DEPARTURE_SPREAD_H, shape) / step_h
    ).astype(np.int64)
    need = rng.gamma(NEED_SHAPE, scenario.vehicle_kwh / NEED_SHAPE, shape)
    departure = np.maximum(departure, arrival + 1)
    if not scenario.flexible_charging:
        steps = np.ceil(need / (scenario.charger_kw * step_h) - 1e-9).astype(np.int64)
        departure = np.minimum(departure, arrival + np.maximum(steps, 1))
    inside = departure <= len(time)
    return ChargingSessions.of(arrival[inside], departure[inside], need[inside], scenario.charger_kw)
