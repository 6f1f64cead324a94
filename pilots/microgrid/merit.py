"""A year by the simplest rule, for many designs at once: sun and wind first, then battery, grid, backup.

Every design of a sweep (so many kWh of battery, so many kW of sun) is one pass over the same three columns
of the year, which stay in the processor's cache; no object is made per step or per design.

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


@njit(cache=True)
def _year(
    load: Floats, solar: Floats, wind: Floats, buy: Floats, sell: Floats,
    design: Floats, battery: Floats, step_h: float, out: Floats, drawn_kw: Floats,
) -> None:  # fmt: skip
    charge_rate, discharge_rate, into, of, begin = battery[0], battery[1], battery[2], battery[3], battery[4]
    capacity = design[BATTERY]
    charge_kw, discharge_kw = charge_rate * capacity, discharge_rate * capacity
    level = begin * capacity
    out[:] = 0.0
    for t in range(len(load)):
        net = load[t] - design[SOLAR] * solar[t] - design[WIND] * wind[t]
        if net > 0.0:
            give = min(net, discharge_kw, level * of / step_h)
            level -= give * step_h / of
            out[DISCHARGED] += give
            net -= give
            drawn = min(net, design[IMPORT_LIMIT])
            out[IMPORTED] += drawn
            out[PEAK_KW] = max(out[PEAK_KW], drawn)
            out[GRID_EUR] += drawn * buy[t]
            if len(drawn_kw):
                drawn_kw[t] = drawn
            net -= drawn
            if net > 0.0:
                made = min(net, design[GENERATOR])
                if made > 0.0:
                    out[GENERATED] += made
                    out[RUNNING_H] += step_h
                out[SHED] += net - made
        else:
            take = min(-net, charge_kw, max(capacity - level, 0.0) / (into * step_h))
            level += take * into * step_h
            out[CHARGED] += take
            fed = min(-net - take, design[EXPORT_LIMIT])
            out[EXPORTED] += fed
            out[GRID_EUR] -= fed * sell[t]
            out[SPILLED] += -net - take - fed
    for k in (SHED, GENERATED, CHARGED, DISCHARGED, SPILLED, IMPORTED, EXPORTED, GRID_EUR):
        out[k] *= step_h


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
    for i in range(len(designs)):
        _year(load, solar, wind, buy, sell, designs[i], battery, step_h, out[i], np.empty(0))
    return out


@njit(cache=True, parallel=True)
def years_in_parallel(
    load: Floats, solar: Floats, wind: Floats, buy: Floats, sell: Floats,
    designs: Floats, battery: Floats, step_h: float,
) -> Floats:  # fmt: skip
    """The same as :func:`years` on all threads that Numba may use; the same numbers, whatever their count."""
    out = np.empty((len(designs), OUTCOME))
    for i in prange(len(designs)):
        _year(load, solar, wind, buy, sell, designs[i], battery, step_h, out[i], np.empty(0))
    return out


@njit(cache=True)
def year_with_import(
    load: Floats, solar: Floats, wind: Floats, buy: Floats, sell: Floats,
    design: Floats, battery: Floats, step_h: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    """What one year did, and the import of each step, kW."""
    out, drawn = np.empty(OUTCOME), np.zeros(len(load))
    _year(load, solar, wind, buy, sell, design, battery, step_h, out, drawn)
    return out, drawn
