"""The weather that a building stands in: hourly air, wind, sun and sky at one place.

Hours follow the EPW convention: a value belongs to the hour that *ends* at its stamp, the clock is local
standard time, temperatures are readings at the end of the hour, and radiation is the mean over it. So the
sun of "hour 12" stands where it stands at half past eleven.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pvlib.iotools import read_epw

from geodata.errors import InvalidData, UnreadableSource

STEFAN_BOLTZMANN = 5.670374419e-8

Floats = NDArray[np.float64]

_RANGES = {
    "air_temperature_c": (-90.0, 60.0),
    "dew_point_c": (-90.0, 60.0),
    "pressure_pa": (31_000.0, 120_000.0),
    "direct_normal_w_m2": (0.0, 1_400.0),
    "diffuse_horizontal_w_m2": (0.0, 1_000.0),
    "sky_radiation_w_m2": (0.0, 800.0),
    "wind_speed_m_s": (0.0, 60.0),
    "wind_direction_deg": (0.0, 360.0),
}
"""What the weather of the Earth allows; beyond it a file is damaged or in other units."""


@dataclass(frozen=True, eq=False)
class Weather:
    """Hourly weather at one place; arrays have one value per hour, the first ending at ``start + 1 h``."""

    latitude_deg: float
    longitude_deg: float
    elevation_m: float
    start: pd.Timestamp
    """Beginning of the first hour, with its time zone."""
    air_temperature_c: Floats
    dew_point_c: Floats
    pressure_pa: Floats
    direct_normal_w_m2: Floats
    diffuse_horizontal_w_m2: Floats
    sky_radiation_w_m2: Floats
    """Long-wave radiation of the sky on a horizontal surface."""
    wind_speed_m_s: Floats
    """At 10 m above open country."""
    wind_direction_deg: Floats
    """Where it comes from, clockwise from north."""
    name: str = ""

    def __post_init__(self) -> None:
        if self.start.tzinfo is None:
            raise InvalidData(
                "the weather does not say in which time zone it is", field="start", value=self.start
            )
        for field, (low, high) in _RANGES.items():
            values = getattr(self, field)
            wrong = ~((values >= low) & (values <= high))
            if values.shape != (self.hours,) or wrong.any():
                row = int(np.flatnonzero(wrong)[0]) if wrong.any() else None
                raise InvalidData(
                    "weather that cannot be",
                    file=self.name or None,
                    row=None if row is None else row + 1,
                    field=field,
                    value=values.shape if row is None else float(values[row]),
                    expected=f"{low:g} to {high:g}, {self.hours} values",
                )

    @property
    def hours(self) -> int:
        """Length of the series."""
        return int(self.air_temperature_c.size)

    @cached_property
    def time(self) -> pd.DatetimeIndex:
        """Beginning of each hour."""
        return pd.date_range(self.start, periods=self.hours, freq="h")

    @cached_property
    def sky_temperature_c(self) -> Floats:
        """Temperature of a black sky that radiates what the real one does."""
        return np.asarray((self.sky_radiation_w_m2 / STEFAN_BOLTZMANN) ** 0.25 - 273.15)

    @cached_property
    def humidity_ratio(self) -> Floats:
        """Water per dry air, kg/kg, from dew point and pressure."""
        vapour = saturation_pressure_pa(self.dew_point_c)
        return np.asarray(0.621945 * vapour / (self.pressure_pa - vapour))

    @cached_property
    def air_density_kg_m3(self) -> Floats:
        """Density of moist outdoor air (ideal gas with virtual temperature)."""
        kelvin = self.air_temperature_c + 273.15
        return np.asarray(self.pressure_pa / (287.042 * kelvin * (1 + 1.6078 * self.humidity_ratio)))


def saturation_pressure_pa(temperature_c: Floats) -> Floats:
    """Pressure of saturated water vapour over water, Pa (Magnus form of Alduchov and Eskridge 1996)."""
    return np.asarray(610.94 * np.exp(17.625 * temperature_c / (temperature_c + 243.04)))


def clear_sky_radiation_w_m2(
    air_temperature_c: Floats, dew_point_c: Floats, sky_cover_tenths: Floats
) -> Floats:
    """Long-wave radiation of the sky where nobody measured it (Clark and Allen 1978; Walton 1983)."""
    dew_k = dew_point_c + 273.15
    emissivity = (0.787 + 0.764 * np.log(dew_k / 273.0)) * (
        1 + 0.0224 * sky_cover_tenths - 0.0035 * sky_cover_tenths**2 + 0.00028 * sky_cover_tenths**3
    )
    return np.asarray(emissivity * STEFAN_BOLTZMANN * (air_temperature_c + 273.15) ** 4)


def read_weather(path: str | Path, year: int = 2019) -> Weather:
    """Read a weather file in EnergyPlus' format (EPW).

    Args:
        path: The file.
        year: The calendar year to lay a typical year on; one without a leap day for 8,760 hours.

    Raises:
        UnreadableSource: No such file, or not of this format.
        InvalidData: Values that no weather has, with row and field.
    """
    try:
        table, place = read_epw(str(path), coerce_year=year)
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise UnreadableSource(
            "not a weather file",
            file=path,
            value=str(error),
            expected="EPW: 8 header lines, then hours of 35 fields",
        ) from error
    air, dew = table["temp_air"].to_numpy(float), table["temp_dew"].to_numpy(float)
    sky = table["ghi_infrared"].to_numpy(float)
    guess = clear_sky_radiation_w_m2(air, dew, table["opaque_sky_cover"].to_numpy(float))
    return Weather(
        latitude_deg=place["latitude"],
        longitude_deg=place["longitude"],
        elevation_m=place["altitude"],
        start=table.index[0],
        air_temperature_c=air,
        dew_point_c=dew,
        pressure_pa=table["atmospheric_pressure"].to_numpy(float),
        direct_normal_w_m2=table["dni"].to_numpy(float),
        diffuse_horizontal_w_m2=table["dhi"].to_numpy(float),
        # 9999 marks a value that nobody has.
        sky_radiation_w_m2=np.where((sky > 0) & (sky < 9999), sky, guess),
        wind_speed_m_s=table["wind_speed"].to_numpy(float),
        wind_direction_deg=table["wind_direction"].to_numpy(float),
        name=Path(path).name,
    )
