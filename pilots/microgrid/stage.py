"""One step at the bus: what it costs to draw a little more or a little less.

Take an hour with 200 kW of load and 150 kW of sun. The next kWh the battery draws comes first from panels
that would have been throttled (free), then from what would have been exported (lost revenue), then from the
grid, then from the diesel set. Sorted by price these *offers* make the cost of the hour a convex,
piecewise-linear function of what the battery draws; the losses of the battery turn it into one of the
change of its level.

Convexity is exact for the linear programme in which a battery may charge and discharge at once; the
schedule that is carried out never does (see :func:`pilots.microgrid.value.decide`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Columns of a table of conditions, one row a step: kW, EUR/kWh.
LOAD, RENEWABLE, IMPORT_PRICE, EXPORT_PRICE, IMPORT_LIMIT, EXPORT_LIMIT, FREE_IMPORT, EXCESS_PRICE = range(8)
CONDITIONS = 8

# Kinds of offers, in the order in which equal prices are taken.
SPILL, CURTAIL, EXPORT, IMPORT, EXCESS, GENERATE, SHED = range(7)
OFFERS = 7

# Smaller flows (kWh) are what rounding leaves of an offer that was taken whole.
DUST = 1e-9

# At most this many segments in the cost of one step: each offer, cut at four kinks, and two flat pieces.
SEGMENTS = 2 * OFFERS + 8
SLOPE, CHANGE, DRAW, WIDTH = range(4)


class Plant(NamedTuple):
    """What stays the same over all steps; energies in kWh above the least level, powers in kW at the bus."""

    step_h: float
    room_kwh: float
    charge_kw: float
    discharge_kw: float
    charge_efficiency: float
    discharge_efficiency: float
    wear_charge: float
    wear_discharge: float
    retention: float
    generator_kw: float
    generator_cost: float
    shed_price: float


@njit(cache=True)
def offers(row: Floats, plant: Plant, prices: Floats, widths: Floats, kinds: Ints) -> tuple[int, float]:
    """The ways to give the bus one more kWh in a step, cheapest first.

    Returns:
        How many there are, and the draw (kWh; load less renewables plus battery) at which none is taken yet.
    """
    dt = plant.step_h
    load, renewable = row[LOAD] * dt, row[RENEWABLE] * dt
    # Limits beyond what can flow only cost digits. At a high enough price the backup feeds in too.
    given = (plant.discharge_kw + plant.generator_kw) * dt
    feed = min(row[EXPORT_LIMIT] * dt, max(0.0, renewable - load + given))
    intake = min(row[IMPORT_LIMIT] * dt, max(0.0, load + plant.charge_kw * dt))
    free = min(intake, row[FREE_IMPORT] * dt)
    n = 0
    for kind in range(OFFERS):
        if kind == SPILL:
            price, width = -plant.shed_price, max(0.0, -load)
        elif kind == CURTAIL:
            price, width = 0.0, renewable
        elif kind == EXPORT:
            price, width = row[EXPORT_PRICE], feed
        elif kind == IMPORT:
            price, width = row[IMPORT_PRICE], free
        elif kind == EXCESS:
            price, width = row[IMPORT_PRICE] + row[EXCESS_PRICE], intake - free
        elif kind == GENERATE:
            price, width = plant.generator_cost, plant.generator_kw * dt
        else:
            price, width = plant.shed_price, max(0.0, load)
        if width <= 0.0:
            continue
        j = n
        while j > 0 and prices[j - 1] > price:
            prices[j], widths[j], kinds[j] = prices[j - 1], widths[j - 1], kinds[j - 1]
            j -= 1
        prices[j], widths[j], kinds[j] = price, width, kind
        n += 1
    return n, -feed - renewable - max(0.0, -load)


@njit(cache=True)
def cost_of_draw(n: int, prices: Floats, widths: Floats, kinds: Ints, start: float, draw: float) -> float:
    """What a draw costs when offers are taken in order, EUR; export is revenue given up."""
    cost = 0.0
    for k in range(n):
        if kinds[k] == EXPORT or kinds[k] == SPILL:
            cost -= prices[k] * widths[k]
    left = draw - start
    for k in range(n):
        take = min(widths[k], left)
        if take <= 0.0:
            break
        cost += take * prices[k]
        left -= take
    return cost


@njit(cache=True)
def settle(n: int, widths: Floats, kinds: Ints, start: float, draw: float, flows: Floats) -> None:
    """What flows when a draw is met by offers in order; ``flows`` is filled by kind, kWh."""
    flows[:] = 0.0
    left = draw - start
    for k in range(n):
        take = min(widths[k], max(left, 0.0))
        left -= take
        kind = kinds[k]
        # Curtailment, export and spilling are what is left of their offers.
        flow = widths[k] - take if kind in (SPILL, CURTAIL, EXPORT) else take
        flows[kind] = flow if flow > DUST else 0.0


@njit(cache=True)
def change_apart(draw: float, plant: Plant) -> float:
    """Change of level for a draw when the battery only charges or only discharges, kWh."""
    return draw * plant.charge_efficiency if draw > 0.0 else draw / plant.discharge_efficiency


@njit(cache=True)
def change_burning(draw: float, plant: Plant) -> float:
    """Least change of level for a draw when the battery may burn energy by doing both at once, kWh."""
    charge, discharge = plant.charge_kw * plant.step_h, plant.discharge_kw * plant.step_h
    into, out = plant.charge_efficiency, 1.0 / plant.discharge_efficiency
    if draw <= charge - discharge:
        return (draw + discharge) * into - discharge * out
    return charge * into + (draw - charge) * out


@njit(cache=True)
def step_cost(
    n: int, prices: Floats, widths: Floats, kinds: Ints, start: float, net: float,
    plant: Plant, draw_min: float, draw_max: float, burn: bool, curve: Floats,
) -> tuple[int, float, float]:  # fmt: skip
    """Cost of a step as a convex function of the change of the battery's level.

    Args:
        n, prices, widths, kinds, start: The offers.
        net: Load less renewables, kWh.
        plant: The plant.
        draw_min: Least draw of the battery to be looked at, kWh; negative when it discharges.
        draw_max: Highest draw.
        burn: Whether the battery may charge and discharge at once.
        curve: Filled with segments in the order of rising change: slope (EUR/kWh), length (kWh of level),
            draw at its beginning, length in draw (0 where energy is burnt at constant draw).

    Returns:
        How many segments, the change at the beginning of the first, and the cost there.
    """
    into, out = plant.charge_efficiency, 1.0 / plant.discharge_efficiency
    loss = out - into
    burn = burn and loss > 1e-9
    low = max(draw_min, start - net)
    top = start - net
    for k in range(n):
        top += widths[k]
    high = max(min(draw_max, top), low)
    turn = low
    wear_draw = wear_change = 0.0
    m = 0
    if burn:
        wear_draw = (plant.wear_charge * out + plant.wear_discharge * into) / loss
        wear_change = (plant.wear_charge + plant.wear_discharge) / loss
        if n > 0 and prices[0] + wear_draw < 0.0:
            turn = start - net
            for k in range(n):
                if prices[k] + wear_draw >= 0.0:
                    break
                turn += widths[k]
            turn = min(max(turn, low), high)
        first = change_burning(low, plant)
        charge = (low * out - first) / loss
        cost = plant.wear_charge * charge + plant.wear_discharge * (charge - low)
        if turn > low:
            kink = (plant.charge_kw - plant.discharge_kw) * plant.step_h
            m = _follow(
                n, prices, widths, start - net, low, turn, kink, into, out, wear_draw, wear_draw, curve, m
            )
            for i in range(m):
                curve[i, SLOPE] -= wear_change
        flat = change_apart(turn, plant) - change_burning(turn, plant)
        if flat > 1e-12:
            curve[m, SLOPE], curve[m, CHANGE], curve[m, DRAW], curve[m, WIDTH] = -wear_change, flat, turn, 0.0
            m += 1
    else:
        first = change_apart(low, plant)
        cost = plant.wear_charge * max(low, 0.0) + plant.wear_discharge * max(-low, 0.0)
    m = _follow(
        n,
        prices,
        widths,
        start - net,
        turn,
        high,
        0.0,
        out,
        into,
        -plant.wear_discharge,
        plant.wear_charge,
        curve,
        m,
    )
    return m, first, cost + cost_of_draw(n, prices, widths, kinds, start, net + low)


@njit(cache=True)
def _follow(
    n: int, prices: Floats, widths: Floats, begin: float, low: float, high: float, kink: float,
    rate_below: float, rate_above: float, extra_below: float, extra_above: float, curve: Floats, m: int,
) -> int:  # fmt: skip
    """Append the offers between two draws as segments; a kWh of draw changes the level by ``rate``."""
    end = begin
    for k in range(n):
        begin = end
        end = begin + widths[k]
        a, z = max(begin, low), min(end, high)
        if z <= a:
            continue
        below = min(z, kink)
        if below > a:
            curve[m, SLOPE] = (prices[k] + extra_below) / rate_below
            curve[m, CHANGE] = (below - a) * rate_below
            curve[m, DRAW], curve[m, WIDTH] = a, below - a
            m += 1
        above = max(a, kink)
        if z > above:
            curve[m, SLOPE] = (prices[k] + extra_above) / rate_above
            curve[m, CHANGE] = (z - above) * rate_above
            curve[m, DRAW], curve[m, WIDTH] = above, z - above
            m += 1
    return m
