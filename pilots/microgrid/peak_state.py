"""Predictive control that carries the month's peak along, next to the energy in the battery.

A capacity charge is paid once for the highest hour of the month. So the cost still to come depends on two
things: how full the battery is and how high the month's import has already been. With 150 kW reached, an
evening of three hours at 180 kW costs 30 kW x 6 EUR, once and not three times, and makes every later evening
of the month cheaper. Both are weighed here at every step of the hours ahead:

    V(level, peak, member) = min over draw and higher peak of  cost + E V(next level, next peak, next member),

and where the month goes on beyond the horizon, its rest costs what as many of the past days would have cost
under an import cap of that peak (:func:`pilots.microgrid.peaks.capped_cost`), plus the charge for the peak.

The members of the forecast are the states of a Markov chain: from hour to hour the future goes on as the same
member with a probability of ``MEMORY``, else as any of them. So a plan knows that it will learn, but not
everything at once, as the mean of plans made in hindsight would have it.

Levels lie on a grid, linear between; peaks on a few rungs, denser around the best one; the step itself is
weighed exactly (:mod:`pilots.microgrid.stage`). Stochastic dynamic programming: Shapiro, Dentcheva and
Ruszczynski 2014, *Lectures on Stochastic Programming*, chapter 3; Markov-chain scenarios: Loehndorf and
Wozabal 2021, European Journal of Operational Research 288(1); state augmentation: Bertsekas 2005, *Dynamic
Programming and Optimal Control*, section 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilots.microgrid.bus import plant_of
from pilots.microgrid.control import Plan, Record
from pilots.microgrid.forecast import Observed, Outlook
from pilots.microgrid.peak_step import ACCURACY_KWH, serve
from pilots.microgrid.peak_value import Ladder, Stages, value_ahead
from pilots.microgrid.peaks import FURTHEST, LOOK_BACK_DAYS, capped_costs
from pilots.microgrid.predictive import INSURED, PREMIUM_EUR_PER_KWH, Predictive, Steering
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.stage import IMPORT_LIMIT, LOAD

Floats = NDArray[np.float64]

# Chance that an hour goes on as the member it began with. Chosen on seven series that no case here uses.
MEMORY = 0.8
# Levels of the battery that are told apart, and import caps for which the month's rest is costed.
LEVELS = 31
CAPS = 16
# The rungs of the peak: shares of the way from what is reached to the best peak, then multiples of the best.
RUNGS_BELOW = np.array([0.0, 0.5, 0.8, 1.0])
RUNGS_ABOVE = np.array([1.08, 1.18, 1.35, 1.7])
# The same where the best is what is reached: parts of it on top, of at least some kilowatts.
RUNGS_ON_TOP = np.array([0.0, 0.04, 0.09, 0.15, 0.22, 0.32, 0.5, 0.8])
LEAST_KW = 20.0
# Steps beyond those decided by a plan are looked at by the hour.
LATER_STEP_H = 1.0


@dataclass(frozen=True)
class PeakStatePredictive(Predictive):
    """Predictive control which, under a capacity charge, has the month's peak as a second state.

    Without a capacity charge it is :class:`pilots.microgrid.predictive.Predictive`. With one it takes about
    ten times as long.
    """

    def begin(self, site: Site, series: Series, observed: Observed, rng: np.random.Generator) -> Plan:
        """Start to steer a site."""
        if site.tariff.capacity_eur_per_kw_month > 0.0:
            return _PeakSteering(self, site, series, observed)
        return super().begin(site, series, observed, rng)


class _PeakSteering(Steering):
    """The controller at work on one site."""

    def __init__(self, controller: Predictive, site: Site, series: Series, observed: Observed) -> None:
        super().__init__(controller, site, series, observed)
        self.block = max(1, round(LATER_STEP_H / series.step_h))
        self.later = plant_of(site, self.block * series.step_h)
        self.day_seen = -1
        self.caps_kw, self.costs, self.days = np.array([0.0, 1.0]), np.zeros(2), 0.0
        self.ladder = Ladder(np.zeros(2), np.zeros(2), np.inf, 0)
        self.worth = np.empty((0, 0, 0))
        self.floor = 0.0

    def _day(self, first: int, last: int, record: Record) -> None:
        end_value = self._end_value(first)
        if first // self.charge.day != self.day_seen:
            self._look_back(first, end_value)
        if self.next_plan > first:
            self._serve(self.next_plan - self.every, first, min(self.next_plan, last), record)
        origins = np.arange(self.next_plan, last, self.every)
        if len(origins) == 0:
            return
        outlook, floors = self.sight.outlook(origins), self._floors(origins)
        for i, t in enumerate(origins):
            # On the island the reserve is there to be used.
            self.floor = 0.0 if self.observed.rows[t, IMPORT_LIMIT] <= 0.0 else float(floors[i])
            self._plan(int(t), i, outlook, end_value)
            self._serve(int(t), int(t), min(int(t) + self.every, last), record)
        self.next_plan = int(origins[-1]) + self.every

    def _look_back(self, t: int, end_value: float) -> None:
        """What the days before step ``t`` would have cost under each cap."""
        day = self.charge.day
        self.day_seen = t // day
        self.days = min(t / day, LOOK_BACK_DAYS)
        if self.days < 1.0:
            return
        rows = self.observed.rows
        past = rows[max(0, t - LOOK_BACK_DAYS * day) : t]
        self.caps_kw = np.linspace(0.0, past[:, LOAD].max() + 0.3 * self.plant.charge_kw, CAPS)
        self.costs = capped_costs(rows, t, self.charge, self.plant, end_value, self.caps_kw)

    def _rest(self, caps: Floats, days: float) -> Floats:
        """The charge for each cap and the cost of some days under it, EUR."""
        rest = self.charge.price * caps
        if self.days >= 1.0:
            rest = rest + min(max(days, 0.0) / self.days, FURTHEST) * np.interp(
                caps, self.caps_kw, self.costs
            )
        return np.asarray(rest)

    def _best_cap(self, days: float, reached_kw: float) -> float:
        """The peak of least cost for some days, never below what is reached, kW."""
        caps = np.linspace(reached_kw, max(self.caps_kw[-1], reached_kw + 1.0), 200)
        return float(caps[np.argmin(self._rest(caps, days))])

    def _climb(self, t: int, steps: int, stages: int) -> Ladder:
        """The rungs as seen from step ``t``."""
        day, month = self.charge.day, self.charge.months[t]
        left = int(self.charge.month_end[month]) - t
        reached = float(self.peaks[month])
        seen = self.days >= 1.0
        # On the first day nothing is known but the load so far, which is taken as paid.
        known = float(self.observed.rows[: t + 1, LOAD].max())
        best = self._best_cap(left / day, reached) if seen else max(reached, known)
        caps = rungs(reached, best)
        rest = self._rest(caps, (left - steps) / day) if seen else self.charge.price * np.maximum(caps, best)
        next_cap = self._best_cap(30.0, 0.0) if seen else np.inf
        first = min(self.every, steps)
        within = left if left <= first else first + -(-(left - first) // self.block)
        return Ladder(caps, rest, next_cap, within if left < steps else stages + 1)

    def _plan(self, t: int, i: int, outlook: Outlook, end_value: float) -> None:
        """Find the worth of energy and peak after each step up to the next plan."""
        steps = min(self.horizon, len(self.observed.rows) - t)
        kept = min(self.every, steps)
        blocks = max(steps - kept, 0) // self.block
        limits = outlook.limits[:, i, :steps].copy()
        limits[0] = np.minimum(limits[0], max(self.limit_kw, float(self.peaks.max())))
        ahead = Stages(
            *(
                _by_stage(values[..., :steps], kept, self.block, blocks)
                for values in (outlook.load_kw[i], outlook.renewable_kw[i], outlook.prices[:, i], limits)
            )
        )
        self.ladder = self._climb(t, steps, kept + blocks)
        room = max(self.plant.room_kwh - self.floor, ACCURACY_KWH)
        over = t + steps == len(self.observed.rows)
        at = np.linspace(0.0, room, LEVELS)
        shortage = np.maximum(max(self.final - self.floor, 0.0) - at, 0.0)
        final = self.plant.shed_price * shortage if over else -end_value * at
        self.worth = np.empty((kept, len(self.ladder.caps), LEVELS))
        value_ahead(
            ahead, self.plant, self.later, self.ladder, self.charge.price, room, final, MEMORY, self.worth
        )
        if self.block > 1:
            # What comes and goes within the hour is not in a plan by the hour: the last of the battery is
            # kept for it, as in :mod:`pilots.microgrid.predictive`.
            insured = max(INSURED * self.plant.room_kwh - self.floor, 0.0)
            self.worth += PREMIUM_EUR_PER_KWH * np.maximum(insured - at, 0.0)

    def _serve(self, origin: int, first: int, last: int, record: Record) -> None:
        serve(
            self.observed.rows, self.plant, record.levels, record.draws, record.caps_kw, origin, first, last,
            self.worth, self.ladder.caps, self.charge, self.peaks, self.limit_kw, self.floor,
        )  # fmt: skip


def rungs(reached_kw: float, best_kw: float) -> Floats:
    """Peaks to be told apart when ``reached_kw`` is paid and ``best_kw`` looks best, rising, kW."""
    if best_kw - reached_kw < 1.0:
        return np.asarray(reached_kw + max(reached_kw, LEAST_KW) * RUNGS_ON_TOP)
    below = reached_kw + (best_kw - reached_kw) * RUNGS_BELOW
    return np.concatenate([below, best_kw * RUNGS_ABOVE])


def _by_stage(values: Floats, first: int, block: int, blocks: int) -> Floats:
    """Some steps as they are, then means over blocks of them, along the last axis."""
    later = values[..., first : first + block * blocks]
    means = later.reshape(*values.shape[:-1], blocks, block).mean(axis=-1)
    return np.ascontiguousarray(np.concatenate([values[..., :first], means], axis=-1))
