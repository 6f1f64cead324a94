"""A year by the simplest rule, for many designs at once: sun and wind first, then battery, grid, backup.

Designs of a sweep (so many kWh of battery, so many kW of sun) go through the year side by side, 64 in a
block. Each hour's load, sun, wind and prices are read once for the whole block and then stepped for all of
it without a branch, so that the processor works on as many designs at a time as its registers hold. What is
reported is added up on the way; no hour of any design is ever written to memory.

The rule is load following: what the plants do not cover comes from the battery, then from the grid up to
its limit, then from the backup generator; what is then left is shed. A surplus fills the battery, then
flows into the grid up to its limit; the rest is spilled.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Columns of a design.
GENERATOR, BATTERY, SOLAR, WIND, IMPORT_LIMIT, EXPORT_LIMIT = range(6)
DESIGN = 6
# Columns of what a year did; energies in kWh, powers in kW, money in EUR.
SHED, GENERATED, RUNNING_H, CHARGED, DISCHARGED, SPILLED, IMPORTED, EXPORTED, PEAK_KW, GRID_EUR = range(10)
OUTCOME = 10
# Designs that go through the year side by side: eight registers of eight numbers, all in the first cache.
BLOCK = 64
# A block costs as much for one design as for 64; up to this many are faster one by one.
FEW = 4
# Rows of a block: the design, the battery's powers and level, and from `DONE` on what the year did.
CHARGE_KW, DISCHARGE_KW, LEVEL = DESIGN, DESIGN + 1, DESIGN + 2
DONE = DESIGN + 3


@njit(cache=True)
def _step(
    net: float, level: float, capacity: float, charge_kw: float, discharge_kw: float,
    import_kw: float, export_kw: float, generator_kw: float, into_h: float, of_h: float,
) -> tuple[float, float, float, float, float, float, float, float]:  # fmt: skip
    """One step of one design, without a branch.

    Takes load less sun and wind (kW), the level (kWh), the design, the hours of a step times the efficiency
    of charging, and the efficiency of discharging over these hours. Gives the level after the step, and
    charge, discharge, import, export, backup, what is shed and what is spilled (kW).
    """
    need, over = max(net, 0.0), max(-net, 0.0)
    give = min(need, discharge_kw, level * of_h)
    take = min(over, charge_kw, max(capacity - level, 0.0) / into_h)
    level = max(level - give / of_h, 0.0) + take * into_h
    need -= give
    over -= take
    drawn, fed = min(need, import_kw), min(over, export_kw)
    need -= drawn
    made = min(need, generator_kw)
    return level, take, give, drawn, fed, made, need - made, over - fed


@njit(cache=True)
def _year(
    load: Floats, solar: Floats, wind: Floats, buy: Floats, sell: Floats,
    design: Floats, battery: Floats, step_h: float, out: Floats, drawn_kw: Floats,
) -> None:  # fmt: skip
    capacity = design[BATTERY]
    charge_kw, discharge_kw, level = battery[0] * capacity, battery[1] * capacity, battery[4] * capacity
    into_h, of_h = battery[2] * step_h, battery[3] / step_h
    out[:] = 0.0
    for t in range(len(load)):
        net = load[t] - design[SOLAR] * solar[t] - design[WIND] * wind[t]
        level, take, give, drawn, fed, made, shed, spilled = _step(
            net, level, capacity, charge_kw, discharge_kw,
            design[IMPORT_LIMIT], design[EXPORT_LIMIT], design[GENERATOR], into_h, of_h,
        )  # fmt: skip
        out[SHED] += shed
        out[GENERATED] += made
        out[RUNNING_H] += 1.0 if made > 0.0 else 0.0
        out[CHARGED] += take
        out[DISCHARGED] += give
        out[SPILLED] += spilled
        out[IMPORTED] += drawn
        out[EXPORTED] += fed
        out[PEAK_KW] = max(out[PEAK_KW], drawn)
        out[GRID_EUR] += drawn * buy[t] - fed * sell[t]
        if len(drawn_kw):
            drawn_kw[t] = drawn
    for k in range(OUTCOME):
        if k != PEAK_KW:
            out[k] *= step_h


@njit(cache=True)
def _block(
    load: Floats, solar: Floats, wind: Floats, buy: Floats, sell: Floats,
    designs: Floats, battery: Floats, step_h: float, out: Floats,
) -> None:  # fmt: skip
    """The years of up to ``BLOCK`` designs side by side; the same numbers as of :func:`_year`."""
    # One flat array of rows at fixed distances: the compiler then sees that no row overlaps another.
    s = np.zeros((DONE + OUTCOME) * BLOCK)
    for j in range(len(designs)):
        for k in range(DESIGN):
            s[k * BLOCK + j] = designs[j, k]
        for k, row in enumerate((CHARGE_KW, DISCHARGE_KW)):
            s[row * BLOCK + j] = battery[k] * designs[j, BATTERY]
        s[LEVEL * BLOCK + j] = battery[4] * designs[j, BATTERY]
    into_h, of_h = battery[2] * step_h, battery[3] / step_h
    for t in range(len(load)):
        now, sun, air, price, pay = load[t], solar[t], wind[t], buy[t], sell[t]
        for j in range(BLOCK):
            net = now - s[SOLAR * BLOCK + j] * sun - s[WIND * BLOCK + j] * air
            level, take, give, drawn, fed, made, shed, spilled = _step(
                net, s[LEVEL * BLOCK + j], s[BATTERY * BLOCK + j],
                s[CHARGE_KW * BLOCK + j], s[DISCHARGE_KW * BLOCK + j],
                s[IMPORT_LIMIT * BLOCK + j], s[EXPORT_LIMIT * BLOCK + j], s[GENERATOR * BLOCK + j],
                into_h, of_h,
            )  # fmt: skip
            s[LEVEL * BLOCK + j] = level
            s[(DONE + SHED) * BLOCK + j] += shed
            s[(DONE + GENERATED) * BLOCK + j] += made
            s[(DONE + RUNNING_H) * BLOCK + j] += 1.0 if made > 0.0 else 0.0
            s[(DONE + CHARGED) * BLOCK + j] += take
            s[(DONE + DISCHARGED) * BLOCK + j] += give
            s[(DONE + SPILLED) * BLOCK + j] += spilled
            s[(DONE + IMPORTED) * BLOCK + j] += drawn
            s[(DONE + EXPORTED) * BLOCK + j] += fed
            s[(DONE + PEAK_KW) * BLOCK + j] = max(s[(DONE + PEAK_KW) * BLOCK + j], drawn)
            s[(DONE + GRID_EUR) * BLOCK + j] += drawn * price - fed * pay
    for j in range(len(designs)):
        for k in range(OUTCOME):
            out[j, k] = s[(DONE + k) * BLOCK + j] * (1.0 if k == PEAK_KW else step_h)


@njit(cache=True)
def years(
    load: Floats, solar: Floats, wind: Floats, buy: Floats, sell: Floats,
    designs: Floats, battery: Floats, step_h: float,
) -> Floats:  # fmt: skip
    """What a year did under each design.

    Args:
        load: Load, kW, shape (steps,).
        solar: Output per kW of solar plant.
        wind: Output per kW of wind plant.
        buy: Import price, EUR/kWh.
        sell: Export price.
        designs: Shape (designs, ``DESIGN``).
        battery: Charge and discharge rate (1/h), efficiencies in and out, first state of charge.
        step_h: Length of a step, h.

    Returns:
        Shape (designs, ``OUTCOME``).
    """
    out = np.empty((len(designs), OUTCOME))
    for block in range(-(-len(designs) // BLOCK)):
        _some(load, solar, wind, buy, sell, designs, battery, step_h, out, block)
    return out


@njit(cache=True, parallel=True)
def years_in_parallel(
    load: Floats, solar: Floats, wind: Floats, buy: Floats, sell: Floats,
    designs: Floats, battery: Floats, step_h: float,
) -> Floats:  # fmt: skip
    """The same as :func:`years` on all threads that Numba may use; the same numbers, whatever their count."""
    out = np.empty((len(designs), OUTCOME))
    for block in prange(-(-len(designs) // BLOCK)):
        _some(load, solar, wind, buy, sell, designs, battery, step_h, out, block)
    return out


@njit(cache=True)
def _some(
    load: Floats, solar: Floats, wind: Floats, buy: Floats, sell: Floats,
    designs: Floats, battery: Floats, step_h: float, out: Floats, block: int,
) -> None:  # fmt: skip
    """The designs of one block, one by one where they are few."""
    first, last = block * BLOCK, min((block + 1) * BLOCK, len(designs))
    if last - first > FEW:
        some = out[first:last]
        _block(load, solar, wind, buy, sell, designs[first:last], battery, step_h, some)
        return
    for i in range(first, last):
        _year(load, solar, wind, buy, sell, designs[i], battery, step_h, out[i], np.empty(0))


@njit(cache=True)
def year_with_import(
    load: Floats, solar: Floats, wind: Floats, buy: Floats, sell: Floats,
    design: Floats, battery: Floats, step_h: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    """What one year did, and the import of each step, kW."""
    out, drawn = np.empty(OUTCOME), np.zeros(len(load))
    _year(load, solar, wind, buy, sell, design, battery, step_h, out, drawn)
    return out, drawn
