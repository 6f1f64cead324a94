"""Urban cooling as an index: what shade, pale surfaces and plants take off the heat of a city.

The InVEST urban cooling model gives every cell a cooling capacity between 0 and 1 and lets large parks cool
their surroundings. It knows no season, no growth and no wind, and is an index: it ranks places and plans; for
the heat that a person feels see `pilots.green.radiation`.

Source: Natural Capital Project, InVEST user's guide, "Urban cooling"; Bosch and others 2021, Geosci. Model
Dev. 14:3521-3537. Rasters are rows x columns; missing cells are NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geodata.errors import InvalidData
from pilots.green.services.kernels import exponential_kernel, kernel, neighbourhood_mean, neighbourhood_sum

Floats = NDArray[np.float64]

LARGE_PARK_M2 = 20_000.0


def evapotranspiration_index(crop_coefficient: ArrayLike, et0: ArrayLike) -> Floats:
    """Evapotranspiration relative to the largest reference value of the raster."""
    reference = np.asarray(et0, dtype=np.float64)
    largest = np.round(np.nanmax(reference), 9)
    if not largest > 0:
        raise InvalidData(
            "reference evapotranspiration is nowhere above zero", field="et0", value=float(largest)
        )
    return np.asarray(np.asarray(crop_coefficient, dtype=np.float64) * reference / largest)


def cooling_capacity(
    shade: ArrayLike,
    albedo: ArrayLike,
    evapotranspiration: ArrayLike,
    weights: tuple[float, float, float] = (0.6, 0.2, 0.2),
) -> Floats:
    """Cooling capacity of cells, 0 to 1: weighted sum of shade, albedo and evapotranspiration index."""
    parts = zip(weights, (shade, albedo, evapotranspiration), strict=True)
    return np.asarray(
        sum((weight * np.asarray(part, dtype=np.float64) for weight, part in parts), np.zeros(()))
    )


def park_cooling(
    capacity: Floats, green: NDArray[np.bool_], cooling_distance_m: float, cell_size_m: float
) -> Floats:
    """Cooling capacity that green cells lend to their surroundings.

    Mean over the neighbourhood of the capacity of green cells (0 elsewhere), with weights exp(-d/R) where R
    is the cooling distance in whole cells.
    """
    radius = max(round(cooling_distance_m / cell_size_m), 1)
    lent = np.where(green, capacity, 0.0)
    return neighbourhood_mean(lent, exponential_kernel(radius), np.isfinite(capacity))


def green_area_m2(green: NDArray[np.bool_], cooling_distance_m: float, cell_size_m: float) -> Floats:
    """Green area within the cooling distance of each cell."""
    radius = max(round(cooling_distance_m / cell_size_m), 1)
    count = neighbourhood_sum(green.astype(np.float64), kernel("dichotomy", radius))
    return np.asarray(np.round(count) * cell_size_m**2)


def heat_mitigation(capacity: Floats, park: Floats, green_m2: Floats) -> Floats:
    """Heat mitigation index: the cell's own capacity, or what a large park lends it where that is more."""
    own = (capacity >= park) | (green_m2 < LARGE_PARK_M2)
    return np.where(own, capacity, park)


def air_temperature_c(
    mitigation: Floats, rural_c: float, heat_island_k: float, mixing_distance_m: float, cell_size_m: float
) -> Floats:
    """Air temperature: rural air plus the unmitigated heat island, mixed over a distance."""
    unmixed = rural_c + (1.0 - mitigation) * heat_island_k
    radius = max(round(mixing_distance_m / cell_size_m), 1)
    return neighbourhood_mean(unmixed, exponential_kernel(radius), np.isfinite(mitigation))


@dataclass(frozen=True)
class Cooling:
    """The rasters of an urban cooling run."""

    capacity: Floats
    park: Floats
    mitigation: Floats
    air_temperature_c: Floats


def urban_cooling(
    shade: ArrayLike,
    albedo: ArrayLike,
    crop_coefficient: ArrayLike,
    et0: ArrayLike,
    green: ArrayLike,
    *,
    cell_size_m: float,
    cooling_distance_m: float = 450.0,
    rural_c: float = 20.0,
    heat_island_k: float = 3.0,
    mixing_distance_m: float = 500.0,
) -> Cooling:
    """Run the whole model from the rasters of its inputs."""
    is_green = np.asarray(green, dtype=bool)
    capacity = cooling_capacity(shade, albedo, evapotranspiration_index(crop_coefficient, et0))
    park = park_cooling(capacity, is_green, cooling_distance_m, cell_size_m)
    around = green_area_m2(is_green, cooling_distance_m, cell_size_m)
    mitigation = heat_mitigation(capacity, park, around)
    air = air_temperature_c(mitigation, rural_c, heat_island_k, mixing_distance_m, cell_size_m)
    return Cooling(capacity, park, mitigation, air)


def energy_saving(
    consumption_per_k_m2: ArrayLike,
    footprint_m2: ArrayLike,
    air_c: ArrayLike,
    rural_c: float,
    heat_island_k: float,
    cost: ArrayLike = 1.0,
) -> Floats:
    """Cooling energy (or its cost) that buildings save against the unmitigated heat island."""
    cooler = rural_c - np.asarray(air_c, dtype=np.float64) + heat_island_k
    return np.asarray(np.asarray(consumption_per_k_m2) * np.asarray(footprint_m2) * cooler * np.asarray(cost))


def wet_bulb_globe_c(air_c: ArrayLike, relative_humidity_pct: ArrayLike) -> Floats:
    """Simplified wet bulb globe temperature (American College of Sports Medicine 1984)."""
    t = np.asarray(air_c, dtype=np.float64)
    vapour = np.asarray(relative_humidity_pct) / 100.0 * 6.105 * np.exp(17.27 * t / (237.7 + t))
    return np.asarray(0.567 * t + 0.393 * vapour + 3.94)


_WORK_LIMITS_C = {"light": (31.5, 32.0, 32.5), "heavy": (27.5, 29.5, 31.5)}


def work_loss(wet_bulb_globe: ArrayLike, work: str) -> Floats:
    """Share of working time lost to heat: 0, 1/4, 1/2 or 3/4, for ``light`` or ``heavy`` work."""
    return np.asarray(np.searchsorted(_WORK_LIMITS_C[work], np.asarray(wet_bulb_globe), side="right") * 0.25)
