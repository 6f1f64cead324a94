"""Indicators of energy: what was delivered, what it cost nature, and how it compares with a normal winter.

Sources: Regulation 63 (11.12.2018) of the Estonian Minister of Enterprise and Information Technology for
    weighting
factors; Regulation 36 (30.04.2015) on energy labels; degree-days in the way of the Estonian energy labels
(base 17 °C); ASHRAE Guideline 14-2014 for the fit of models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geodata.errors import InvalidInput

Floats = NDArray[np.float64]

Carrier = Literal["electricity", "district_heat", "efficient_district_heat", "gas", "oil", "wood"]

PRIMARY_FACTORS: Mapping[Carrier, float] = {
    "electricity": 2.0,
    "district_heat": 0.9,
    "efficient_district_heat": 0.65,
    "gas": 1.0,
    "oil": 1.0,
    "wood": 0.65,
}
"""Weighting factors of energy carriers in Estonia; Tallinn's and Tartu's heat networks are efficient ones."""

DEGREE_DAY_BASE_C = 17.0

ENERGY_CLASSES = ("A", "B", "C", "D", "E", "F", "G", "H")

CLASS_LIMITS_KWH_M2: Mapping[str, tuple[float, ...]] = {
    "school": (100.0, 120.0, 160.0, 200.0, 250.0, 310.0, 390.0),
    "kindergarten": (100.0, 120.0, 165.0, 215.0, 265.0, 330.0, 410.0),
    "university": (100.0, 120.0, 160.0, 200.0, 250.0, 310.0, 390.0),
}
"""Greatest weighted energy use of classes A to G, kWh/(m2 a).

A (nearly zero-energy) and C (major renovation) are the requirements of Regulation 63; the steps between and
beyond follow the scale of Regulation 36 in outline. The class given is indicative and no certificate.
"""


def primary_energy_kwh(final_kwh: Mapping[Carrier, float]) -> float:
    """Weighted energy of all carriers together.

    Raises:
        InvalidInput: A carrier without a factor.
    """
    for carrier in final_kwh:
        if carrier not in PRIMARY_FACTORS:
            raise InvalidInput(
                "an energy carrier without a factor",
                field="carrier",
                value=carrier,
                expected=", ".join(PRIMARY_FACTORS),
            )
    return float(sum(PRIMARY_FACTORS[carrier] * energy for carrier, energy in final_kwh.items()))


def energy_class(primary_kwh_m2: float, use: str) -> str:
    """Indicative energy class of a building of this use.

    Raises:
        InvalidInput: A use without a scale.
    """
    if use not in CLASS_LIMITS_KWH_M2:
        raise InvalidInput(
            "a use without a scale", field="use", value=use, expected=", ".join(CLASS_LIMITS_KWH_M2)
        )
    return ENERGY_CLASSES[int(np.searchsorted(CLASS_LIMITS_KWH_M2[use], primary_kwh_m2, side="left"))]


def degree_days(outdoor_c: Floats, base_c: float = DEGREE_DAY_BASE_C) -> float:
    """Heating degree-days of whole days of hourly temperatures."""
    daily = outdoor_c[: outdoor_c.size // 24 * 24].reshape(-1, 24).mean(axis=1)
    return float(np.maximum(base_c - daily, 0.0).sum())


def weather_normalised_kwh(
    heat_kwh: float, base_kwh: float, degree_days_then: float, degree_days_normal: float
) -> float:
    """Heat of a normal year: what does not depend on the weather, and the rest by degree-days.

    Args:
        heat_kwh: Heat delivered.
        base_kwh: Of it, what summer needs as well (hot water, circulation).
        degree_days_then: Degree-days of its time.
        degree_days_normal: Degree-days of the normal year, or the same part of it.

    Raises:
        InvalidInput: A time without degree-days.
    """
    if degree_days_then <= 0:
        raise InvalidInput(
            "no heating weather to normalise by", field="degree_days_then", value=degree_days_then
        )
    return base_kwh + (heat_kwh - base_kwh) * degree_days_normal / degree_days_then


def peak_w_m2(power_w: Floats, floor_area_m2: float) -> float:
    """Largest mean power of a step per floor area."""
    return float(np.max(power_w) / floor_area_m2)


@dataclass(frozen=True)
class Fit:
    """How well a model meets measurements, after ASHRAE Guideline 14."""

    cv_rmse_percent: float
    nmbe_percent: float
    """Measured minus simulated: above 0 the model is too low."""
    count: int

    def calibrated(self, interval: Literal["hourly", "monthly"]) -> bool:
        """Whether it lies within the guideline's limits: hourly 30 and 10 %, monthly 15 and 5 %."""
        cv_most, bias_most = (30.0, 10.0) if interval == "hourly" else (15.0, 5.0)
        return self.cv_rmse_percent <= cv_most and abs(self.nmbe_percent) <= bias_most


def fit(measured: Floats, simulated: Floats, parameters: int = 1) -> Fit:
    """Coefficient of variation of the error, and normalised mean bias; pairs with a hole are left out.

    Args:
        measured: Measurements.
        simulated: The model's values.
        parameters: Number of parameters that were fitted.

    Raises:
        InvalidInput: Fewer pairs than parameters, or measurements that are 0 in the mean.
    """
    both = np.isfinite(measured) & np.isfinite(simulated)
    count = int(both.sum())
    mean = float(measured[both].mean()) if count else 0.0
    if count <= parameters or mean == 0:
        raise InvalidInput(
            "too few measurements to judge a model", field="measured", value=count, expected=f"> {parameters}"
        )
    error = measured[both] - simulated[both]
    free = count - parameters
    return Fit(
        cv_rmse_percent=float(100.0 * np.sqrt((error**2).sum() / free) / abs(mean)),
        nmbe_percent=float(100.0 * error.sum() / (free * mean)),
        count=count,
    )
