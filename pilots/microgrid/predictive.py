"""Predictive control: plan ahead on what is believed, do the first step, look again.

At every hour the value of stored energy is found for the hours to come (:mod:`pilots.microgrid.value`),
once for each member of the forecast, and the mean of these values is traded off against the cost of the
step at hand with the load and sun that the meter shows. So the battery follows its meter between plans too,
each quarter-hour at its own net load. Bertsekas 2005, *Dynamic programming and suboptimal control*, section
4 (certainty equivalence and scenario-averaged rollout).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from pilots.microgrid.bus import plant_of
from pilots.microgrid.control import Plan, Record
from pilots.microgrid.forecast import Forecaster, Observed, Persistence
from pilots.microgrid.peaks import Charge, charge_of, renew_targets
from pilots.microgrid.series import Series
from pilots.microgrid.site import Site
from pilots.microgrid.stage import (
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
    Plant,
    settle,
)
from pilots.microgrid.value import LENGTHS, SLOPES, decide, look_ahead, moved

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Energy left at the horizon is worth the median price of the last four weeks, as far as known.
PRICE_MEMORY_DAYS = 28
# With a capacity charge the first part of the battery is worth a little more than planned: a forecast that
# misses one hour costs a month. Both found on eight series that no case here uses (see the guide).
INSURED = 0.08
PREMIUM_EUR_PER_KWH = 0.05
# A limit is held with what the last four weeks would have asked for at the same time of day, and a quarter
# more.
MEMORY_DAYS = 28
CAUTION = 1.25
CAUTION_LOAD = 1.02
# Energy kept back for a limit is worth less than keeping the limit, and more than any price.
WORTH_OF_RESERVE = 0.5


@dataclass(frozen=True)
class Predictive:
    """Predictive control by exact dynamic programming.

    With a capacity charge in the tariff the controller is peak-aware: the month's target of
    :mod:`pilots.microgrid.peaks` caps what it plans to import. A hard limit is the connection's own.

    Attributes:
        forecast: What it believes.
        horizon_h: How far it looks ahead.
        replan_h: How often it looks.
        reserve_h: Hours of islanding to be ready for: the critical load of the worst such stretch of the
            last week is kept in the battery.
        limit_kw: Import to be kept to, if it can be: a connection smaller than what stands there. Once it
            has been exceeded, the highest import reached takes its place.
    """

    forecast: Forecaster = Persistence()  # noqa: RUF009 - a frozen value
    horizon_h: float = 36.0
    replan_h: float = 1.0
    reserve_h: float = 0.0
    limit_kw: float = np.inf

    @property
    def label(self) -> str:
        """What it is called beside a result."""
        return f"predictive, {self.forecast.label}"

    def begin(self, site: Site, series: Series, observed: Observed, rng: np.random.Generator) -> Plan:  # noqa: ARG002
        """Start to steer a site."""
        return Steering(self, site, series, observed)


class Steering:
    """The controller at work on one site."""

    def __init__(self, controller: Predictive, site: Site, series: Series, observed: Observed) -> None:
        dt = series.step_h
        self.site, self.observed, self.plant = site, observed, plant_of(site, dt)
        self.horizon = max(2, round(controller.horizon_h / dt))
        self.every = max(1, round(controller.replan_h / dt))
        if abs(self.every * dt - controller.replan_h) > 1e-9 and controller.replan_h > dt:
            raise InvalidInput(
                "plans must be renewed at whole steps",
                field="replan_h",
                value=controller.replan_h,
                expected=f"a multiple of {dt} h",
            )
        self.reserve = round(controller.reserve_h / dt)
        self.sight = controller.forecast.begin(observed, self.horizon)
        self.charge = charge_of(site, series)
        self.limit_kw = controller.limit_kw
        self.peaks = np.zeros(int(self.charge.months[-1]) + 1)
        self.targets = np.zeros(2)
        battery = site.battery
        low = 0.0 if battery is None else battery.level_min_kwh
        final = None if battery is None else battery.level_final_kwh
        self.final = 0.0 if final is None else final - low
        self.next_plan = 0
        self.kept: tuple[Floats, Ints] = (np.empty((0, 0, 0)), np.empty(0, np.int64))

    def advance(self, first: int, last: int, record: Record) -> None:
        """Decide the steps ``first .. last - 1``; a plan made at a step serves until the next is due."""
        day = self.observed.steps_per_day
        at = first
        while at < last:
            end = min(last, (at // day + 1) * day)
            self._day(at, end, record)
            at = end

    def _day(self, first: int, last: int, record: Record) -> None:
        levels, draws, caps = record.levels, record.draws, record.caps_kw
        rows, charge = self.observed.rows, self.charge
        value = self._end_value(first)
        if charge.price > 0.0 and (first % charge.day == 0 or first == 0):
            renew_targets(rows, first, charge, self.plant, value, self.horizon, self.peaks, self.targets)
        if self.next_plan > first:
            # Steps that the last plan still serves.
            until = min(self.next_plan, last)
            begin = self.next_plan - self.every
            values, counts = self.kept
            _serve(
                rows,
                self.plant,
                levels,
                draws,
                caps,
                begin,
                first,
                until,
                values,
                counts,
                charge,
                self.peaks,
                self.targets[0],
                self.limit_kw,
            )
        origins = np.arange(self.next_plan, last, self.every)
        if len(origins) == 0:
            return
        self.next_plan = int(origins[-1]) + self.every
        outlook = self.sight.outlook(origins)
        self.kept = _steer(
            rows, self.plant, levels, draws, caps, origins, self.every, last,
            outlook.load_kw, outlook.renewable_kw, outlook.prices, outlook.limits,
            value, self.final, self._floors(origins), charge, self.peaks, self.targets, self.limit_kw,
        )  # fmt: skip

    def _end_value(self, t: int) -> float:
        """What a kWh left at the horizon is worth, from the prices known at step ``t``."""
        seen, day = self.observed, self.observed.steps_per_day
        prices = seen.rows[max(0, t - PRICE_MEMORY_DAYS * day) : int(seen.known_until[t]), IMPORT_PRICE]
        return float(self.plant.discharge_efficiency * np.median(prices))

    def _floors(self, origins: Ints) -> Floats:
        """The reserve for islanding at each origin, kWh."""
        floors = np.zeros(len(origins))
        if self.reserve > 0:
            floors = reserve_kwh(self.observed, origins, self.reserve, self.site.critical_share, self.plant)
        if np.isfinite(self.limit_kw):
            limit = max(self.limit_kw, float(self.peaks.max()))
            day = self.observed.steps_per_day
            floors = np.maximum(floors, _kept_for_limit(self.observed.rows, origins, limit, self.plant, day))
        return floors


def reserve_kwh(observed: Observed, origins: Ints, steps: int, critical_share: float, plant: Plant) -> Floats:
    """Energy for the last week's worst stretch of critical load less renewables, kWh stored."""
    day = observed.steps_per_day
    floors = np.empty(len(origins))
    for i, t in enumerate(origins):
        rows = observed.rows[max(0, t - 7 * day) : t + 1]
        need = np.maximum(critical_share * rows[:, LOAD] - rows[:, RENEWABLE], 0.0) * plant.step_h
        run = np.convolve(need, np.ones(min(steps, len(need))))
        scale = steps / min(steps, len(need))
        floors[i] = min(run.max() * scale / plant.discharge_efficiency, plant.room_kwh)
    return floors


