"""One way in to both thermal models: a building and its weather in, hourly temperatures and loads out.

Example: ``simulate(building, read_weather("tallinn.epw"))["heating_power"].sum() / 1000`` is the year's
    heat in
kWh, zone by zone.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from pilots.buildings.thermal.detailed import STEPS_PER_HOUR, run_detailed
from pilots.buildings.thermal.fast import FastResult, run_fast
from pilots.buildings.thermal.fast_inputs import fast_inputs, hourly_mean
from pilots.buildings.thermal.march import AIR_C, COIL_W, COOLING_W, HEATING_W, RADIANT_C
from pilots.buildings.thermal.solar import Sun
from pilots.buildings.thermal.weather import Weather
from pilots.buildings.thermal.zone import Building

ThermalModel = Literal["fast", "detailed"]

_WARM_UP_HOURS = 15 * 24

_ATTRIBUTES = {
    "air_temperature": ("degC", "mean air temperature"),
    "mean_radiant_temperature": ("degC", "mean radiant temperature"),
    "operative_temperature": ("degC", "mean operative temperature"),
    "heating_power": ("W", "mean heat given to the room"),
    "cooling_power": ("W", "mean heat taken from the room"),
    "supply_air_heating_power": ("W", "mean heat given to the supply air after recovery"),
    "fan_power": ("W", "mean electricity of the air handling unit's fans"),
    "transmitted_solar_power": ("W", "mean sunlight through the windows"),
}


def sun_for(weather: Weather, model: ThermalModel = "detailed", steps_per_hour: int = STEPS_PER_HOUR) -> Sun:
    """The sun as a model needs it; compute it once for all buildings of one place.

    Args:
        weather: Hourly weather.
        model: Which model will use it.
        steps_per_hour: Steps of the detailed model in an hour.
    """
    return Sun(weather, steps_per_hour) if model == "detailed" else Sun(weather, 1, instant=0.5)


def simulate(
    building: Building,
    weather: Weather,
    model: ThermalModel = "detailed",
    *,
    steps_per_hour: int = STEPS_PER_HOUR,
    sun: Sun | None = None,
) -> xr.Dataset:
    """Run a building through its weather.

    Args:
        building: Zones, surfaces, use; series have one value per hour of the weather.
        weather: Hourly weather.
        model: "detailed" (ISO 52016-1 and beyond) or "fast" (ISO 13790, five resistances and one capacity).
        steps_per_hour: Steps of the detailed model in an hour.
        sun: What `sun_for` made for this weather and model, to share it between buildings.

    Returns:
        Hourly means over (time, zone): air, operative (and for the detailed model mean radiant)
        temperature, °C; heating, cooling, supply air heating and fan power, W; and for the detailed model
        the sunlight through the windows, W. `time` is the beginning of each hour, in UTC.

    Raises:
        InvalidInput: A series of another length than the weather, or with holes.
    """
    sun = sun or sun_for(weather, model, steps_per_hour)
    variables = _detailed(building, sun) if model == "detailed" else _fast(building, sun)
    flows = [
        hourly_mean(zone.air.mechanical_m3_s, weather.hours, f"{zone.name}.mechanical")
        for zone in building.zones
    ]
    fans = np.array([zone.air.fan_w_per_m3_s for zone in building.zones])
    variables["fan_power"] = np.column_stack(flows) * fans
    data = xr.Dataset(
        {name: (("time", "zone"), values) for name, values in variables.items()},
        coords={
            "time": weather.time.tz_convert("UTC").tz_localize(None),
            "zone": [zone.name for zone in building.zones],
        },
        attrs={"model": model, "building": building.name, "weather": weather.name},
    )
    for name in variables:
        units, text = _ATTRIBUTES[name]
        data[name].attrs = {"units": units, "long_name": text, "cell_methods": "time: mean"}
    data["time"].attrs = {"long_name": "beginning of the hour, UTC"}
    return data


def _detailed(building: Building, sun: Sun) -> dict[str, NDArray[np.float64]]:
    result, transmitted = run_detailed(building, sun)
    return {
        "air_temperature": result[:, :, AIR_C],
        "mean_radiant_temperature": result[:, :, RADIANT_C],
        "operative_temperature": 0.5 * (result[:, :, AIR_C] + result[:, :, RADIANT_C]),
        "heating_power": result[:, :, HEATING_W],
        "cooling_power": result[:, :, COOLING_W],
        "supply_air_heating_power": result[:, :, COIL_W],
        "transmitted_solar_power": transmitted,
    }


def _fast(building: Building, sun: Sun) -> dict[str, NDArray[np.float64]]:
    result: FastResult = run_fast(
        *fast_inputs(building, sun), warm_up_hours=min(_WARM_UP_HOURS, sun.weather.hours)
    )
    return {
        "air_temperature": result.air_c,
        "operative_temperature": result.operative_c,
        "heating_power": np.maximum(result.power_w, 0.0),
        "cooling_power": np.maximum(-result.power_w, 0.0),
        "supply_air_heating_power": result.coil_w,
    }
