"""How long a site could hold out if the grid failed now, for every now of the year.

The measure is that of REopt's outage simulator (Anderson et al. 2017; Laws et al. 2018, *Impacts of valuing
resilience on cost-optimal PV and storage systems*): an outage begins at each step in turn with the battery
as full as it is then; the critical part of the load is served from sun, wind, battery and backup until it
cannot be. The year wraps.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.schedule import Schedule

Floats = NDArray[np.float64]

LONGEST_H = 168.0


def hours_survived(
    schedule: Schedule, critical_share: float | None = None, longest_h: float = LONGEST_H
) -> Floats:
    """Hours that an outage beginning with each step is survived, at most ``longest_h``; shape (steps,).

    Args:
        schedule: Flows and levels.
        critical_share: Share of the load to be kept up; that of the site if left out.
        longest_h: Where to stop counting.
    """
    site, dt = schedule.site, schedule.series.step_h
    share = site.critical_share if critical_share is None else critical_share
    need = share * np.maximum(schedule.load_kw, 0.0)
    own = schedule.solar_kw + schedule.wind_kw + np.maximum(-schedule.load_kw, 0.0)
    battery = site.battery
    generator = 0.0 if site.generator is None else site.generator.rated_kw
    room, powers, efficiency, low = 0.0, (0.0, 0.0), (1.0, 1.0), 0.0
    if battery is not None:
        low = battery.level_min_kwh
        room = battery.level_max_kwh - low
        powers = (battery.charge_kw, battery.discharge_kw)
        efficiency = (battery.charge_efficiency, battery.discharge_efficiency)
    level = schedule.level_kwh[:-1] - low
    longest = round(longest_h / dt)
    return _survived(need - own, level, room, *powers, *efficiency, generator, dt, longest) * dt


def survival(hours: Floats, duration_h: float) -> float:
    """The probability that an outage of a duration is survived: the share of its possible beginnings."""
    return float(np.mean(hours >= duration_h - 1e-9))


@njit(cache=True)
def _survived(
    deficit: Floats, level: Floats, room: float, charge_kw: float, discharge_kw: float, into: float,
    of: float,
    generator_kw: float, step_h: float, longest: int,
) -> Floats:  # fmt: skip
    steps = len(deficit)
    out = np.zeros(steps)
    for start in range(steps):
        held = level[start]
        count = 0
        t = start
        while count < longest:
            need = deficit[t]
            if need > 0.0:
                left = max(need - generator_kw, 0.0)
                if left > discharge_kw + 1e-9 or left * step_h > held * of + 1e-9:
                    break
                held -= left * step_h / of
            else:
                held = min(held + min(-need, charge_kw) * into * step_h, room)
            count += 1
            t = t + 1 if t + 1 < steps else 0
        out[start] = count
    return out