@njit(cache=True)
def _kept_for_limit(rows: Floats, origins: Ints, limit_kw: float, plant: Plant, day: int) -> Floats:
    """The highest level that a limit would have asked for at this time of the last days, kWh."""
    floors = np.zeros(len(origins))
    steps = MEMORY_DAYS * day
    for i in range(len(origins)):
        t = origins[i]
        level = 0.0
        for back in range(min(steps, t)):
            row = rows[t - 1 - back]
            over = CAUTION_LOAD * row[LOAD] - row[RENEWABLE] - limit_kw
            if over > 0.0:
                level += min(over, plant.discharge_kw) * plant.step_h / plant.discharge_efficiency
            else:
                level = max(level - min(-over, plant.charge_kw) * plant.step_h * plant.charge_efficiency, 0.0)
            if (back + 1) % day == 0:
                floors[i] = max(floors[i], level)
        floors[i] = min(CAUTION * floors[i], plant.room_kwh)
    return floors


@njit(cache=True)
def _steer(
    rows: Floats, plant: Plant, levels: Floats, draws: Floats, caps: Floats, origins: Ints, every: int,
    last: int,
    load: Floats, renewable: Floats, prices: Floats, limits: Floats,
    end_value: float, final: float, floors: Floats, charge: Charge, peaks: Floats, targets: Floats,
    limit_kw: float,
) -> tuple[Floats, Ints]:  # fmt: skip
    """Plan at each origin and decide until the next; returns the values of the last plan."""
    members, horizon = load.shape[1], load.shape[2]
    most = 12 * horizon + 64
    ahead = np.empty((horizon, CONDITIONS))
    values, counts = np.empty((every, members, most, 2)), np.zeros((every, members), np.int64)
    mixed, numbers = np.empty((every, members * most + 2, 2)), np.zeros(every, np.int64)
    value, spare, curve = np.empty((most, 2)), np.empty((most, 2)), np.empty((SEGMENTS, 4))
    offer_prices, widths, kinds = np.empty(OFFERS), np.empty(OFFERS), np.empty(OFFERS, np.int64)
    for i in range(len(origins)):
        t = origins[i]
        end = min(horizon, len(rows) - t)
        kept = min(every, end)
        # On the island the reserve is there to be used.
        floor = 0.0 if rows[t, IMPORT_LIMIT] <= 0.0 else floors[i]
        small = _with_room(plant, plant.room_kwh - floor)
        for k in range(members):
            _fill(
                ahead,
                t,
                end,
                load[i, k],
                renewable[i, k],
                prices[:, i],
                limits[:, i],
                plant,
                charge,
                peaks,
                targets,
                limit_kw,
            )
            n = _at_the_end(value, small, end_value, max(final - floor, 0.0), t + end == len(rows))
            begin = base = 0.0
            above = end
            for h in range(kept, 0, -1):
                n, begin, base = look_ahead(
                    ahead, h, above, small, value, n, begin, base, spare, offer_prices, widths, kinds, curve
                )
                values[h - 1, k, :n], counts[h - 1, k] = value[:n], n
                above = h
        for h in range(kept):
            numbers[h] = _mean(
                values[h], counts[h], members, floor, WORTH_OF_RESERVE * plant.shed_price, mixed[h]
            )
            if charge.price > 0.0:
                numbers[h] = _insure(mixed[h], numbers[h], INSURED * plant.room_kwh, PREMIUM_EUR_PER_KWH)
        _serve(
            rows,
            plant,
            levels,
            draws,
            caps,
            t,
            t,
            min(t + every, last),
            mixed,
            numbers,
            charge,
            peaks,
            targets[0],
            limit_kw,
        )
    return mixed, numbers


