"""How the weather of a place feels: the universal thermal climate index.

Mean radiant temperature, air temperature, humidity and wind together decide whether a bench in the square is
pleasant. The index is the air temperature of a reference place that would strain the body as much (Bröde and
others 2012, Int. J. Biometeorol. 56:481-494); the polynomial is that of pythermalcomfort.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

WIND_LIMITS_M_S = (0.5, 17.0)
"""Wind at 10 m for which the index is defined; calm air is usually taken as the lower limit."""

STRESS_C = {"moderate": 26.0, "strong": 32.0, "very strong": 38.0, "extreme": 46.0}
"""Lower bounds of heat stress."""


def universal_thermal_climate_index(
    air_temperature_c: ArrayLike,
    radiant_temperature_c: ArrayLike,
    relative_humidity_pct: ArrayLike,
    wind_10m_m_s: ArrayLike,
) -> Floats:
    """UTCI, C; NaN outside the limits of the model."""
    air, radiant, humidity, wind = np.broadcast_arrays(
        *(
            np.asarray(a, dtype=np.float64)
            for a in (air_temperature_c, radiant_temperature_c, relative_humidity_pct, wind_10m_m_s)
        )
    )
    from pythermalcomfort.models import utci

    with warnings.catch_warnings():
        # It warns of values outside its limits, which come out as NaN here.
        warnings.simplefilter("ignore", UserWarning)
        result = utci(tdb=air, tr=radiant, v=wind, rh=humidity, limit_inputs=True, round_output=False)
    return np.asarray(result.utci, dtype=np.float64)


def windy_enough(wind_10m_m_s: ArrayLike) -> Floats:
    """Wind brought within the limits of the index."""
    return np.clip(np.asarray(wind_10m_m_s, dtype=np.float64), *WIND_LIMITS_M_S)


def stress_hours(index_c: ArrayLike, step_h: float = 1.0) -> dict[str, Floats]:
    """Hours above each bound of heat stress (time on the first axis)."""
    values = np.asarray(index_c)
    return {name: np.asarray((values > bound).sum(axis=0) * step_h) for name, bound in STRESS_C.items()}
