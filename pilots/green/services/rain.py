"""Rain on crowns and on the ground: what leaves hold back, and what a cloudburst leaves on the street.

A summer lime holds a millimetre of rain on its leaves and gives it back to the air between showers. In a
cloudburst that is little; then the ground decides, and the curve number of the US Soil Conservation Service
says how much of 40 mm it still takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

STORE_PER_LEAF_AREA_MM = 0.2
"""Water that a unit of leaf area index holds (Nowak and others 2013)."""


@dataclass(frozen=True)
class Interception:
    """Water on and below a canopy, mm per step (steps x canopies).

    Attributes:
        throughfall_mm: Rain that reaches the ground below the crown.
        evaporated_mm: Water that left the leaves for the air.
        stored_mm: Water on the leaves at the end of each step.
        washed: Steps in which rain ran off the leaves and took the dust along.
    """

    throughfall_mm: Floats
    evaporated_mm: Floats
    stored_mm: Floats
    washed: NDArray[np.bool_]


def interception(
    rain_mm: ArrayLike, evaporation_mm: ArrayLike, leaf_area_index: ArrayLike, bark_area_index: float = 0.0
) -> Interception:
    """Fill and empty the store of canopies, step by step.

    Args:
        rain_mm: Rain per step.
        evaporation_mm: What open water would lose per step.
        leaf_area_index: Of each canopy in each step (steps x canopies), or one per step.
        bark_area_index: Bark and branches hold water like leaves and all year.

    Source: Rutter store with a capacity of 0.2 mm per unit of leaf area (Nowak and others 2013); evaporation
    from the wet share (store/capacity)^(2/3) (Deardorff 1978, J. Geophys. Res. 83:1889-1903).
    """
    area = np.asarray(leaf_area_index, dtype=np.float64)
    area = area[:, None] if area.ndim == 1 else area
    capacity = STORE_PER_LEAF_AREA_MM * (area + bark_area_index)
    through, evaporated, stored = (np.zeros_like(capacity) for _ in range(3))
    washed = np.zeros(capacity.shape, bool)
    rain, evaporation = np.asarray(rain_mm, dtype=np.float64), np.asarray(evaporation_mm, dtype=np.float64)
    _fill(rain, evaporation, capacity, through, evaporated, stored, washed)
    return Interception(through, evaporated, stored, washed)


@numba.njit(cache=True)
def _fill(
    rain: NDArray[np.float64],
    evaporation: NDArray[np.float64],
    capacity: NDArray[np.float64],
    through: NDArray[np.float64],
    evaporated: NDArray[np.float64],
    stored: NDArray[np.float64],
    washed: NDArray[np.bool_],
) -> None:
    steps, canopies = capacity.shape
    for k in range(canopies):
        store = 0.0
        for s in range(steps):
            holds = capacity[s, k]
            store += rain[s]
            dripping = max(store - holds, 0.0)
            store -= dripping
            wet = (store / holds) ** (2.0 / 3.0) if holds > 0.0 else 0.0
            lost = min(store, evaporation[s] * wet)
            store -= lost
            through[s, k], evaporated[s, k], stored[s, k] = dripping, lost, store
            washed[s, k] = rain[s] > 0.0 and dripping > 0.0


def potential_retention_mm(curve_number: ArrayLike) -> Floats:
    """Potential retention of a curve number, mm; practically infinite (100,000 mm) for 0."""
    number = np.asarray(curve_number, dtype=np.float64)
    return np.minimum(25400.0 / np.maximum(number, 0.1) - 254.0, 100_000.0)


def runoff_mm(rain_mm: ArrayLike, curve_number: ArrayLike) -> Floats:
    """Runoff of one storm (SCS curve number, initial abstraction a fifth of the retention).

    Source: USDA 1986, TR-55; InVEST user's guide, "Urban flood risk mitigation".
    """
    rain, retention = np.asarray(rain_mm, dtype=np.float64), potential_retention_mm(curve_number)
    excess = np.maximum(rain - 0.2 * retention, 0.0)
    return np.where(excess > 0, excess**2 / (rain + 0.8 * retention), 0.0)


@dataclass(frozen=True)
class FloodRetention:
    """What a storm leaves and what the ground takes, per cell.

    Attributes:
        runoff_mm: Runoff.
        retention: Share of the rain that does not run off.
        retained_m3: Water that the cell keeps.
        flood_m3: Water that leaves it.
    """

    runoff_mm: Floats
    retention: Floats
    retained_m3: Floats
    flood_m3: Floats


def flood_retention(rain_mm: float, curve_number: ArrayLike, cell_area_m2: float) -> FloodRetention:
    """Retention of a storm over a raster of curve numbers."""
    runoff = runoff_mm(rain_mm, curve_number)
    retention = 1.0 - runoff / rain_mm
    return FloodRetention(
        runoff, retention, retention * rain_mm * cell_area_m2 * 1e-3, runoff * cell_area_m2 * 1e-3
    )


def damage_service(overlap_m2: ArrayLike, damage_per_m2: ArrayLike, retained_m3: float) -> float:
    """Damage to structures times the water retained upstream, currency x m3 (InVEST's indicator)."""
    return float(np.sum(np.asarray(overlap_m2) * np.asarray(damage_per_m2)) * retained_m3)