@njit(cache=True)
def _fill(
    ahead: Floats, t: int, end: int, load: Floats, renewable: Floats, prices: Floats, limits: Floats,
    plant: Plant, charge: Charge, peaks: Floats, targets: Floats, limit_kw: float,
) -> None:  # fmt: skip
    """Lay down what one member expects from step ``t`` on."""
    month = charge.months[t]
    excess = charge.price / plant.step_h
    limit = max(limit_kw, peaks.max())
    for h in range(end):
        ahead[h, LOAD], ahead[h, RENEWABLE] = load[h], renewable[h]
        ahead[h, IMPORT_PRICE], ahead[h, EXPORT_PRICE] = prices[0, h], prices[1, h]
        ahead[h, IMPORT_LIMIT], ahead[h, EXPORT_LIMIT] = min(limits[0, h], limit), limits[1, h]
        ahead[h, FREE_IMPORT], ahead[h, EXCESS_PRICE] = np.inf, 0.0
        if excess > 0.0:
            this_month = charge.months[t + h] == month
            ahead[h, FREE_IMPORT] = max(targets[0], peaks[month]) if this_month else targets[1]
            ahead[h, EXCESS_PRICE] = excess


@njit(cache=True)
def _with_room(plant: Plant, room_kwh: float) -> Plant:
    return Plant(
        plant.step_h, room_kwh, plant.charge_kw, plant.discharge_kw, plant.charge_efficiency,
        plant.discharge_efficiency,
        plant.wear_charge, plant.wear_discharge, plant.retention, plant.generator_kw, plant.generator_cost,
        plant.shed_price,
    )  # fmt: skip


