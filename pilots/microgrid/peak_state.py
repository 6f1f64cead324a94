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
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.bus import plant_of
from pilots.microgrid.control import Plan, Record
from pilots.microgrid.forecast import Observed, Outlook
from pilots.microgrid.peaks import FURTHEST, LOOK_BACK_DAYS, Charge, capped_costs
from pilots.microgrid.predictive import INSURED, PREMIUM_EUR_PER_KWH, WORTH_OF_RESERVE, Predictive, Steering
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.stage import (
    CHANGE,
    CONDITIONS,
    EXCESS,
    EXCESS_PRICE,
    EXPORT_LIMIT,
    EXPORT_PRICE,
    FREE_IMPORT,
    IMPORT,
    IMPORT_LIMIT,
    IMPORT_PRICE,
    LOAD,
    OFFERS,
    RENEWABLE,
    SEGMENTS,
    SHED,
    SLOPE,
    Plant,
    cost_of_draw,
    offers,
    settle,
    step_cost,
)
from pilots.microgrid.value import moved

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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
ACCURACY_KWH = 0.01
# Ahead, the battery may charge and discharge at once: so costs stay convex. What is carried out never does.
BURN = True
GOLDEN = (5.0**0.5 - 1.0) / 2.0


class Ladder(NamedTuple):
    """Peaks of the month that are told apart.

    Attributes:
        caps: Import of each rung, kW, rising; the first is the month's highest import so far.
        rest: The charge for each and the cost of the month beyond the horizon under it, EUR.
        next_cap: Import worth paying for in the month after, kW.
        steps_left: Stages of the plan that belong to this month.
    """

    caps: Floats
    rest: Floats
    next_cap: float
    steps_left: int


class Stages(NamedTuple):
    """The hours ahead: (members, stages) in kW, import and export (2, stages) in EUR/kWh and kW."""

    load: Floats
    renewable: Floats
    prices: Floats
    limits: Floats


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


@njit(cache=True)
def value_ahead(
    ahead: Stages, plant: Plant, later: Plant, ladder: Ladder, price: float, room_kwh: float, final: Floats,
    memory: float, worth: Floats,
) -> None:  # fmt: skip
    """The expected cost after each of the first steps, by rung of the peak and level of the battery.

    Args:
        ahead: What each member expects; the first stage is known and is not looked at.
        plant: The plant, over a step; as many stages as ``worth`` is long are steps.
        later: The plant over one of the stages after them.
        ladder: The rungs of the peak.
        price: The capacity charge, EUR per kW and month.
        room_kwh: The levels are a grid of equal distances from 0 to this.
        final: Cost at the end of the last stage by level, EUR.
        memory: Chance that an hour goes on as the same member.
        worth: Filled in, EUR; shape (steps, rungs, levels).
    """
    members, stages = ahead.load.shape
    kept, count, levels = worth.shape
    value, earlier = np.empty((members, count, levels)), np.empty((members, count, levels))
    expected = np.empty((count, levels))
    # Beyond the month its peak is behind, and the first rung stands for all.
    alive = count if stages < ladder.steps_left else 1
    rest = ladder.rest if alive == count else np.zeros(count)
    value[:, 0] = final
    _raise(value, rest)
    for h in range(stages, 0, -1):
        if h == ladder.steps_left:
            alive = count
            _raise(value, price * ladder.caps)
        if h <= kept:
            _average(value, alive, expected)
            for i in range(count):
                worth[h - 1, i] = expected[i] if alive == count else expected[0] + price * ladder.caps[i]
        if h > 1:
            step = plant if h - 1 < kept else later
            chance = memory**step.step_h
            _stage_back(ahead, h - 1, step, ladder, alive, price, room_kwh, chance, value, expected, earlier)
            value, earlier = earlier, value


@njit(cache=True)
def _raise(value: Floats, paid: Floats) -> None:
    """Give every rung the value of the first and what is paid for it."""
    for k in range(len(value)):
        for i in range(len(paid) - 1, -1, -1):
            value[k, i] = value[k, 0] + paid[i]


@njit(cache=True)
def _average(value: Floats, alive: int, out: Floats) -> None:
    """The mean over the members, always summed in the same order."""
    out[:alive] = 0.0
    for k in range(len(value)):
        out[:alive] += value[k, :alive]
    out[:alive] /= len(value)


