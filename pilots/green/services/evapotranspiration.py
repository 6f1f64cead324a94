"""Reference evapotranspiration: how much water a well-watered lawn would give to the air.

On a clear July day in Tallinn that is four millimetres, four litres from each square metre; trees and lawns
that do not find them in the soil are under drought stress. Equations of Allen, Pereira, Raes and Smith 1998,
"Crop evapotranspiration", FAO Irrigation and Drainage Paper 56, and for clear skies and the tall crop of
ASCE-EWRI 2005, "The ASCE standardized reference evapotranspiration equation".

Temperatures in C, vapour pressures in kPa, radiation in MJ/(m2 day), wind in m/s at 2 m, depths in mm/day.
All functions take numbers or arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SOLAR_CONSTANT_MJ_M2_MIN = 0.0820


def _f(value: ArrayLike) -> Floats:
    return np.asarray(value, dtype=np.float64)


def saturation_vapour_pressure_kpa(temperature_c: ArrayLike) -> Floats:
    """FAO-56 equation 11."""
    t = _f(temperature_c)
    return np.asarray(0.6108 * np.exp(17.27 * t / (t + 237.3)))


def mean_saturation_vapour_pressure_kpa(t_min_c: ArrayLike, t_max_c: ArrayLike) -> Floats:
    """FAO-56 equation 12."""
    return (saturation_vapour_pressure_kpa(t_min_c) + saturation_vapour_pressure_kpa(t_max_c)) / 2


def vapour_pressure_from_humidity_kpa(
    t_min_c: ArrayLike, t_max_c: ArrayLike, rh_min_pct: ArrayLike, rh_max_pct: ArrayLike
) -> Floats:
    """Actual vapour pressure from extremes of relative humidity (FAO-56 equation 17)."""
    moist = saturation_vapour_pressure_kpa(t_min_c) * _f(rh_max_pct)
    dry = saturation_vapour_pressure_kpa(t_max_c) * _f(rh_min_pct)
    return np.asarray((moist + dry) / 200.0)


def vapour_pressure_from_mean_humidity_kpa(
    t_min_c: ArrayLike, t_max_c: ArrayLike, rh_mean_pct: ArrayLike
) -> Floats:
    """Actual vapour pressure from mean relative humidity (FAO-56 equation 19)."""
    return np.asarray(mean_saturation_vapour_pressure_kpa(t_min_c, t_max_c) * _f(rh_mean_pct) / 100.0)


def vapour_pressure_from_wet_bulb_kpa(
    t_dry_c: ArrayLike, t_wet_c: ArrayLike, psychrometric_kpa_k: ArrayLike
) -> Floats:
    """Actual vapour pressure from a psychrometer (FAO-56 equation 15)."""
    return saturation_vapour_pressure_kpa(t_wet_c) - _f(psychrometric_kpa_k) * (_f(t_dry_c) - _f(t_wet_c))


def slope_of_saturation_kpa_k(temperature_c: ArrayLike) -> Floats:
    """FAO-56 equation 13."""
    return np.asarray(
        4098.0 * saturation_vapour_pressure_kpa(temperature_c) / (_f(temperature_c) + 237.3) ** 2
    )


def atmospheric_pressure_kpa(elevation_m: ArrayLike) -> Floats:
    """FAO-56 equation 7."""
    return np.asarray(101.3 * ((293.0 - 0.0065 * _f(elevation_m)) / 293.0) ** 5.26)


def psychrometric_constant_kpa_k(pressure_kpa: ArrayLike) -> Floats:
    """FAO-56 equation 8."""
    return np.asarray(0.000665 * _f(pressure_kpa))


def wind_at_2_m(wind_m_s: ArrayLike, height_m: ArrayLike) -> Floats:
    """FAO-56 equation 47."""
    return np.asarray(_f(wind_m_s) * 4.87 / np.log(67.8 * _f(height_m) - 5.42))


@dataclass(frozen=True)
class DayGeometry:
    """The sun of a day at a latitude (FAO-56 equations 21 to 25, 34).

    Attributes:
        declination_rad: Of the sun.
        sunset_angle_rad: Hour angle of sunset.
        extraterrestrial: Radiation on a level plane above the air, MJ/(m2 day).
        daylight_h: Hours of daylight.
    """

    declination_rad: Floats
    sunset_angle_rad: Floats
    extraterrestrial: Floats
    daylight_h: Floats


def relative_sun_distance(day_of_year: ArrayLike) -> Floats:
    """Inverse relative distance of the sun (FAO-56 equation 23)."""
    return np.asarray(1 + 0.033 * np.cos(2 * np.pi * _f(day_of_year) / 365.0))


def declination_rad(day_of_year: ArrayLike) -> Floats:
    """Declination of the sun (FAO-56 equation 24)."""
    return np.asarray(0.409 * np.sin(2 * np.pi * _f(day_of_year) / 365.0 - 1.39))


def sunset_angle_rad(latitude_deg: ArrayLike, declination: ArrayLike) -> Floats:
    """Hour angle of sunset (FAO-56 equation 25), 0 or pi where the sun does not rise or set."""
    return np.asarray(
        np.arccos(np.clip(-np.tan(np.radians(_f(latitude_deg))) * np.tan(_f(declination)), -1.0, 1.0))
    )


def extraterrestrial_radiation(
    latitude_deg: ArrayLike, declination: ArrayLike, sunset_angle: ArrayLike, sun_distance: ArrayLike
) -> Floats:
    """Daily radiation on a level plane above the air (FAO-56 equation 21)."""
    phi, delta, sunset = np.radians(_f(latitude_deg)), _f(declination), _f(sunset_angle)
    height = sunset * np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.sin(sunset)
    return np.asarray(24 * 60 / np.pi * SOLAR_CONSTANT_MJ_M2_MIN * _f(sun_distance) * height)


def daylight_h(sunset_angle: ArrayLike) -> Floats:
    """Hours of daylight (FAO-56 equation 34)."""
    return np.asarray(24.0 / np.pi * _f(sunset_angle))


def day_geometry(latitude_deg: ArrayLike, day_of_year: ArrayLike) -> DayGeometry:
    """The sun of a day at a latitude."""
    declination = declination_rad(day_of_year)
    sunset = sunset_angle_rad(latitude_deg, declination)
    above = extraterrestrial_radiation(latitude_deg, declination, sunset, relative_sun_distance(day_of_year))
    return DayGeometry(declination, sunset, above, daylight_h(sunset))


def solar_radiation_from_sunshine(
    extraterrestrial: ArrayLike, sunshine_h: ArrayLike, daylight_h: ArrayLike
) -> Floats:
    """Ångström's formula (FAO-56 equation 35)."""
    return np.asarray((0.25 + 0.50 * _f(sunshine_h) / _f(daylight_h)) * _f(extraterrestrial))


