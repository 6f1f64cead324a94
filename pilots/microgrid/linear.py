"""Predictive control by a linear programme, kept and re-solved: the textbook's way.

Each hour the programme of the hours to come gets new prices, loads and its first level; HiGHS goes on from
its last basis. Rawlings, Mayne and Diehl 2017, *Model Predictive Control*, chapter 1. The dynamic programme
of :mod:`pilots.microgrid.predictive` does the same in a twentieth of the time; this one is its check, and
the place to add a constraint that is not convex in one battery's level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilots.microgrid.bus import plant_of
from pilots.microgrid.control import Plan, Record
from pilots.microgrid.forecast import Forecaster, Observed, Outlook, Persistence
from pilots.microgrid.program import LinearProgram
from pilots.microgrid.rules import limited
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.stage import IMPORT_PRICE, Plant
from pilots.microgrid.value import moved

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class LinearPredictive:
    """Predictive control by linear programme; it knows no capacity charge.

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
        self.program = _Program(self.plant, self.horizon)
        self.planned = np.zeros(self.horizon)
        self.made_at = -self.every

    def advance(self, first: int, last: int, record: Record) -> None:
        """Decide the steps ``first .. last - 1``."""
        plant = self.plant
        for t in range(first, last):
            if t - self.made_at >= self.every:
                outlook = self.sight.outlook(np.array([t]))
                value = self._end_value(t)
                self.planned = self.program.plan(outlook, record.levels[t] * plant.retention, value)
                self.made_at = t
            draw = float(self.planned[t - self.made_at])
            draw = limited(draw, record.levels[t], plant, self.observed.rows[t])
            record.draws[t] = draw
            record.levels[t + 1] = moved(record.levels[t], draw, plant)

    def _end_value(self, t: int) -> float:
        seen = self.observed
        past = max(0, t - 28 * seen.steps_per_day)
        known = seen.rows[past : int(seen.known_until[t]), IMPORT_PRICE]
        return float(self.plant.discharge_efficiency * np.median(known))


class _Program:
    """The linear programme of one horizon, laid down once."""

    def __init__(self, plant: Plant, steps: int) -> None:
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
        lp.load()

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
