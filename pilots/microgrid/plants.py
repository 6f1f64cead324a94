"""What sun and wind give: from the weather of a place to kilowatts at the bus.

A roof of 100 kWp in Tartu gives about 95 MWh a year and 85 kW at noon in May; a turbine of 2.5 MW on the
Pakri cliff gives nothing at 3 m/s and its full power at 13.
"""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.errors import InvalidInput

Floats = NDArray[np.float64]

LOSSES = 0.14
INVERTER_RATIO = 1.1
PER_KELVIN = -0.0037
ALBEDO = 0.2
WIND_HEIGHT_M = 10.0


def solar_per_kw(
    weather: pd.DataFrame,
    latitude: float,
    longitude: float,
    tilt_deg: float,
    azimuth_deg: float,
    step_h: float,
) -> Floats:
    """Output of a solar plant per kWp, kW; shape (steps,).

    Plane-of-array light by Hay and Davies 1980, cell temperature by Faiman 2008 (doi 10.1002/pip.813),
    power by PVWatts version 5 (Dobos 2014, NREL/TP-6A20-62641) with 14 % of losses, all through pvlib. Snow
    on the modules is not modelled.

    Args:
        weather: Columns ``time`` (start of the interval), ``ghi_w_m2``, ``dni_w_m2``, ``dhi_w_m2``,
            ``temperature_c`` and ``wind_speed_m_s``.
        latitude: Degrees north.
        longitude: Degrees east.
        tilt_deg: Of the modules from the horizontal.
        azimuth_deg: Direction the modules face, 180 for south.
        step_h: Length of an interval; the sun stands where it is in its middle.
    """
    from pvlib import irradiance, pvsystem, solarposition, temperature

    middle = pd.DatetimeIndex(weather["time"]) + pd.Timedelta(hours=step_h / 2)
    sun = solarposition.get_solarposition(middle, latitude, longitude)
    # pvlib asks pandas for the day of the year in a way that pandas 3 warns of.
    extra = irradiance.get_extra_radiation(middle.day_of_year.to_numpy())
    dni, ghi, dhi = (weather[name].to_numpy(np.float64) for name in ("dni_w_m2", "ghi_w_m2", "dhi_w_m2"))
    plane = irradiance.get_total_irradiance(
        tilt_deg, azimuth_deg, sun["apparent_zenith"].to_numpy(), sun["azimuth"].to_numpy(), dni, ghi, dhi,
        dni_extra=extra, albedo=ALBEDO, model="haydavies",
    )["poa_global"]  # fmt: skip
    light = np.nan_to_num(np.asarray(plane, np.float64)).clip(0.0)
    cell = temperature.faiman(
        light, weather["temperature_c"].to_numpy(), weather["wind_speed_m_s"].to_numpy()
    )
    direct = pvsystem.pvwatts_dc(light, cell, 1.0, PER_KELVIN) * (1.0 - LOSSES)
    return np.asarray(np.clip(direct, 0.0, 1.0 / INVERTER_RATIO), np.float64)


def wind_per_kw(
    wind_speed_m_s: Floats, turbine: str, hub_height_m: float, roughness_m: float, losses: float = 0.10
) -> Floats:
    """Output of a wind plant per kW of rating, kW; shape (steps,).

    Speed at the hub by the logarithmic profile, power by the turbine's curve smoothed over the gusts of the
    interval (Knorr 2016; normal distribution with a turbulence intensity after the roughness), both through
    windpowerlib.

    Args:
        wind_speed_m_s: At 10 m.
        turbine: Type in the turbine library of windpowerlib, for example ``N90/2500``.
        hub_height_m: Height of the hub.
        roughness_m: Roughness length of the surroundings.
        losses: By wakes, outages and wires.

    Raises:
        InvalidInput: If the turbine is not in the library.
    """
    from windpowerlib import power_curves, wind_speed

    speeds, power = _curve(turbine)
    at_hub = wind_speed.logarithmic_profile(wind_speed_m_s, WIND_HEIGHT_M, hub_height_m, roughness_m)
    intensity = 1.0 / np.log(hub_height_m / roughness_m)
    smooth = power_curves.smooth_power_curve(
        pd.Series(speeds), pd.Series(power), standard_deviation_method="turbulence_intensity",
        turbulence_intensity=intensity,
    )  # fmt: skip
    per_kw = np.interp(at_hub, smooth["wind_speed"], smooth["value"], left=0.0, right=0.0) / power.max()
    return np.asarray(per_kw * (1.0 - losses), np.float64)


@cache
def _curve(turbine: str) -> tuple[Floats, Floats]:
    from windpowerlib import WindTurbine

    with warnings.catch_warnings():
        # windpowerlib 0.2.2 reads its own table in a way that newer pandas warns of, and warns of a type that
        # it does not have, which is told as an error below.
        warnings.filterwarnings("ignore", message="The inplace keyword")
        warnings.filterwarnings(
            "ignore", message="The WindTurbine has been initialised without a power curve"
        )
        try:
            found = WindTurbine(turbine_type=turbine, hub_height=100.0)
        except (KeyError, ValueError, AttributeError) as fault:
            raise InvalidInput(
                "the turbine is not in windpowerlib's library", field="turbine", value=turbine,
                expected="a type such as N90/2500",
            ) from fault  # fmt: skip
    if found.power_curve is None:
        raise InvalidInput(
            "windpowerlib's library has no power curve of this turbine",
            field="turbine",
            value=turbine,
            expected="a type such as N90/2500, E-126/4200 or V112/3000",
        )
    curve = found.power_curve
    return curve["wind_speed"].to_numpy(np.float64), curve["value"].to_numpy(np.float64)


def lamps_lit(time: pd.DatetimeIndex, latitude: float, longitude: float, step_h: float) -> Floats:
    """Whether street lamps burn, 0 or 1: the sun stands more than 2 degrees below the horizon."""
    from pvlib import solarposition

    middle = time + pd.Timedelta(hours=step_h / 2)
    height = solarposition.get_solarposition(middle, latitude, longitude)["elevation"].to_numpy()
    return np.asarray(height < -2.0, np.float64)


def coefficient_of_performance(temperature_c: Floats, flow_c: float = 50.0) -> Floats:
    """Heat given per electricity drawn by an air-source heat pump.

    Staffell et al. 2012, *A review of domestic heat pumps*, doi 10.1039/c2ee22653g: 6.81 - 0.121 d +
    0.000630 d^2 for a lift of d kelvin from 15 upward.
    """
    lift = np.maximum(flow_c - np.asarray(temperature_c, np.float64), 15.0)
    return np.asarray(6.81 - 0.121 * lift + 0.000630 * lift**2, np.float64)
