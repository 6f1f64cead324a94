"""Predictive control by a linear programme, kept and re-solved: the textbook's way.

Each hour the programme of the hours to come gets new prices, loads and its first level; HiGHS goes on from
its last basis. Rawlings, Mayne and Diehl 2017, *Model Predictive Control*, chapter 1. With a capacity charge
one more column stands for the month's highest import: it costs the charge, holds down the imports of the
horizon, and cannot go below what the month has already reached or is worth paying for
(:mod:`pilots.microgrid.peaks`). So a peak that cannot be avoided is spread over hours instead of being moved
from one to another. The dynamic programme
of :mod:`pilots.microgrid.predictive` does the same in a twentieth of the time; this one is its check, and
the place to add a constraint that is not convex in one battery's level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.bus import plant_of
from pilots.microgrid.control import Plan, Record
from pilots.microgrid.forecast import Forecaster, Observed, Outlook, Persistence
from pilots.microgrid.peaks import charge_of, renew_targets
from pilots.microgrid.program import INFINITY, LinearProgram
from pilots.microgrid.rules import limited
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.stage import (
    EXCESS,
    EXCESS_PRICE,
    FREE_IMPORT,
    IMPORT,
    IMPORT_PRICE,
    LOAD,
    OFFERS,
    RENEWABLE,
    Plant,
    offers,
    settle,
)
from pilots.microgrid.value import moved

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class LinearPredictive:
    """Predictive control by linear programme, aware of the month's highest import where that is charged.

    Attributes:
        forecast: What it believes; of several members it takes the mean.
        horizon_h: How far it looks ahead.
        replan_h: How often it looks.
    """

    forecast: Forecaster = Persistence()  # noqa: RUF009 - a frozen value
    horizon_h: float = 36.0
    replan_h: float = 1.0

    @property
    def label(self) -> str:
        """What it is called beside a result."""
        return f"linear programme, {self.forecast.label}"

    def begin(self, site: Site, series: Series, observed: Observed, rng: np.random.Generator) -> Plan:  # noqa: ARG002
        """Start to steer a site."""
        return _Replanning(self, site, series, observed)


class _Replanning:
    """The controller at work on one site."""

    def __init__(self, controller: LinearPredictive, site: Site, series: Series, observed: Observed) -> None:
        dt = series.step_h
        self.plant, self.observed = plant_of(site, dt), observed
        self.horizon = max(2, round(controller.horizon_h / dt))
        self.every = max(1, round(controller.replan_h / dt))
        self.sight = controller.forecast.begin(observed, self.horizon)
        self.charge = charge_of(site, series)
        self.peaks, self.targets = np.zeros(int(self.charge.months[-1]) + 1), np.zeros(2)
        self.program = _Program(self.plant, self.horizon, self.charge.price)
        self.planned = np.zeros(self.horizon)
        self.made_at = -self.every

    def advance(self, first: int, last: int, record: Record) -> None:
        """Decide the steps ``first .. last - 1``."""
        plant, charge, rows = self.plant, self.charge, self.observed.rows
        for t in range(first, last):
            month = charge.months[t]
            if charge.price > 0.0 and t % charge.day == 0:
                value = self._end_value(t)
                renew_targets(rows, t, charge, plant, value, self.horizon, self.peaks, self.targets)
            if t - self.made_at >= self.every:
                outlook = self.sight.outlook(np.array([t]))
                value = self._end_value(t)
                if charge.price > 0.0:
                    least = np.array([max(self.targets[0], self.peaks[month]), self.targets[1]])
                    self.program.charge_peaks(least, int(charge.month_end[month]) - t)
                self.planned = self.program.plan(outlook, record.levels[t] * plant.retention, value)
                self.made_at = t
            draw = float(self.planned[t - self.made_at])
            draw = limited(draw, record.levels[t], plant, self.observed.rows[t])
            record.draws[t] = draw
            record.levels[t + 1] = moved(record.levels[t], draw, plant)
            if charge.price > 0.0:
                record.caps_kw[t] = max(self.targets[0], self.peaks[month])
                drawn = _imported(rows[t], plant, draw, record.caps_kw[t], charge.price / plant.step_h)
                self.peaks[month] = max(self.peaks[month], drawn)

    def _end_value(self, t: int) -> float:
        seen = self.observed
        past = max(0, t - 28 * seen.steps_per_day)
        known = seen.rows[past : int(seen.known_until[t]), IMPORT_PRICE]
        return float(self.plant.discharge_efficiency * np.median(known))


@njit(cache=True)
def _imported(row: Floats, plant: Plant, draw: float, cap_kw: float, excess_price: float) -> float:
    """The import of a step by merit order, when the battery draws some kWh, kW."""
    prices, widths, kinds = np.empty(OFFERS), np.empty(OFFERS), np.empty(OFFERS, np.int64)
    flows, capped = np.empty(OFFERS), row.copy()
    capped[FREE_IMPORT], capped[EXCESS_PRICE] = cap_kw, excess_price
    n, start = offers(capped, plant, prices, widths, kinds)
    settle(n, widths, kinds, start, (row[LOAD] - row[RENEWABLE]) * plant.step_h + draw, flows)
    return float((flows[IMPORT] + flows[EXCESS]) / plant.step_h)


class _Program:
    """The linear programme of one horizon, laid down once."""

    def __init__(self, plant: Plant, steps: int, peak_price: float) -> None:
        self.plant, dt = plant, plant.step_h
        lp = self.lp = LinearProgram(presolve=False)
        self.take = lp.add_columns(steps)
        self.feed = lp.add_columns(steps)
        self.curtail = lp.add_columns(steps)
        self.shed = lp.add_columns(steps, plant.shed_price * dt)
        self.spill = lp.add_columns(steps, plant.shed_price * dt)
        self.make = lp.add_columns(steps, plant.generator_cost * dt, 0.0, plant.generator_kw)
        self.charge = lp.add_columns(steps, plant.wear_charge * dt, 0.0, plant.charge_kw)
        self.give = lp.add_columns(steps, plant.wear_discharge * dt, 0.0, plant.discharge_kw)
        self.level = lp.add_columns(steps, 0.0, 0.0, plant.room_kwh)
        self.balance = lp.add_rows(steps, 0.0, 0.0)
        for columns, sign in (
            (self.take, 1.0), (self.feed, -1.0), (self.curtail, -1.0), (self.shed, 1.0), (self.spill, -1.0),
            (self.make, 1.0), (self.charge, -1.0), (self.give, 1.0),
        ):  # fmt: skip
            lp.put(self.balance, columns, sign)
        self.continuity = lp.add_rows(steps, 0.0, 0.0)
        lp.put(self.continuity, self.level, 1.0)
        lp.put(self.continuity[1:], self.level[:-1], -plant.retention)
        lp.put(self.continuity, self.charge, -plant.charge_efficiency * dt)
        lp.put(self.continuity, self.give, dt / plant.discharge_efficiency)
        # Highest import of this month and of the next; which of them holds a step down is told each time.
        self.highest = lp.add_columns(2, peak_price) if peak_price > 0.0 else np.empty(0, np.int32)
        self.under = [lp.add_rows(steps, -INFINITY, 0.0) for _ in self.highest]
        for rows, column in zip(self.under, self.highest, strict=True):
            lp.put(rows, self.take, 1.0)
            lp.put(rows, column, -1.0)
        lp.load()

    def charge_peaks(self, least_kw: Floats, steps_left: int) -> None:
        """Say from where on imports of this and of the next month cost more, and when this month ends."""
        this_month = np.arange(len(self.take)) < steps_left
        self.lp.change_column_limits(self.highest, least_kw, np.full(2, INFINITY))
        below = np.full(len(self.take), -INFINITY)
        for rows, held in zip(self.under, (this_month, ~this_month), strict=True):
            self.lp.change_row_limits(rows, below, np.where(held, 0.0, INFINITY))

    def plan(self, outlook: Outlook, held: float, end_value: float) -> Floats:
        """The battery's draws of the horizon, kWh."""
        lp, dt = self.lp, self.plant.step_h
        load, own = outlook.load_kw[0].mean(axis=0), outlook.renewable_kw[0].mean(axis=0)
        zeros = np.zeros(len(load))
        lp.change_costs(self.take, outlook.prices[0, 0] * dt)
        lp.change_costs(self.feed, -outlook.prices[1, 0] * dt)
        lp.change_costs(self.level[-1:], np.array([-end_value]))
        lp.change_column_limits(self.take, zeros, outlook.limits[0, 0])
        lp.change_column_limits(self.feed, zeros, outlook.limits[1, 0])
        lp.change_column_limits(self.curtail, zeros, np.maximum(own, 0.0))
        lp.change_column_limits(self.shed, zeros, np.maximum(load, 0.0))
        lp.change_column_limits(self.spill, zeros, np.maximum(-load, 0.0))
        lp.change_row_limits(self.balance, load - own, load - own)
        begin = np.array([held])
        lp.change_row_limits(self.continuity[:1], begin, begin)
        x = lp.solve()
        return np.asarray((x[self.charge] - x[self.give]) * dt)
