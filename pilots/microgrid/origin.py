"""Where the energy that a site uses came from: its own sun and wind, or the grid, by way of a battery or not.

Self-consumption is often counted as what is not exported. Then a battery that is filled from the grid at
night and emptied into the grid at noon makes the roof look worse, and one emptied into the load makes it
look better. Here each kWh keeps its origin. Own energy serves the load first, then the battery, then is
exported; the battery is well mixed: what comes out has the mix of what is in it (the level before the first
step is counted as from the grid).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pilots.microgrid.schedule import Schedule

Floats = NDArray[np.float64]


class Origin(NamedTuple):
    """Energy by origin and use, kWh.

    Attributes:
        own_direct: Own sun and wind used by the load as it came.
        own_stored: The same by way of the battery.
        own_exported: Own energy fed into the grid, directly or from the battery.
        own_to_battery: Own energy charged.
        grid_to_battery: Grid energy charged.
        grid_exported: Grid energy fed back into the grid from the battery.
    """

    own_direct: float
    own_stored: float
    own_exported: float
    own_to_battery: float
    grid_to_battery: float
    grid_exported: float

    @property
    def own_used(self) -> float:
        """Own sun and wind that reached the load; what the battery lost on the way is not in it."""
        return self.own_direct + self.own_stored


def origin_of(schedule: Schedule) -> Origin:
    """Trace the energy of a schedule."""
    load = schedule.load_kw + schedule.charging_kw - schedule.unserved_kw
    own = np.maximum(schedule.solar_kw + schedule.wind_kw - schedule.curtailed_kw, 0.0)
    battery = schedule.site.battery
    efficiency = (1.0, 1.0) if battery is None else (battery.charge_efficiency, battery.discharge_efficiency)
    retention = 1.0 if battery is None else battery.retention(schedule.series.step_h)
    draw = schedule.charge_kw - schedule.discharge_kw
    return Origin(
        *_trace(
            load,
            own,
            draw,
            schedule.export_kw,
            schedule.level_kwh,
            *efficiency,
            retention,
            schedule.series.step_h,
        )
    )


@njit(cache=True)
def _trace(
    load: Floats, own: Floats, draw: Floats, export: Floats, level: Floats,
    into: float, of: float, retention: float, step_h: float,
) -> tuple[float, float, float, float, float, float]:  # fmt: skip
    direct = stored = exported = charged = grid_charged = grid_exported = 0.0
    green = 0.0
    for t in range(len(load)):
        used = min(load[t], own[t])
        left = own[t] - used
        into_battery = max(draw[t], 0.0)
        mine = min(left, into_battery)
        fed = min(left - mine, export[t])
        held = level[t] * retention
        green *= retention
        out = max(-draw[t], 0.0)
        share = min(green / held, 1.0) if held > 1e-9 else 0.0
        back = min(max(export[t] - fed, 0.0), out)
        direct += used
        stored += (out - back) * share
        exported += fed + back * share
        grid_exported += back * (1.0 - share)
        charged += mine
        grid_charged += into_battery - mine
        green = min(max(green + (mine * into - out * share / of) * step_h, 0.0), level[t + 1])
    return (
        direct * step_h, stored * step_h, exported * step_h, charged * step_h, grid_charged * step_h,
        grid_exported * step_h,
    )  # fmt: skip