@njit(cache=True)
def _at_the_end(value: Floats, plant: Plant, end_value: float, final: float, over: bool) -> int:
    """The value function at the horizon; at the series' end only the final level asked for counts."""
    if not over:
        value[0, SLOPES], value[0, LENGTHS] = -end_value, plant.room_kwh
        return 1
    final = min(final, plant.room_kwh)
    if final <= 0.0:
        value[0, SLOPES], value[0, LENGTHS] = 0.0, plant.room_kwh
        return 1
    value[0, SLOPES], value[0, LENGTHS] = -plant.shed_price, final
    value[1, SLOPES], value[1, LENGTHS] = 0.0, plant.room_kwh - final
    return 2


@njit(cache=True)
def _mean(values: Floats, counts: Ints, members: int, floor: float, below: float, out: Floats) -> int:
    """The mean of the members' value functions; under the reserve, energy is worth ``below``.

    The mean of convex piecewise-linear functions has the kinks of all of them.
    """
    n = 0
    if floor > 0.0:
        out[0, SLOPES], out[0, LENGTHS] = -below, floor
        n = 1
    if members == 1:
        out[n : n + counts[0]] = values[0, : counts[0]]
        return int(n + counts[0])
    total = counts[:members].sum()
    places, jumps = np.empty(total), np.empty(total)
    slope, kinks = 0.0, 0
    room = 0.0
    for k in range(members):
        slope += values[k, 0, SLOPES] / members
        at = 0.0
        for j in range(1, counts[k]):
            at += values[k, j - 1, LENGTHS]
            places[kinks], jumps[kinks] = at, (values[k, j, SLOPES] - values[k, j - 1, SLOPES]) / members
            kinks += 1
        room = max(room, at + values[k, counts[k] - 1, LENGTHS])
    order = np.argsort(places[:kinks])
    begin = 0.0
    for j in order:
        if places[j] - begin > 1e-9:
            out[n, SLOPES], out[n, LENGTHS] = slope, places[j] - begin
            begin = places[j]
            n += 1
        slope += jumps[j]
    out[n, SLOPES], out[n, LENGTHS] = slope, max(room - begin, 0.0)
    return n + 1


@njit(cache=True)
def _insure(f: Floats, n: int, upto: float, premium: float) -> int:
    at = 0.0
    for j in range(n):
        end = at + f[j, LENGTHS]
        if end <= upto:
            f[j, SLOPES] -= premium
        elif at < upto:
            for i in range(n, j, -1):
                f[i] = f[i - 1]
            f[j, LENGTHS] = upto - at
            f[j, SLOPES] -= premium
            f[j + 1, LENGTHS] = end - upto
            return n + 1
        else:
            break
        at = end
    return n


@njit(cache=True)
def _serve(
    rows: Floats, plant: Plant, levels: Floats, draws: Floats, caps: Floats, origin: int, first: int,
    last: int,
    values: Floats, counts: Ints, charge: Charge, peaks: Floats, target: float, limit_kw: float,
) -> None:  # fmt: skip
    """Decide the steps ``first .. last - 1`` with the values of the plan made at ``origin``."""
    prices, widths, kinds = np.empty(OFFERS), np.empty(OFFERS), np.empty(OFFERS, np.int64)
    curve, flows, row = np.empty((SEGMENTS, 4)), np.empty(OFFERS), np.empty(CONDITIONS)
    for t in range(first, last):
        row[:] = rows[t]
        row[IMPORT_LIMIT] = min(row[IMPORT_LIMIT], max(limit_kw, peaks.max()))
        if charge.price > 0.0:
            row[FREE_IMPORT] = max(target, peaks[charge.months[t]])
            row[EXCESS_PRICE] = charge.price / plant.step_h
            caps[t] = row[FREE_IMPORT]
        j = t - origin
        draw, n, start = decide(
            row, plant, values[j], counts[j], 0.0, levels[t], prices, widths, kinds, curve
        )
        draws[t] = draw
        levels[t + 1] = moved(levels[t], draw, plant)
        settle(n, widths, kinds, start, (row[LOAD] - row[RENEWABLE]) * plant.step_h + draw, flows)
        # What a limit of the plan does not let through comes over the connection all the same, if that is
        # larger.
        drawn = min((flows[IMPORT] + flows[EXCESS] + flows[SHED]) / plant.step_h, rows[t, IMPORT_LIMIT])
        peaks[charge.months[t]] = max(peaks[charge.months[t]], drawn)
