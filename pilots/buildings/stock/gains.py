"""Heat that people, lamps and machines give to a room, and the light that lamps must add to daylight."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def lighting_power_w(
    daylight_lm: ArrayLike,
    people: ArrayLike,
    floor_area_m2: float,
    installed_w_m2: float,
    wanted_lux: float,
    utilisation: float = 0.45,
    maintenance: float = 0.9,
) -> Floats:
    """Power of lamps that are switched on where people are present and daylight does not suffice.

    Args:
        daylight_lm: Luminous flux through the windows.
        people: Persons present, or their density; only above nothing counts.
        floor_area_m2: Floor lit.
        installed_w_m2: Lamps per floor area.
        wanted_lux: Illuminance below which lamps go on.
        utilisation: Share of the flux that reaches the working plane.
        maintenance: What dirt leaves of it.

    Returns:
        Power, W (Szokolay 1980, total flux method).
    """
    lux = np.asarray(daylight_lm, dtype=np.float64) * utilisation * maintenance / floor_area_m2
    needed = (lux < wanted_lux) & (np.asarray(people, dtype=np.float64) > 0)
    return np.where(needed, installed_w_m2 * floor_area_m2, 0.0)
