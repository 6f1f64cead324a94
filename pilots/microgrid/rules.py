"""Control by rule: what most batteries do today, and what every cleverer controller must beat.

*Self-consumption* keeps the sun of noon for the evening. *Cheapest hours* charges in the cheapest hours of
the day and gives in the dearest. *Peak shaving* keeps the battery full and gives only what exceeds a limit.
None looks at a forecast; the day's prices are known because they are published the day before.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.bus import plant_of
from pilots.microgrid.control import Plan, Record
from pilots.microgrid.forecast import Observed
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.stage import EXPORT_LIMIT, IMPORT_LIMIT, IMPORT_PRICE, LOAD, RENEWABLE, Plant
from pilots.microgrid.tariff import billing_months
from pilots.microgrid.value import moved

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLLOW, CHARGE, HOLD = 0, 1, 2


@dataclass(frozen=True)
class SelfConsumption:
    """Store every surplus of sun and wind, cover every need from the battery as long as it lasts."""

    @property
    def label(self) -> str:
        """What it is called beside a result."""
        return "rule: self-consumption"

    def begin(self, site: Site, series: Series, observed: Observed, rng: np.random.Generator) -> Plan:  # noqa: ARG002
        """Start to steer a site."""
        return _Following(plant_of(site, series.step_h), observed, np.zeros(len(series), np.int64))


@dataclass(frozen=True)
class CheapestHours:
    """Charge at full power in the cheapest hours of each day, cover the load in twice as many of the dearest.

    A surplus of sun and wind is stored in any hour. Days are the market's.

    Attributes:
        hours: How many hours of each day are for charging.
    """

    hours: float = 4.0

    @property
    def label(self) -> str:
        """What it is called beside a result."""
        return f"rule: {self.hours:g} cheapest hours"

    def begin(self, site: Site, series: Series, observed: Observed, rng: np.random.Generator) -> Plan:  # noqa: ARG002
        """Start to steer a site."""
        local = series.time.tz_convert(site.tariff.market_timezone)
        day = pd.DatetimeIndex(local.tz_localize(None)).normalize().as_unit("s").asi8 // 86_400
        count = round(self.hours / series.step_h)
        mode = np.full(len(series), HOLD, np.int64)
        price = observed.rows[:, IMPORT_PRICE]
        for first, last in _runs(day):
            order = first + np.argsort(price[first:last], kind="stable")
            mode[order[max(0, len(order) - 2 * count) :]] = FOLLOW
            mode[order[:count]] = CHARGE
        return _Following(plant_of(site, series.step_h), observed, mode)


@dataclass(frozen=True)
class PeakShaving:
    """Give what exceeds a limit, fill up under it.

    Attributes:
        limit_kw: Import to be kept to; if left out, the highest import of the month so far, beginning with
            the mean load of the day before.
    """

    limit_kw: float | None = None

    @property
    def label(self) -> str:
        """What it is called beside a result."""
        return (
            "rule: peak shaving" if self.limit_kw is None else f"rule: peak shaving at {self.limit_kw:g} kW"
        )

    def begin(self, site: Site, series: Series, observed: Observed, rng: np.random.Generator) -> Plan:  # noqa: ARG002
        """Start to steer a site."""
        return _Shaving(plant_of(site, series.step_h), observed, billing_months(site, series), self.limit_kw)


class _Following:
    """A rule with a mode for each step at work."""

    def __init__(self, plant: Plant, observed: Observed, mode: Ints) -> None:
        self.plant, self.observed, self.mode = plant, observed, mode

    def advance(self, first: int, last: int, record: Record) -> None:
        """Decide the steps ``first .. last - 1``."""
        _follow(self.observed.rows, self.plant, self.mode, record.levels, record.draws, first, last)


class _Shaving:
    """Peak shaving at work."""

    def __init__(self, plant: Plant, observed: Observed, months: Ints, limit_kw: float | None) -> None:
        self.plant, self.observed, self.months = plant, observed, months
        self.ratchet = limit_kw is None
        self.state = np.array([0.0 if limit_kw is None else limit_kw, -1.0])

    def advance(self, first: int, last: int, record: Record) -> None:
        """Decide the steps ``first .. last - 1``."""
        _shave(
            self.observed.rows, self.plant, self.months, self.observed.steps_per_day, self.ratchet,
            self.state,
            record.levels, record.draws, first, last,
        )  # fmt: skip


def _runs(day: Ints) -> list[tuple[int, int]]:
    edges = [0, *(np.flatnonzero(np.diff(day)) + 1).tolist(), len(day)]
    return list(pairwise(edges))


@njit(cache=True)
def limited(draw: float, level: float, plant: Plant, row: Floats) -> float:
    """A wish cut to what battery and bus allow, kWh.

    Charging takes no more than grid, sun and wind can give beyond the load, discharging gives no more than
    load and grid can take.
    """
    dt = plant.step_h
    held = level * plant.retention
    if draw > 0.0:
        room = max(plant.room_kwh - held, 0.0) / plant.charge_efficiency
        spare = max(row[IMPORT_LIMIT] + row[RENEWABLE] - row[LOAD], 0.0) * dt
        return float(min(draw, plant.charge_kw * dt, room, spare))
    taken = max(row[EXPORT_LIMIT] + row[LOAD], 0.0) * dt
    return -float(min(-draw, plant.discharge_kw * dt, held * plant.discharge_efficiency, taken))


@njit(cache=True)
def _follow(
    rows: Floats, plant: Plant, mode: Ints, levels: Floats, draws: Floats, first: int, last: int
) -> None:
    for t in range(first, last):
        net = (rows[t, LOAD] - rows[t, RENEWABLE]) * plant.step_h
        wish = -net
        if mode[t] == CHARGE:
            wish = plant.charge_kw * plant.step_h
        elif mode[t] == HOLD and net > 0.0:
            wish = 0.0
        draws[t] = limited(wish, levels[t], plant, rows[t])
        levels[t + 1] = moved(levels[t], draws[t], plant)


@njit(cache=True)
def _shave(
    rows: Floats, plant: Plant, months: Ints, day: int, ratchet: bool, state: Floats,
    levels: Floats, draws: Floats, first: int, last: int,
) -> None:  # fmt: skip
    for t in range(first, last):
        if ratchet and months[t] != state[1]:
            since = max(0, t - day)
            state[0] = max(rows[since : t + 1, LOAD].mean(), 0.0)
            state[1] = months[t]
        net = rows[t, LOAD] - rows[t, RENEWABLE]
        draws[t] = limited((state[0] - net) * plant.step_h, levels[t], plant, rows[t])
        levels[t + 1] = moved(levels[t], draws[t], plant)
        if ratchet:
            state[0] = max(state[0], net + draws[t] / plant.step_h)
