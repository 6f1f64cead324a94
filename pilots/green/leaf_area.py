"""Leaf area day by day: how green the crowns are between the first leaf and the last.

Leaves unfold within a month and fall within six weeks. Around the dates that `pilots.green.phenology`
predicts, the leaf area of a deciduous crown is a share of its full area; with it change the shade of the
crown, the rain that it holds and the dust that it takes.

Two ways lead to the daily share: logistic ramps through the predicted dates, and the growing and senescence
degree days of SUEWS, which need only temperatures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from pilots.green.phenology import day_length_h

Floats = NDArray[np.float64]

SPRING_PACE_DAYS = 6.0
"""Time constant of unfolding: from 10 to 90 % in four weeks."""

AUTUMN_PACE_DAYS = 8.0
"""Time constant of leaf fall: from 90 to 10 % in five weeks."""


def leaf_share(day_of_year: ArrayLike, leaf_on_doy: ArrayLike, leaf_off_doy: ArrayLike) -> Floats:
    """Share of the full leaf area on each day.

    The dates are those on which a quarter of the amplitude is reached (as PhenoCam has them): of the rise in
    spring, of the fall in autumn.

    Args:
        day_of_year: Days.
        leaf_on_doy: Day of the first leaf.
        leaf_off_doy: Day of the first leaf fall.
    """
    day = np.asarray(day_of_year, dtype=np.float64)
    rise = 1.0 / (1.0 + np.exp(-((day - np.asarray(leaf_on_doy)) / SPRING_PACE_DAYS - np.log(3.0))))
    fall = 1.0 / (1.0 + np.exp((day - np.asarray(leaf_off_doy)) / AUTUMN_PACE_DAYS - np.log(3.0)))
    return np.asarray(np.minimum(rise, fall))


def calendar_leaf_share(day_of_year: ArrayLike, *, southern: bool = False) -> Floats:
    """Share of leaf area by the calendar, where there is no weather of the year to go by.

    Leaves come on 5 May and go from 7 October (days 125 and 280), the middle of what the models of
    `pilots.green.phenology` give for Tallinn and Helsinki; half a year later in the south.
    """
    day = np.asarray(day_of_year, dtype=np.float64)
    return leaf_share(np.mod(day + 182.5, 365.0) if southern else day, 125.0, 280.0)


@dataclass(frozen=True)
class SuewsLeaves:
    """Parameters of the daily leaf area of SUEWS (Järvi and others 2011, J. Hydrol. 411:219-237).

    Attributes:
        base_growth_c: Temperature above which a day adds growing degree days.
        full_growth: Growing degree days at which leaves are full.
        base_senescence_c: Temperature below which a day adds senescence degree days.
        full_senescence: Senescence degree days (negative) at which leaves are gone.
        least: Leaf area index in winter.
        largest: In summer.
        powers: Exponents and factors p1 to p4.
        by_day_length: Leaves fall when days are shorter than twelve hours (type 1), not by temperature alone.
    """

    base_growth_c: float = 6.0
    full_growth: float = 300.0
    base_senescence_c: float = 11.0
    full_senescence: float = -450.0
    least: float = 1.0
    largest: float = 5.5
    powers: tuple[float, float, float, float] = (0.04, 0.001, -1.5, 0.0015)
    by_day_length: bool = True


def suews_leaf_area_index(
    t_min_c: ArrayLike,
    t_max_c: ArrayLike,
    day_of_year: ArrayLike,
    latitude: float,
    parameters: SuewsLeaves | None = None,
) -> Floats:
    """Daily leaf area index from daily temperatures, northern hemisphere.

    Args:
        t_min_c: Least temperature of each day.
        t_max_c: Largest.
        day_of_year: Days of the year, consecutive.
        latitude: Degrees north.
        parameters: Of the vegetation; deciduous trees if left out.
    """
    leaves = parameters or SuewsLeaves()
    mean = (np.asarray(t_min_c, dtype=np.float64) + np.asarray(t_max_c, dtype=np.float64)) / 2.0
    day = np.asarray(day_of_year, dtype=np.int64)
    index = np.empty(len(mean))
    limits = (leaves.base_growth_c, leaves.full_growth, leaves.base_senescence_c, leaves.full_senescence)
    bounds = (leaves.least, leaves.largest)
    _suews(mean, day, day_length_h(latitude, day), limits, bounds, leaves.powers, leaves.by_day_length, index)
    return index


@numba.njit(cache=True)
def _suews(
    mean: NDArray[np.float64],
    day: NDArray[np.int64],
    light_h: NDArray[np.float64],
    limits: tuple[float, float, float, float],
    bounds: tuple[float, float],
    powers: tuple[float, float, float, float],
    by_day_length: bool,  # noqa: FBT001 - compiled functions take no keywords
    index: NDArray[np.float64],
) -> None:
    area, growth, senescence = bounds[0], 0.0, 0.0
    for d in range(len(mean)):
        growth, senescence = _degree_days(growth, senescence, mean[d], day[d], limits)
        if 0.0 < growth < limits[1]:
            area += area ** powers[0] * growth * powers[1]
        elif by_day_length and light_h[d] <= 12.0 and senescence > limits[3]:
            area += area * powers[2] * (1.0 - senescence) * powers[3]
        elif not by_day_length and limits[3] < senescence < 0.0:
            area += area ** powers[2] * senescence * powers[3]
        area = min(max(area, bounds[0]), bounds[1])
        index[d] = area


@numba.njit(cache=True)
def _degree_days(
    growth: float, senescence: float, mean: float, day: int, limits: tuple[float, float, float, float]
) -> tuple[float, float]:
    """Growing and senescence degree days after one more day; each resets the other."""
    base_growth, full_growth, base_senescence, full_senescence = limits
    growth += max(mean - base_growth, 0.0)
    senescence += min(mean - base_senescence, 0.0)
    if growth >= full_growth:
        growth = full_growth
        if senescence < -50.0:
            growth = 0.0
    if senescence <= full_senescence:
        senescence = full_senescence
        if growth > 50.0:
            senescence = 0.0
        if mean < base_growth:
            growth = 0.0
    if 50.0 < growth < full_growth:
        senescence = 0.0
    if full_senescence < senescence < -50.0:
        growth = 0.0
    if day == 140 or (growth > 50.0 and day < 170):
        senescence = 0.0
    if senescence < -50.0 and day > 170:
        growth = 0.0
    return growth, senescence