def solar_radiation_from_temperature(
    extraterrestrial: ArrayLike, t_min_c: ArrayLike, t_max_c: ArrayLike, *, coastal: bool = False
) -> Floats:
    """Hargreaves' radiation formula (FAO-56 equation 50); cannot exceed that of a clear sky."""
    factor = 0.19 if coastal else 0.16
    return np.asarray(factor * np.sqrt(_f(t_max_c) - _f(t_min_c)) * _f(extraterrestrial))


def clear_sky_radiation(extraterrestrial: ArrayLike, elevation_m: ArrayLike) -> Floats:
    """Simple clear-sky radiation (FAO-56 equation 37)."""
    return np.asarray((0.75 + 2e-5 * _f(elevation_m)) * _f(extraterrestrial))


def clear_sky_radiation_asce(
    extraterrestrial: ArrayLike,
    latitude_deg: ArrayLike,
    day_of_year: ArrayLike,
    vapour_pressure_kpa: ArrayLike,
    pressure_kpa: ArrayLike,
) -> Floats:
    """Clear-sky radiation with the water in the air (ASCE-EWRI 2005, appendix D)."""
    phi, pressure = np.radians(_f(latitude_deg)), _f(pressure_kpa)
    season = np.sin(2 * np.pi * _f(day_of_year) / 365.0 - 1.39)
    sine = np.maximum(np.sin(0.85 + 0.3 * phi * season - 0.42 * phi**2), 0.01)
    water = 0.14 * _f(vapour_pressure_kpa) * pressure + 2.1
    beam = 0.98 * np.exp(-0.00146 * pressure / sine - 0.075 * (water / sine) ** 0.4)
    diffuse = np.where(beam >= 0.15, 0.35 - 0.36 * beam, 0.18 + 0.82 * beam)
    return np.asarray((beam + diffuse) * _f(extraterrestrial))


def net_radiation(
    solar: ArrayLike,
    clear_sky: ArrayLike,
    t_min_c: ArrayLike,
    t_max_c: ArrayLike,
    vapour_pressure_kpa: ArrayLike,
) -> Floats:
    """Net radiation of the grass reference (FAO-56 equations 38 to 40)."""
    return 0.77 * _f(solar) - net_longwave_radiation(solar, clear_sky, t_min_c, t_max_c, vapour_pressure_kpa)