@njit(cache=True)
def _stage_back(
    ahead: Stages, h: int, plant: Plant, ladder: Ladder, alive: int, price: float, room_kwh: float,
    memory: float, value: Floats, expected: Floats, out: Floats,
) -> None:  # fmt: skip
    """The value of every member, rung and level before stage ``h`` from those after it."""
    row, curve = np.empty(CONDITIONS), np.empty((SEGMENTS, 4))
    prices, widths, kinds = np.empty(OFFERS), np.empty(OFFERS), np.empty(OFFERS, np.int64)
    after, corners = np.empty(value.shape[2]), np.empty(value.shape[2], np.int64)
    dt = plant.step_h
    low, high = -plant.discharge_kw * dt, plant.charge_kw * dt
    _average(value, alive, expected)
    row[IMPORT_PRICE], row[EXPORT_PRICE] = ahead.prices[0, h], ahead.prices[1, h]
    row[IMPORT_LIMIT], row[EXPORT_LIMIT] = ahead.limits[0, h], ahead.limits[1, h]
    row[EXCESS_PRICE] = price / dt
    for k in range(len(value)):
        row[LOAD], row[RENEWABLE] = ahead.load[k, h], ahead.renewable[k, h]
        net = (row[LOAD] - row[RENEWABLE]) * dt
        for i in range(alive - 1, -1, -1):
            row[FREE_IMPORT] = ladder.caps[i] if h < ladder.steps_left else ladder.next_cap
            n, start = offers(row, plant, prices, widths, kinds)
            m, change, cost = step_cost(n, prices, widths, kinds, start, net, plant, low, high, BURN, curve)
            for s in range(len(after)):
                after[s] = memory * value[k, i, s] + (1.0 - memory) * expected[i, s]
            step_back_on_grid(after, room_kwh, plant.retention, curve, m, change, cost, out[k, i])
            if i < alive - 1:
                _lower_of(out[k, i], out[k, i + 1], corners)


@njit(cache=True)
def step_back_on_grid(
    after: Floats, room_kwh: float, retention: float, curve: Floats, m: int, first: float, cost: float,
    out: Floats,
) -> None:  # fmt: skip
    """The value one step earlier on the grid of levels.

    As :func:`pilots.microgrid.value.one_step_back`, read off at equal distances: exact there, and between
    them never below the exact function.

    Args:
        after: Convex values of the levels after the step, EUR.
        room_kwh: The highest level.
        retention: Share of a level that is left after the step.
        curve: The cost of the step from :func:`pilots.microgrid.stage.step_cost`.
        m: Its segments.
        first: The change at the beginning of the first.
        cost: The cost there.
        out: Filled with the values before it.
    """
    width = room_kwh / (len(after) - 1)
    last, total = first, after[0] + cost
    for j in range(m):
        last += curve[j, CHANGE]
        total += curve[j, CHANGE] * curve[j, SLOPE]
    level, slope = -last, 0.0
    i, j, g = 0, m - 1, 0
    while g < len(out):
        if i == len(after) - 1 and j < 0:
            # Nothing is left but rounding.
            out[g] = total
            g += 1
            continue
        mine = (after[i + 1] - after[i]) / width if i < len(after) - 1 else np.inf
        if j < 0 or mine <= -curve[j, SLOPE]:
            slope, length = mine, width
            i += 1
        else:
            slope, length = -curve[j, SLOPE], curve[j, CHANGE]
            j -= 1
        while g < len(out) and g * width * retention <= level + length:
            out[g] = total + slope * (g * width * retention - level)
            g += 1
        total += slope * length
        level += length


@njit(cache=True)
def _lower_of(values: Floats, other: Floats, corners: Ints) -> None:
    """The greatest convex function below both, on the grid and in place.

    A peak between two rungs costs what lies between: the hull stands for the rungs left out.
    """
    any_lower = False
    for s in range(len(values)):
        if other[s] < values[s]:
            values[s] = other[s]
            any_lower = True
    if not any_lower:
        return
    n = 0
    for s in range(len(values)):
        while n >= 2:
            a, b = corners[n - 2], corners[n - 1]
            if (values[b] - values[a]) * (s - b) < (values[s] - values[b]) * (b - a):
                break
            n -= 1
        corners[n] = s
        n += 1
    for q in range(n - 1):
        a, b = corners[q], corners[q + 1]
        for s in range(a + 1, b):
            values[s] = values[a] + (values[b] - values[a]) * (s - a) / (b - a)


@njit(cache=True)
def worth_at(
    worth: Floats, caps: Floats, room_kwh: float, price: float, peak_kw: float, level: float
) -> float:
    """Expected cost at a peak and a level, linear between the rungs and levels, EUR."""
    count, levels = worth.shape
    x = min(max(level * (levels - 1) / room_kwh, 0.0), levels - 1.0)
    s = min(int(x), levels - 2)
    x -= s
    i = 0
    while i < count - 2 and caps[i + 1] < peak_kw:
        i += 1
    f = min(max((peak_kw - caps[i]) / (caps[i + 1] - caps[i]), 0.0), 1.0)
    below = worth[i, s] * (1.0 - x) + worth[i, s + 1] * x
    above = worth[i + 1, s] * (1.0 - x) + worth[i + 1, s + 1] * x
    return float(below + (above - below) * f + max(peak_kw - caps[count - 1], 0.0) * price)


class _Choice(NamedTuple):
    """What a step is decided by: its conditions, the plant, the level and peak before it, worth after it."""

    row: Floats
    plant: Plant
    level: float
    peak_kw: float
    worth: Floats
    caps: Floats
    price: float
    floor: float


