"""Water in the soil below trees and lawns, and the stress that begins when half of it is gone.

A lawn on thirty centimetres of soil stands three rainless weeks in June; a street tree in a pit of six cubic
metres under asphalt stands one. The daily balance is that of FAO-56, chapter 8: rain that soaks in, water
that plants take, and a stress coefficient that falls once the readily available part is used up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidData

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RootZone:
    """The soil that roots can use.

    Attributes:
        available_mm: Water between field capacity and wilting point over the depth of the roots.
        readily_share: Share of it that is taken without stress (FAO-56, table 22).
        crop_coefficient: Of the canopy relative to the reference lawn, in full leaf.
        soaking_share: Share of the throughfall that reaches the roots: 1 open soil, near 0 under asphalt.
    """

    available_mm: float
    readily_share: float
    crop_coefficient: float
    soaking_share: float = 1.0


LAWN = RootZone(available_mm=60.0, readily_share=0.40, crop_coefficient=0.85)
MEADOW = RootZone(available_mm=90.0, readily_share=0.50, crop_coefficient=0.90)
PARK_TREE = RootZone(available_mm=180.0, readily_share=0.50, crop_coefficient=1.00)
STREET_TREE = RootZone(available_mm=90.0, readily_share=0.50, crop_coefficient=1.00, soaking_share=0.45)
"""A pit with some open ground in pavement (our assumption; give the city's own)."""


@dataclass(frozen=True)
class SoilWater:
    """The balance day by day.

    Attributes:
        depletion_mm: Water missing to field capacity at the end of each day.
        stress: Stress coefficient of each day, 1 none, 0 wilting.
        transpired_mm: Water that the plants took.
        drained_mm: Water that sank below the roots.
        irrigated_mm: Water added.
    """

    depletion_mm: Floats
    stress: Floats
    transpired_mm: Floats
    drained_mm: Floats
    irrigated_mm: Floats


def soil_water(
    rain_mm: ArrayLike,
    reference_et_mm: ArrayLike,
    zone: RootZone,
    *,
    leaf_share: ArrayLike = 1.0,
    irrigation_mm: ArrayLike = 0.0,
    depletion_mm: float = 0.0,
) -> SoilWater:
    """Daily soil-water balance (FAO-56 equations 82 to 85).

    Args:
        rain_mm: Throughfall of each day.
        reference_et_mm: Reference evapotranspiration of each day.
        zone: The root zone.
        leaf_share: Leaf area relative to full leaf on each day; bare canopies take a fifth.
        irrigation_mm: Water given each day.
        depletion_mm: Depletion before the first day.

    Raises:
        InvalidData: The root zone holds no water, or the first depletion is beyond what it holds.
    """
    rain, demand = np.asarray(rain_mm, dtype=np.float64), np.asarray(reference_et_mm, dtype=np.float64)
    if not zone.available_mm > 0:
        raise InvalidData(
            "a root zone needs water", field="available_mm", value=zone.available_mm, expected="above 0"
        )
    if not 0 <= depletion_mm <= zone.available_mm:
        raise InvalidData(
            "more water is missing than the soil holds", field="depletion_mm", value=depletion_mm
        )
    share = np.broadcast_to(np.asarray(leaf_share, dtype=np.float64), rain.shape)
    given = np.broadcast_to(np.asarray(irrigation_mm, dtype=np.float64), rain.shape).copy()
    potential = demand * zone.crop_coefficient * (0.2 + 0.8 * share)
    # The stress-free share shrinks on days of great demand (FAO-56, table 22, footnote).
    readily = np.clip(zone.readily_share + 0.04 * (5.0 - potential), 0.1, 0.8) * zone.available_mm
    columns = tuple(np.zeros_like(rain) for _ in range(4))
    _balance(rain * zone.soaking_share + given, potential, readily, zone.available_mm, depletion_mm, *columns)
    depletion, stress, transpired, drained = columns
    return SoilWater(depletion, stress, transpired, drained, given)


@numba.njit(cache=True)
def _balance(
    water: NDArray[np.float64],
    potential: NDArray[np.float64],
    readily: NDArray[np.float64],
    available: float,
    start: float,
    depletion: NDArray[np.float64],
    stress: NDArray[np.float64],
    transpired: NDArray[np.float64],
    drained: NDArray[np.float64],
) -> None:
    missing = start
    for d in range(len(water)):
        missing -= water[d]
        if missing < 0.0:
            drained[d] = -missing
            missing = 0.0
        factor = 1.0
        if missing > readily[d]:
            factor = (available - missing) / (available - readily[d])
        taken = min(factor * potential[d], available - missing)
        missing += taken
        depletion[d], stress[d], transpired[d] = missing, factor, taken
