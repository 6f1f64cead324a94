"""What warmth people accept in buildings without cooling, once they have got used to the weather outside.

After a week of 25 °C a class accepts 27 °C that it would not have in May. Source: EN 16798-1:2019 annex
B.2.2 and ASHRAE 55, through pythermalcomfort.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilots.buildings.comfort.library import quiet

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ALPHA = 0.8
_WIDTHS_K = {1: (3.0, 2.0), 2: (4.0, 3.0), 3: (5.0, 4.0)}
"""Below and above the comfort temperature, by category."""


@dataclass(frozen=True, eq=False)
class Adaptive:
    """Comfort temperature, limits and acceptance by category; no number, and false, out of validity."""

    comfort_c: Floats
    low_c: dict[str, Floats]
    high_c: dict[str, Floats]
    acceptable: dict[str, Mask]


def running_mean_c(daily_mean_c: ArrayLike, alpha: float = _ALPHA) -> Floats:
    """Running mean outdoor temperature of each day, from the days before it.

    The first day takes its own mean; from then on ``(1 - alpha) yesterday + alpha running mean of yesterday``
    (EN 16798-1, equation B.1 in its recursive form).
    """
    days = np.asarray(daily_mean_c, dtype=np.float64)
    running = np.empty_like(days)
    running[:1] = days[:1]
    for day in range(1, days.size):
        running[day] = (1.0 - alpha) * days[day - 1] + alpha * running[day - 1]
    return running


def adaptive_by_en(
    air_c: ArrayLike, radiant_c: ArrayLike, running_mean: ArrayLike, air_speed_m_s: ArrayLike = 0.1
) -> Adaptive:
    """Adaptive comfort of EN 16798-1: categories "I", "II", "III"; valid for running means of 10 to 30 °C."""
    from pythermalcomfort.models import adaptive_en

    with quiet():
        result = adaptive_en(
            tdb=np.asarray(air_c, dtype=np.float64),
            tr=np.asarray(radiant_c, dtype=np.float64),
            t_running_mean=np.asarray(running_mean, dtype=np.float64),
            v=np.asarray(air_speed_m_s, dtype=np.float64),
        )
    names = {"I": "cat_i", "II": "cat_ii", "III": "cat_iii"}
    return _adaptive(result, names, "acceptability_{}", "tmp_cmf_{}_low", "tmp_cmf_{}_up")


def adaptive_by_ashrae(
    air_c: ArrayLike, radiant_c: ArrayLike, running_mean: ArrayLike, air_speed_m_s: ArrayLike = 0.1
) -> Adaptive:
    """Adaptive comfort of ASHRAE 55: acceptance by 80 and 90 %; valid for running means of 10 to 33.5 °C."""
    from pythermalcomfort.models import adaptive_ashrae

    with quiet():
        result = adaptive_ashrae(
            tdb=np.asarray(air_c, dtype=np.float64),
            tr=np.asarray(radiant_c, dtype=np.float64),
            t_running_mean=np.asarray(running_mean, dtype=np.float64),
            v=np.asarray(air_speed_m_s, dtype=np.float64),
        )
    return _adaptive(result, {"80": "80", "90": "90"}, "acceptability_{}", "tmp_cmf_{}_low", "tmp_cmf_{}_up")


def _adaptive(result: object, names: dict[str, str], accepted: str, low: str, high: str) -> Adaptive:
    def part(template: str, name: str) -> Floats:
        return np.asarray(getattr(result, template.format(name)), dtype=np.float64)

    comfort = np.asarray(getattr(result, "tmp_cmf"), dtype=np.float64)  # noqa: B009
    return Adaptive(
        comfort,
        {category: part(low, name) for category, name in names.items()},
        {category: part(high, name) for category, name in names.items()},
        # The library gives NaN where the models say nothing; that is not acceptance.
        {category: np.nan_to_num(part(accepted, name)) > 0.5 for category, name in names.items()},
    )


def beyond_adaptive_k(operative_c: ArrayLike, running_mean: ArrayLike, category: int = 2) -> Floats:
    """Kelvins by which rooms leave the band of a category, 0 within it and where it says nothing.

    Args:
        operative_c: Operative temperature.
        running_mean: Running mean outdoor temperature, of the same shape.
        category: 1, 2 or 3.
    """
    operative, outdoor = np.broadcast_arrays(
        np.asarray(operative_c, dtype=np.float64), np.asarray(running_mean, dtype=np.float64)
    )
    comfort = 0.33 * outdoor + 18.8
    below, above = _WIDTHS_K[category]
    away = np.maximum(operative - (comfort + above), 0.0) + np.maximum((comfort - below) - operative, 0.0)
    return np.where((outdoor >= 10.0) & (outdoor <= 30.0), away, 0.0)
