"""Categories of the indoor environment from I (high expectation) to IV, and which of them a room is in.

Category II is what new and renovated schools are held to: 800 ppm above outdoor air, 20 to 26 °C.

Source: EN 16798-1:2019, annex B: tables B.1 (mean vote), B.2 and B.5 (operative temperature of classrooms
    in the
heating and cooling season), B.9 (carbon dioxide above outdoors), B.16 (humidity where it is controlled).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Categories = NDArray[np.int8]

CATEGORIES = ("I", "II", "III", "IV")

CO2_ABOVE_OUTDOOR_PPM = (550.0, 800.0, 1350.0)
MEAN_VOTE = (0.2, 0.5, 0.7)
HEATING_LOW_C = (21.0, 20.0, 19.0)
COOLING_HIGH_C = (25.5, 26.0, 27.0)
HUMIDITY_PERCENT = ((30.0, 50.0), (25.0, 60.0), (20.0, 70.0))


def co2_category(co2_ppm: ArrayLike, outdoor_ppm: float = 420.0) -> Categories:
    """Category by carbon dioxide, 1 to 4; 0 where it is not known."""
    return _by_limits(np.asarray(co2_ppm, dtype=np.float64) - outdoor_ppm, CO2_ABOVE_OUTDOOR_PPM)


def mean_vote_category(vote: ArrayLike) -> Categories:
    """Category by predicted mean vote."""
    return _by_limits(np.abs(np.asarray(vote, dtype=np.float64)), MEAN_VOTE)


def temperature_category(operative_c: ArrayLike) -> Categories:
    """Category by operative temperature: the narrowest band between winter's least and summer's most."""
    return _by_bands(operative_c, tuple(zip(HEATING_LOW_C, COOLING_HIGH_C, strict=True)))


def humidity_category(humidity_percent: ArrayLike) -> Categories:
    """Category by relative humidity."""
    return _by_bands(humidity_percent, HUMIDITY_PERCENT)


def worst_category(*categories: Categories) -> Categories:
    """The worst of several; 0 where none is known."""
    return np.asarray(np.max(np.broadcast_arrays(*categories), axis=0), dtype=np.int8)


def category_shares_percent(category: Categories) -> Floats:
    """Share of the time in categories I to IV, of the time known; not a number where nothing is."""
    known = category[category > 0]
    if not known.size:
        return np.full(4, np.nan)
    return np.asarray(100.0 * np.bincount(known, minlength=5)[1:5] / known.size)


def _by_limits(values: Floats, limits: tuple[float, ...]) -> Categories:
    category = 1 + np.searchsorted(limits, values, side="left")
    return np.where(np.isnan(values), 0, category).astype(np.int8)


def _by_bands(values: ArrayLike, bands: tuple[tuple[float, float], ...]) -> Categories:
    array = np.asarray(values, dtype=np.float64)
    category = np.full(array.shape, len(bands) + 1, dtype=np.int8)
    for number in range(len(bands), 0, -1):
        low, high = bands[number - 1]
        category[(array >= low) & (array <= high)] = number
    category[np.isnan(array)] = 0
    return category
