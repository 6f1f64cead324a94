"""The worth of energy in the battery and of a peak already paid, by the hours ahead.

Values are found backwards over the stages of a plan for every member of a forecast, rung of the month's peak
and level of the battery; see :mod:`pilots.microgrid.peak_state` for what they mean. Levels lie on a grid,
linear between; each step is weighed exactly (:mod:`pilots.microgrid.stage`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.stage import (
    CHANGE,
    CONDITIONS,
    EXCESS_PRICE,
    EXPORT_LIMIT,
    EXPORT_PRICE,
    FREE_IMPORT,
    IMPORT_LIMIT,
    IMPORT_PRICE,
    LOAD,
    OFFERS,
    RENEWABLE,
    SEGMENTS,
    SLOPE,
    Plant,
    offers,
    step_cost,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Ahead, the battery may charge and discharge at once: so costs stay convex. What is carried out never does.
BURN = True


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