@njit(cache=True)
def _imported(
    choice: _Choice, widths: Floats, kinds: Ints, n: int, start: float, draw: float, flows: Floats
) -> float:
    """Import over the connection for a draw, kW; fills in the flows of all offers."""
    net = (choice.row[LOAD] - choice.row[RENEWABLE]) * choice.plant.step_h
    settle(n, widths, kinds, start, net + draw, flows)
    return float((flows[IMPORT] + flows[EXCESS]) / choice.plant.step_h)


@njit(cache=True)
def _total(
    choice: _Choice, n: int, start: float, prices: Floats, widths: Floats, kinds: Ints, draw: float,
    flows: Floats,
) -> float:  # fmt: skip
    """Cost of a step with a draw, and of all that comes after, EUR."""
    row, plant, floor = choice.row, choice.plant, choice.floor
    peak = max(choice.peak_kw, _imported(choice, widths, kinds, n, start, draw, flows))
    net = (row[LOAD] - row[RENEWABLE]) * plant.step_h
    cost = cost_of_draw(n, prices, widths, kinds, start, net + draw)
    cost += plant.wear_charge * max(draw, 0.0) + plant.wear_discharge * max(-draw, 0.0)
    room = max(plant.room_kwh - floor, ACCURACY_KWH)
    above = moved(choice.level, draw, plant) - floor
    cost += worth_at(choice.worth, choice.caps, room, choice.price, peak, above)
    return float(cost + WORTH_OF_RESERVE * plant.shed_price * max(-above, 0.0))


@njit(cache=True)
def _best_draw(
    choice: _Choice, n: int, start: float, prices: Floats, widths: Floats, kinds: Ints, flows: Floats
) -> tuple[float, float]:
    """The best draw (kWh) and its total cost, by golden section while charging and while discharging.

    On either side the cost is convex: linear in the offers, and the value after it convex.
    """
    plant = choice.plant
    net = (choice.row[LOAD] - choice.row[RENEWABLE]) * plant.step_h
    held = choice.level * plant.retention
    room = max(plant.room_kwh - held, 0.0) / plant.charge_efficiency
    least = max(-plant.discharge_kw * plant.step_h, start - net, -held * plant.discharge_efficiency)
    most = min(plant.charge_kw * plant.step_h, start - net + widths[:n].sum(), room)
    least, most = min(least, 0.0), max(most, 0.0)
    best, draw = _total(choice, n, start, prices, widths, kinds, 0.0, flows), 0.0
    for side in range(2):
        low, high = (least, 0.0) if side == 0 else (0.0, most)
        end = least if side == 0 else most
        while high - low > ACCURACY_KWH:
            one, two = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
            first = _total(choice, n, start, prices, widths, kinds, one, flows)
            if first <= _total(choice, n, start, prices, widths, kinds, two, flows):
                high = two
            else:
                low = one
        for at in (0.5 * (low + high), end):
            cost = _total(choice, n, start, prices, widths, kinds, at, flows)
            if cost < best - 1e-9:
                best, draw = cost, at
    return draw, best


@njit(cache=True)
def serve(
    rows: Floats, plant: Plant, levels: Floats, draws: Floats, caps_kw: Floats, origin: int, first: int,
    last: int, worth: Floats, caps: Floats, charge: Charge, peaks: Floats, limit_kw: float, floor: float,
) -> None:  # fmt: skip
    """Decide the steps ``first .. last - 1`` with the worth that the plan made at ``origin`` has found."""
    prices, widths, kinds = np.empty(OFFERS), np.empty(OFFERS), np.empty(OFFERS, np.int64)
    flows, row = np.empty(OFFERS), np.empty(CONDITIONS)
    for t in range(first, last):
        month = charge.months[t]
        row[:] = rows[t]
        row[IMPORT_LIMIT] = min(row[IMPORT_LIMIT], max(limit_kw, peaks.max()))
        row[EXCESS_PRICE] = charge.price / plant.step_h
        choice = _Choice(row, plant, levels[t], peaks[month], worth[t - origin], caps, charge.price, floor)
        # Below a price of nothing sun is throttled for import, up to a cap that is to be chosen too.
        count = len(caps) if row[IMPORT_PRICE] < 0.0 else 1
        best, draw, cap = np.inf, 0.0, np.inf
        for i in range(count):
            row[FREE_IMPORT] = max(peaks[month], caps[i]) if count > 1 else np.inf
            n, start = offers(row, plant, prices, widths, kinds)
            at, cost = _best_draw(choice, n, start, prices, widths, kinds, flows)
            if cost < best - 1e-9:
                best, draw, cap = cost, at, row[FREE_IMPORT]
        row[FREE_IMPORT] = cap
        n, start = offers(row, plant, prices, widths, kinds)
        # What a limit of the plan does not let through comes over the connection all the same.
        drawn = _imported(choice, widths, kinds, n, start, draw, flows) + flows[SHED] / plant.step_h
        draws[t], levels[t + 1] = draw, moved(levels[t], draw, plant)
        peaks[month] = max(peaks[month], min(drawn, rows[t, IMPORT_LIMIT]))
        caps_kw[t] = peaks[month]
