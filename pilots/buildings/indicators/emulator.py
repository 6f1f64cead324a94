"""Discomfort, energy, cost and peaks as the building emulators of BOPTEST count them.

Their clocks step unevenly and stand still at events, where a value may jump: integrals run over the
readings as they are, set-points and prices hold until the next one is given.

Source: Blum et al. (2021), "Building optimization testing framework (BOPTEST)", J. Building Perf. Sim. 14(5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

KWH_PER_J = 2.77778e-7
"""As BOPTEST rounds it."""

_HOUR_S = 3600.0


def held(time_s: ArrayLike, at_s: ArrayLike, value: ArrayLike) -> Floats:
    """A series that holds each value until the next: its value at every instant.

    Args:
        time_s: Instants wanted.
        at_s: Instants at which the values begin, in order.
        value: The values.
    """
    place = (
        np.searchsorted(
            np.asarray(at_s, dtype=np.float64), np.asarray(time_s, dtype=np.float64), side="right"
        )
        - 1
    )
    return np.asarray(value, dtype=np.float64)[np.clip(place, 0, None)]


def integral(time_s: ArrayLike, value: ArrayLike) -> float:
    """Integral over time by the trapezoidal rule; instants may repeat."""
    return float(np.trapezoid(np.asarray(value, dtype=np.float64), np.asarray(time_s, dtype=np.float64)))


def thermal_discomfort_k_h(
    time_s: ArrayLike, temperature_c: ArrayLike, lower_c: ArrayLike, upper_c: ArrayLike
) -> tuple[float, float]:
    """Kelvin-hours below the lower and above the upper limit; temperatures and limits in the same unit."""
    room = np.asarray(temperature_c, dtype=np.float64)
    below = np.maximum(np.asarray(lower_c, dtype=np.float64) - room, 0.0)
    above = np.maximum(room - np.asarray(upper_c, dtype=np.float64), 0.0)
    return integral(time_s, below) / _HOUR_S, integral(time_s, above) / _HOUR_S


def air_discomfort_ppm_h(time_s: ArrayLike, co2_ppm: ArrayLike, limit_ppm: ArrayLike) -> float:
    """Ppm-hours above a limit of carbon dioxide."""
    above = np.maximum(np.asarray(co2_ppm, dtype=np.float64) - np.asarray(limit_ppm, dtype=np.float64), 0.0)
    return integral(time_s, above) / _HOUR_S


def energy_kwh_m2(
    time_s: ArrayLike, power_w: ArrayLike, floor_area_m2: float, weight: ArrayLike = 1.0
) -> float:
    """Energy per floor area; weighted by a price per kWh its cost, by an emission factor its emissions."""
    weighted = np.asarray(power_w, dtype=np.float64) * np.asarray(weight, dtype=np.float64)
    return integral(time_s, weighted) * KWH_PER_J / floor_area_m2


def peak_kw_m2(time_s: ArrayLike, power_w: ArrayLike, floor_area_m2: float, bin_s: float = 900.0) -> float:
    """Largest mean power of the readings of a quarter of an hour, per floor area."""
    time, power = np.asarray(time_s, dtype=np.float64), np.asarray(power_w, dtype=np.float64)
    quarter = ((time - time[0]) // bin_s).astype(np.int64)
    means = np.bincount(quarter, weights=power) / np.maximum(np.bincount(quarter), 1)
    return float(means.max() / 1000.0 / floor_area_m2)
