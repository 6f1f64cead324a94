"""A year's services of a square metre of canopy: rain held back, dust and gases taken up.

All depend on the leaf area above the square metre and on the hours of the year. They are worked out for a few
leaf areas and read off between them, so that every member of the ensemble costs nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pilots.green.city.climate import TypicalYear
from pilots.green.leaf_area import leaf_share
from pilots.green.radiation.weather import saturation_pressure_hpa
from pilots.green.scenario import GreenScenario
from pilots.green.services.evapotranspiration import day_geometry, hargreaves_evapotranspiration
from pilots.green.services.pollution import (
    NITROGEN_DIOXIDE,
    OZONE,
    Gas,
    Turbulence,
    deposition_velocity_m_s,
    fine_particles,
    gas_uptake_g_m2,
    stomatal_resistance_s_m,
    turbulence,
)
from pilots.green.services.rain import interception

Floats = NDArray[np.float64]

LEAF_AREAS = np.array([0.5, 1.0, 2.0, 3.5, 5.0, 7.0, 9.0])
BARK_AREA_INDEX = 0.7
SERVICES = ("rain_mm", "pm25_g", "ozone_g", "nitrogen_dioxide_g")


@dataclass(frozen=True)
class YearlyServices:
    """Services per m2 of canopy and year at ``LEAF_AREAS`` (2 leaf habits x services x leaf areas).

    Attributes:
        table: First row deciduous, second evergreen.
    """

    table: Floats

    def at(self, leaf_area_index: Floats, *, evergreen: bool) -> Floats:
        """Services (services x members) for the leaf areas of members."""
        rows = self.table[int(evergreen)]
        return np.stack([np.interp(leaf_area_index, LEAF_AREAS, row) for row in rows])


def yearly_services(
    typical: TypicalYear,
    latitude: float,
    leaf_on: float,
    leaf_off: float,
    stress: float,
    scenario: GreenScenario,
) -> YearlyServices:
    """Work out the services of a year.

    Args:
        typical: Its hours.
        latitude: Of the city.
        leaf_on: First leaf.
        leaf_off: First leaf fall.
        stress: Drought stress coefficient, 1 none.
        scenario: Concentrations of pollutants.
    """
    hours = typical.hours
    share = np.repeat(leaf_share(typical.day_of_year, leaf_on, leaf_off), 24)
    rain, evaporation = hours["precipitation_mm"].to_numpy(), _open_water_mm(typical, latitude)
    wind = hours["wind_speed_m_s"].to_numpy()
    light, warmth = hours["global_w_m2"].to_numpy(), hours["air_temperature_c"].to_numpy()
    dryness = saturation_pressure_hpa(warmth) * (
        1.0 - np.minimum(hours["relative_humidity_pct"].to_numpy(), 100.0) / 100.0
    )
    air = turbulence(wind, warmth, 0.25 * light - 15.0)
    pores = stomatal_resistance_s_m(light, warmth, dryness, stress)
    table = np.empty((2, len(SERVICES), len(LEAF_AREAS)))
    for habit, leaves in enumerate((share, np.ones(8760))):
        for i, full in enumerate(LEAF_AREAS):
            area = full * leaves
            water = interception(rain, evaporation, area, BARK_AREA_INDEX)
            dust = fine_particles(
                np.full(8760, scenario.pm25_ug_m3), wind, water.washed, area + BARK_AREA_INDEX * 0.5
            )  # fmt: skip
            table[habit, :, i] = (
                water.evaporated_mm.sum(),
                dust.removed[0],
                _gas(OZONE, air, pores, area, scenario.ozone_ug_m3, rain),
                _gas(NITROGEN_DIOXIDE, air, pores, area, scenario.nitrogen_dioxide_ug_m3, rain),
            )
    return YearlyServices(table)


def _gas(gas: Gas, air: Turbulence, pores: Floats, area: Floats, concentration: float, rain: Floats) -> float:
    velocity = deposition_velocity_m_s(gas, air, pores, area, BARK_AREA_INDEX)
    # Daily rain is spread over its day; an hour counts as wet where it brings two tenths of a millimetre.
    return gas_uptake_g_m2(velocity, np.full(len(rain), concentration), np.where(rain > 0.2, rain, 0.0))


def _open_water_mm(typical: TypicalYear, latitude: float) -> Floats:
    """Hourly evaporation of wet leaves: the day's reference, shared out by the sun; a little at night."""
    above = day_geometry(latitude, typical.day_of_year).extraterrestrial
    daily = np.maximum(hargreaves_evapotranspiration(typical.least_c, typical.largest_c, above), 0.0)
    sun = typical.hours["global_w_m2"].to_numpy().reshape(365, 24) + 5.0
    return np.asarray((daily[:, None] * 1.1 * sun / sun.sum(axis=1, keepdims=True)).ravel())
