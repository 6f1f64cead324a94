"""How far a single run's figures could have been others: other weeks, other outages.

A run of one year sees two outages, or none, and says that 14 kWh of load were not served. Two thousand years
of outages drawn from the same process over the same schedule say that between 0 and 190 kWh are usual. In the
same way the weeks of the year are drawn again, each from the five around it, for the share of outages that
are survived (stratified block bootstrap; Künsch 1989, doi 10.1214/aos/1176347265).

Both are intervals for the year as it is: prices, weather and load of other years are what repetitions of a
run are for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pilots.microgrid.inputs import SHIFTS, WEEK_H
from pilots.microgrid.schedule import Schedule

Floats = NDArray[np.float64]

DRAWS = 2000
COVERAGE = (2.5, 97.5)
"""Percentiles between which 95 % of the draws lie."""
LEAST_WEEKS = 4
"""Fewer weeks say nothing about others."""


def interval_of_weeks(values: Floats, step_h: float, rng: np.random.Generator) -> tuple[float, float] | None:
    """The 95 % interval of the mean of values, one a step, when weeks are drawn again from those around them.

    ``None`` where there are fewer than four weeks.
    """
    per_week = round(WEEK_H / step_h)
    weeks = len(values) // per_week
    if weeks < LEAST_WEEKS:
        return None
    means = values[: weeks * per_week].reshape(weeks, per_week).mean(axis=1)
    drawn = np.arange(weeks) + rng.integers(-SHIFTS, SHIFTS + 1, (DRAWS, weeks))
    low, high = np.percentile(means[drawn % weeks].mean(axis=1), COVERAGE)
    return float(low), float(high)


def interval_of_outages(
    schedule: Schedule, usual: Floats, drawn: Callable[[], Floats]
) -> tuple[float, float]:
    """The 95 % interval of load not served over years of outages, kWh.

    Load that is not served although the grid is there comes to the same in each. An outage begins with the
    battery as full as it is then in the schedule; sun, wind, battery and backup serve what they can.

    Args:
        schedule: What happened.
        usual: Share of the connection that is there in each step without an outage.
        drawn: Gives that share in another year, outages included.
    """
    series = schedule.series
    there = usual if series.grid_available is None else series.grid_available
    always = np.where(there >= usual, schedule.unserved_kw, 0.0)
    shed = []
    for _ in range(DRAWS):
        other = drawn()
        out = other < usual
        shed.append(float(always[~out].sum()) * series.step_h + _shed_kwh(schedule, other, out))
    low, high = np.percentile(shed, COVERAGE)
    return float(low), float(high)


def _shed_kwh(schedule: Schedule, there: Floats, out: NDArray[np.bool_]) -> float:
    """Load not served in the steps of a year in which the grid is out, kWh."""
    site, dt = schedule.site, schedule.series.step_h
    battery = site.battery
    backup = 0.0 if site.generator is None else site.generator.rated_kw
    shed, after, level = 0.0, -1, 0.0
    for step in np.flatnonzero(out).tolist():
        if step != after:
            level = 0.0 if battery is None else float(schedule.level_kwh[step]) - battery.level_min_kwh
        after = step + 1
        own = schedule.solar_kw[step] + schedule.wind_kw[step] + backup
        short = float(schedule.load_kw[step] + schedule.charging_kw[step] - own)
        short -= there[step] * site.connection.import_limit_kw
        if battery is None:
            shed += max(short, 0.0)
        elif short > 0.0:
            give = min(short, battery.discharge_kw, level * battery.discharge_efficiency / dt)
            level -= give / battery.discharge_efficiency * dt
            shed += short - give
        else:
            room = battery.level_max_kwh - battery.level_min_kwh
            level = min(level + min(-short, battery.charge_kw) * battery.charge_efficiency * dt, room)
    return shed * dt
