"""The value of stored energy, found exactly: dynamic programming with convex piecewise-linear functions.

The least cost from now to the end is a convex, piecewise-linear function of the energy in the battery. One
step back in time it is the infimal convolution of itself with the cost of the step, and the infimal
convolution of two such functions merges their segments by slope (Rockafellar 1970, *Convex Analysis*,
theorem 16.4; for storage: Bannister and Kaye 1991, *A rapid method for optimization of linear systems with
storage*, Operations Research 39(2)). No grid of levels and no rounding: a year of hours takes milliseconds
and equals the linear programme.

Example: with power at 5 cents tonight and 20 at breakfast, the first kWh in the battery is worth 19 cents
(0.95 x 20), the thousandth perhaps nothing; the slopes of the function are these values with their sign
turned.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.stage import (
    CHANGE,
    DRAW,
    LOAD,
    OFFERS,
    RENEWABLE,
    SEGMENTS,
    SLOPE,
    WIDTH,
    Plant,
    change_apart,
    offers,
    settle,
    step_cost,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Columns of a value function, one row a segment: slope (EUR/kWh, rising) and length (kWh).
SLOPES, LENGTHS = 0, 1


@njit(cache=True)
def one_step_back(
    value: Floats, n: int, begin: float, base: float,
    curve: Floats, m: int, first: float, cost: float, plant: Plant, out: Floats,
) -> tuple[int, float, float]:  # fmt: skip
    """The value function one step earlier.

    Args:
        value: Slopes and lengths of the later function.
        n, begin, base: Its segments, the level at which they begin (kWh) and its value there (EUR).
        curve, m, first, cost: The cost of the step from :func:`pilots.microgrid.stage.step_cost`.
        plant: The plant.
        out: Filled with the earlier function.

    Returns:
        Segments, first level and value there of the earlier function.
    """
    last, dear = first, cost
    for j in range(m):
        last += curve[j, CHANGE]
        dear += curve[j, CHANGE] * curve[j, SLOPE]
    level, total = begin - last, base + dear
    room = plant.room_kwh * plant.retention
    i, j, k = 0, m - 1, 0
    start = max(level, 0.0)
    while (i < n or j >= 0) and level < room:
        if j < 0 or (i < n and value[i, SLOPES] <= -curve[j, SLOPE]):
            slope, length = value[i, SLOPES], value[i, LENGTHS]
            i += 1
        else:
            slope, length = -curve[j, SLOPE], curve[j, CHANGE]
            j -= 1
        end = level + length
        kept = min(end, room) - max(level, 0.0)
        if level < 0.0:
            total += slope * min(length, -level)
        if kept > 0.0:
            if k > 0 and slope - out[k - 1, SLOPES] <= 1e-12:
                out[k - 1, LENGTHS] += kept
            else:
                out[k, SLOPES], out[k, LENGTHS] = slope, kept
                k += 1
        level = end
    if plant.retention < 1.0:
        start /= plant.retention
        for i in range(k):
            out[i, SLOPES] *= plant.retention
            out[i, LENGTHS] /= plant.retention
    return k, start, total


@njit(cache=True)
def value_at(value: Floats, n: int, begin: float, base: float, level: float) -> float:
    """The value function at a level, EUR."""
    left = level - begin
    for i in range(n):
        length = min(value[i, LENGTHS], left)
        if length <= 0.0:
            break
        base += value[i, SLOPES] * length
        left -= length
    return base


@njit(cache=True)
def best_change(
    value: Floats, n: int, begin: float, curve: Floats, m: int, first: float, level: float
) -> float:
    """The change of level that minimises the cost of the step plus the value after it, kWh."""
    last = first
    for j in range(m):
        last += curve[j, CHANGE]
    left = level - (begin - last)
    i, j = 0, m - 1
    change = last
    while left > 0.0 and (i < n or j >= 0):
        if j < 0 or (i < n and value[i, SLOPES] <= -curve[j, SLOPE]):
            left -= value[i, LENGTHS]
            i += 1
        else:
            change -= min(curve[j, CHANGE], left)
            left -= curve[j, CHANGE]
            j -= 1
    return change


@njit(cache=True)
def draw_for(change: float, curve: Floats, m: int, first: float) -> float:
    """The draw that goes with a change of level, kWh."""
    at = first
    for j in range(m):
        end = at + curve[j, CHANGE]
        if change <= end or j == m - 1:
            share = min(max((change - at) / curve[j, CHANGE], 0.0), 1.0)
            return float(curve[j, DRAW] + curve[j, WIDTH] * share)
        at = end
    return 0.0


@njit(cache=True)
def _value_of_choice(
    value: Floats,
    n: int,
    begin: float,
    base: float,
    curve: Floats,
    m: int,
    first: float,
    cost: float,
    level: float,
) -> tuple[float, float]:
    """The best change on a curve and what it costs together with the value after it."""
    change = best_change(value, n, begin, curve, m, first, level)
    change = min(max(change, begin - level), first + curve[:m, CHANGE].sum())
    at = first
    for j in range(m):
        part = min(curve[j, CHANGE], change - at)
        if part <= 0.0:
            break
        cost += part * curve[j, SLOPE]
        at += part
    return change, cost + value_at(value, n, begin, base, level + change)


@njit(cache=True)
def decide(
    row: Floats, plant: Plant, value: Floats, n: int, begin: float, level: float,
    prices: Floats, widths: Floats, kinds: Ints, curve: Floats,
) -> tuple[float, int, float]:  # fmt: skip
    """The best draw of the battery in a step, never charging and discharging at once, kWh.

    The cost of the step is convex while the battery charges and while it discharges, but where energy pays
    to be burnt not across both; there each side is solved and the better one taken.

    Returns:
        The draw, and the number and start of the offers left in ``prices``, ``widths``, ``kinds``.
    """
    dt = plant.step_h
    n_offers, start = offers(row, plant, prices, widths, kinds)
    net = (row[LOAD] - row[RENEWABLE]) * dt
    held = level * plant.retention
    low, high = -plant.discharge_kw * dt, plant.charge_kw * dt
    m, first, cost = step_cost(n_offers, prices, widths, kinds, start, net, plant, low, high, False, curve)
    if n_offers > 0 and prices[0] >= 0.0:
        change = best_change(value, n, begin, curve, m, first, held)
        draw = draw_for(change, curve, m, first) if m > 0 else 0.0
    else:
        best, draw = np.inf, 0.0
        for side in range(2):
            a, z = (low, 0.0) if side == 0 else (0.0, high)
            m, first, cost = step_cost(n_offers, prices, widths, kinds, start, net, plant, a, z, False, curve)
            change, total = _value_of_choice(value, n, begin, 0.0, curve, m, first, cost, held)
            if total < best:
                best, draw = total, draw_for(change, curve, m, first) if m > 0 else 0.0
    return _within(draw, held, plant), n_offers, start


@njit(cache=True)
def _within(draw: float, held: float, plant: Plant) -> float:
    """The draw cut to what keeps the level between empty and full."""
    if draw > 0.0:
        return min(draw, max(plant.room_kwh - held, 0.0) / plant.charge_efficiency)
    return max(draw, -max(held, 0.0) * plant.discharge_efficiency)


@njit(cache=True)
def moved(level: float, draw: float, plant: Plant) -> float:
    """The level after a step with a draw, cleared of rounding, kWh."""
    return min(max(level * plant.retention + change_apart(draw, plant), 0.0), plant.room_kwh)


@njit(cache=True)
def look_ahead(
    rows: Floats, first: int, last: int, plant: Plant, value: Floats, n: int, begin: float, base: float,
    spare: Floats, prices: Floats, widths: Floats, kinds: Ints, curve: Floats,
) -> tuple[int, float, float]:  # fmt: skip
    """The value function before step ``first``, from the one after ``last - 1``, in place."""
    dt = plant.step_h
    low, high = -plant.discharge_kw * dt, plant.charge_kw * dt
    one, two = value, spare
    for t in range(last - 1, first - 1, -1):
        n_offers, start = offers(rows[t], plant, prices, widths, kinds)
        net = (rows[t, LOAD] - rows[t, RENEWABLE]) * dt
        m, change, cost = step_cost(
            n_offers, prices, widths, kinds, start, net, plant, low, high, True, curve
        )
        n, begin, base = one_step_back(one, n, begin, base, curve, m, change, cost, plant, two)
        one, two = two, one
    if (last - first) % 2 == 1:
        value[:n] = spare[:n]
    return n, begin, base


@njit(cache=True)
def whole(rows: Floats, plant: Plant, level: float, final: float, end_value: float, most: int) -> tuple[
    int, float, Floats, Floats, Floats, Floats
]:  # fmt: skip
    """The optimum over all steps with perfect foresight.

    Args:
        rows: Conditions of each step.
        plant: The plant.
        level: Level before the first step, kWh above the least one.
        final: Least level after the last step.
        end_value: What a kWh left at the end is worth, EUR.
        most: How many segments may be kept in all.

    Returns:
        A status (0 found, 1 the final level cannot be reached, 2 too many segments), the cost (EUR), draw and
        simultaneous throughput of the battery (kWh), levels before and after each step, and the value of
        one more stored kWh after each step (EUR/kWh).
    """
    steps = len(rows)
    dt = plant.step_h
    low, high = -plant.discharge_kw * dt, plant.charge_kw * dt
    prices, widths, kinds = np.empty(OFFERS), np.empty(OFFERS), np.empty(OFFERS, np.int64)
    curve = np.empty((SEGMENTS, 4))
    draws, burnt, levels, worth = np.zeros(steps), np.zeros(steps), np.zeros(steps + 1), np.zeros(steps)
    kept = np.empty((32 * steps + 64, 2))
    at, number, begins = np.zeros(steps + 1, np.int64), np.zeros(steps + 1, np.int64), np.zeros(steps + 1)
    kept[0, SLOPES], kept[0, LENGTHS] = -end_value, plant.room_kwh - final
    number[steps], begins[steps], base = 1, final, 0.0
    for t in range(steps - 1, -1, -1):
        n_offers, start = offers(rows[t], plant, prices, widths, kinds)
        net = (rows[t, LOAD] - rows[t, RENEWABLE]) * dt
        m, first, cost = step_cost(n_offers, prices, widths, kinds, start, net, plant, low, high, True, curve)
        a = at[t + 1]
        free = a + number[t + 1]
        if free + number[t + 1] + m > kept.shape[0]:
            if 2 * kept.shape[0] > most:
                return 2, 0.0, draws, burnt, levels, worth
            more = np.empty((2 * kept.shape[0], 2))
            more[:free] = kept[:free]
            kept = more
        number[t], begins[t], base = one_step_back(
            kept[a:free], number[t + 1], begins[t + 1], base, curve, m, first, cost, plant, kept[free:]
        )
        at[t] = free
    levels[0] = level
    if level < begins[0] - 1e-9:
        return 1, 0.0, draws, burnt, levels, worth
    total = value_at(kept[at[0] :], number[0], begins[0], base, level)
    for t in range(steps):
        n_offers, start = offers(rows[t], plant, prices, widths, kinds)
        net = (rows[t, LOAD] - rows[t, RENEWABLE]) * dt
        m, first, cost = step_cost(n_offers, prices, widths, kinds, start, net, plant, low, high, True, curve)
        value = kept[at[t + 1] : at[t + 1] + number[t + 1]]
        held = levels[t] * plant.retention
        change = best_change(value, number[t + 1], begins[t + 1], curve, m, first, held)
        draws[t] = draw_for(change, curve, m, first) if m > 0 else 0.0
        levels[t + 1] = min(max(held + change, begins[t + 1]), plant.room_kwh)
        burnt[t] = _burnt(draws[t], change, plant)
        worth[t] = _slope_at(value, number[t + 1], levels[t + 1] - begins[t + 1])
    return 0, total, draws, burnt, levels, worth


@njit(cache=True)
def _burnt(draw: float, change: float, plant: Plant) -> float:
    """Energy that is charged and discharged at once for a draw and a change of level, kWh."""
    loss = 1.0 / plant.discharge_efficiency - plant.charge_efficiency
    apart = change_apart(draw, plant)
    return (apart - change) / loss if apart - change > 1e-9 and loss > 1e-9 else 0.0


@njit(cache=True)
def _slope_at(value: Floats, n: int, above: float) -> float:
    """Worth of one more kWh at a height above the beginning of the function, EUR/kWh."""
    for i in range(n):
        above -= value[i, LENGTHS]
        if above <= 1e-9 or i == n - 1:
            return float(-value[i, SLOPES])
    return 0.0


@njit(cache=True)
def replay(rows: Floats, plant: Plant, draws: Floats) -> Floats:
    """The flows of each step by kind when the battery's draws are given, kWh; shape (steps, kinds)."""
    prices, widths, kinds = np.empty(OFFERS), np.empty(OFFERS), np.empty(OFFERS, np.int64)
    flows = np.zeros((len(rows), OFFERS))
    for t in range(len(rows)):
        n, start = offers(rows[t], plant, prices, widths, kinds)
        net = (rows[t, LOAD] - rows[t, RENEWABLE]) * plant.step_h
        settle(n, widths, kinds, start, net + draws[t], flows[t])
    return flows
