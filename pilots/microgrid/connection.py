"""How small a grid connection can be with a battery behind it.

A bakery's ovens peak at 300 kW for two hours each morning and need 80 kW for the rest of the day. A battery
of 400 kWh lets it do with a connection of little more than 100 kW. For any connection there is one best
thing the battery can do: fill up whenever there is room under the limit, and give only what exceeds it. If
that fails in one step, nothing else would have held. So the least connection for each battery is found
exactly, by bisection, without any forecast.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from pilots.microgrid.site import Battery

Floats = NDArray[np.float64]

ACCURACY_KW = 0.01
FUSES_A = (
    10, 16, 20, 25, 32, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600,
    2000, 2500, 3150, 4000, 5000, 6300,
)  # fmt: skip
"""Ratings of fuses and breakers as they are sold: the preferred numbers R10 of IEC 60059, rounded."""


def least_connection(
    net_kw: ArrayLike, battery: Battery | None, step_h: float, backup_kw: float = 0.0
) -> float:
    """The least import limit under which all load can be served, kW.

    Args:
        net_kw: Load less sun and wind in each step.
        battery: The battery, beginning full; ``None`` for none.
        step_h: Length of a step, h.
        backup_kw: Rating of a generator that may help.
    """
    net = np.asarray(net_kw, np.float64) - backup_kw
    peak = max(float(net.max()), 0.0)
    if battery is None:
        return peak
    room = battery.level_max_kwh - battery.level_min_kwh
    return _bisect(
        net, peak, room, battery.charge_kw, battery.discharge_kw,
        battery.charge_efficiency, battery.discharge_efficiency, battery.retention(step_h), step_h,
    )  # fmt: skip


def connection_curve(
    net_kw: ArrayLike, battery: Battery, capacities_kwh: ArrayLike, step_h: float, backup_kw: float = 0.0
) -> Floats:
    """The least connection for batteries of several capacities, kW; power grows with the capacity.

    Args:
        net_kw: Load less sun and wind in each step.
        battery: The battery whose power per kWh and efficiencies all have.
        capacities_kwh: Capacities, shape (sizes,); 0 for no battery.
        step_h: Length of a step, h.
        backup_kw: Rating of a generator that may help.

    Returns:
        Shape (sizes,).
    """
    sizes = np.asarray(capacities_kwh, np.float64)
    out = np.empty(len(sizes))
    for i, size in enumerate(sizes):
        scale = float(size) / battery.capacity_kwh
        scaled = None
        if scale > 0.0:
            scaled = battery.model_copy(
                update={
                    "capacity_kwh": float(size),
                    "charge_kw": battery.charge_kw * scale,
                    "discharge_kw": battery.discharge_kw * scale,
                }
            )
        out[i] = least_connection(net_kw, scaled, step_h, backup_kw)
    return out


def next_fuse_a(current_a: float) -> float:
    """The least standard rating of a main fuse that carries a current, A; whole thousands above 6,300 A."""
    fitting = [rating for rating in FUSES_A if rating >= current_a * (1.0 - 1e-9)]
    return float(fitting[0]) if fitting else float(np.ceil(current_a / 1000.0) * 1000.0)


def years_deferred(kw_without: float, kw_with: float, growth_per_year: float) -> float:
    """Years that the upgrade of a connection can wait: how long a growing load can do with the battery.

    Args:
        kw_without: Connection needed today without battery.
        kw_with: Connection needed today with it.
        growth_per_year: Yearly growth of the load, as a share.

    Returns:
        NaN without growth.
    """
    if growth_per_year <= 0.0 or kw_with <= 0.0 or kw_without <= 0.0:
        return float("nan")
    return float(np.log(kw_without / kw_with) / np.log1p(growth_per_year))


@njit(cache=True)
def _holds(
    net: Floats, cap: float, room: float, charge: float, discharge: float, into: float, of: float,
    retention: float, step_h: float,
) -> bool:  # fmt: skip
    level = room
    for t in range(len(net)):
        level *= retention
        over = net[t] - cap
        if over > 0.0:
            if over > discharge or over * step_h > level * of:
                return False
            level -= over * step_h / of
        else:
            level = min(room, level + min(-over, charge) * into * step_h)
    return True


@njit(cache=True)
def _bisect(
    net: Floats, peak: float, room: float, charge: float, discharge: float, into: float, of: float,
    retention: float, step_h: float,
) -> float:  # fmt: skip
    low, high = max(peak - discharge, 0.0), peak
    if _holds(net, low, room, charge, discharge, into, of, retention, step_h):
        return low
    while high - low > ACCURACY_KW:
        middle = 0.5 * (low + high)
        if _holds(net, middle, room, charge, discharge, into, of, retention, step_h):
            high = middle
        else:
            low = middle
    return high
