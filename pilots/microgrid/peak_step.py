"""A step decided by the meter: its draw weighed against the worth of energy and peak after it.

An hour at 160 kW with 150 kW paid: is it cheaper to take 10 kW from the battery, or to pay for them and have
every later hour of the month go up to 160? The worth of both comes from :mod:`pilots.microgrid.peak_value`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.peaks import Charge
from pilots.microgrid.predictive import WORTH_OF_RESERVE
from pilots.microgrid.stage import (
    CONDITIONS,
    EXCESS,
    EXCESS_PRICE,
    FREE_IMPORT,
    IMPORT,
    IMPORT_LIMIT,
    IMPORT_PRICE,
    LOAD,
    OFFERS,
    RENEWABLE,
    SHED,
    Plant,
    cost_of_draw,
    offers,
    settle,
)
from pilots.microgrid.value import moved

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ACCURACY_KWH = 0.01
GOLDEN = (5.0**0.5 - 1.0) / 2.0


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