def net_longwave_radiation(
    solar: ArrayLike,
    clear_sky: ArrayLike,
    t_min_c: ArrayLike,
    t_max_c: ArrayLike,
    vapour_pressure_kpa: ArrayLike,
) -> Floats:
    """Net outgoing long-wave radiation (FAO-56 equation 39)."""
    cloudiness = 1.35 * _f(solar) / _f(clear_sky) - 0.35
    return _net_longwave(cloudiness, t_min_c, t_max_c, vapour_pressure_kpa, 4.903e-9)


def net_radiation_asce(
    solar: ArrayLike,
    clear_sky: ArrayLike,
    t_min_c: ArrayLike,
    t_max_c: ArrayLike,
    vapour_pressure_kpa: ArrayLike,
) -> Floats:
    """Net radiation as ASCE-EWRI 2005 has it: cloudiness is kept within 0.05 and 1."""
    relative = np.clip(_f(solar) / _f(clear_sky), 0.3, 1.0)
    cloudiness = np.clip(1.35 * relative - 0.35, 0.05, 1.0)
    return 0.77 * _f(solar) - _net_longwave(cloudiness, t_min_c, t_max_c, vapour_pressure_kpa, 4.901e-9)


def _net_longwave(
    cloudiness: Floats, t_min_c: ArrayLike, t_max_c: ArrayLike, vapour_pressure_kpa: ArrayLike, sigma: float
) -> Floats:
    fourth = ((_f(t_max_c) + 273.16) ** 4 + (_f(t_min_c) + 273.16) ** 4) / 2
    return np.asarray(sigma * fourth * (0.34 - 0.14 * np.sqrt(_f(vapour_pressure_kpa))) * cloudiness)


def monthly_soil_heat_flux(
    t_month_c: ArrayLike, t_month_before_c: ArrayLike, t_month_after_c: ArrayLike | None = None
) -> Floats:
    """Soil heat flux of a month (FAO-56 equations 43 and, without the month after, 44)."""
    if t_month_after_c is None:
        return np.asarray(0.14 * (_f(t_month_c) - _f(t_month_before_c)))
    return np.asarray(0.07 * (_f(t_month_after_c) - _f(t_month_before_c)))


def reference_evapotranspiration(
    temperature_c: ArrayLike,
    net_radiation_mj: ArrayLike,
    wind_2m_m_s: ArrayLike,
    saturation_kpa: ArrayLike,
    vapour_pressure_kpa: ArrayLike,
    psychrometric_kpa_k: ArrayLike,
    soil_heat_flux_mj: ArrayLike = 0.0,
    *,
    tall: bool = False,
) -> Floats:
    """Daily reference evapotranspiration (FAO-56 equation 6; ASCE-EWRI 2005 for the tall crop).

    Args:
        temperature_c: Mean air temperature.
        net_radiation_mj: Net radiation.
        wind_2m_m_s: Wind at 2 m.
        saturation_kpa: Mean saturation vapour pressure.
        vapour_pressure_kpa: Actual vapour pressure.
        psychrometric_kpa_k: Psychrometric constant.
        soil_heat_flux_mj: Heat going into the soil.
        tall: Alfalfa of half a metre instead of grass.
    """
    numerator, denominator = (1600.0, 0.38) if tall else (900.0, 0.34)
    t, wind, gamma = _f(temperature_c), _f(wind_2m_m_s), _f(psychrometric_kpa_k)
    slope = slope_of_saturation_kpa_k(t)
    radiative = 0.408 * slope * (_f(net_radiation_mj) - _f(soil_heat_flux_mj))
    aerodynamic = gamma * numerator / (t + 273.0) * wind * (_f(saturation_kpa) - _f(vapour_pressure_kpa))
    return np.asarray((radiative + aerodynamic) / (slope + gamma * (1 + denominator * wind)))


def hargreaves_evapotranspiration(
    t_min_c: ArrayLike, t_max_c: ArrayLike, extraterrestrial: ArrayLike, t_mean_c: ArrayLike | None = None
) -> Floats:
    """Reference evapotranspiration from temperatures alone (FAO-56 equation 52).

    The mean temperature is that of the extremes unless it is given.
    """
    low, high = _f(t_min_c), _f(t_max_c)
    mean = (low + high) / 2 if t_mean_c is None else _f(t_mean_c)
    return np.asarray(
        0.0023 * (mean + 17.8) * np.sqrt(np.maximum(high - low, 0.0)) * 0.408 * _f(extraterrestrial)
    )
