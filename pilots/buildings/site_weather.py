"""The weather of a run from a city's pack: a typical year laid over the days of the run.

Columns that a source does not have are found from those it has, and what was done is said: dew point from
humidity, the sky's radiation from clouds (Clark and Allen 1978), a light breeze where nobody measured wind.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geodata.errors import NotReady
from pilots.buildings.thermal.weather import Weather, clear_sky_radiation_w_m2

Floats = NDArray[np.float64]

_WIND_M_S = 3.0
_PRESSURE_PA = 101_325.0
_SUMMER = (6, 7, 8)
_SKY_W_M2_K = 5.0
"""What the sky radiates more for each kelvin of warmer air."""


def weather_of(
    table: pd.DataFrame, start: pd.Timestamp, hours: int, latitude_deg: float, longitude_deg: float, name: str
) -> tuple[Weather, list[str]]:
    """Weather of a run, and notes on what stands in for what.

    Args:
        table: Rows of the kind `weather`, hourly, in UTC.
        start: First hour of the run, in UTC.
        hours: Length of the run.
        latitude_deg: Of the city.
        longitude_deg: Of the city.
        name: What to call it.

    Raises:
        NotReady: Hours of the year that the source does not cover.
    """
    index = pd.date_range(start, periods=hours, freq="h")
    rows = table.iloc[_places(pd.DatetimeIndex(table["time"]), index, name)]
    notes: list[str] = []

    def column(field: str, otherwise: Floats | float, note: str) -> Floats:
        if field in rows and rows[field].notna().all():
            return rows[field].to_numpy(np.float64)
        notes.append(note)
        return np.broadcast_to(np.asarray(otherwise, dtype=np.float64), (hours,)).astype(np.float64)

    air = rows["temperature_c"].to_numpy(np.float64)
    humid = (
        rows["relative_humidity_percent"]
        if "relative_humidity_percent" in rows
        else pd.Series(80.0, rows.index)
    )
    dew = column(
        "dew_point_c",
        _dew_point(air, np.asarray(humid.fillna(80.0), dtype=np.float64)),
        "dew point from humidity",
    )
    cloud = 10.0 * column("cloud_cover", 0.7, "seven tenths of the sky in clouds")
    sky = column(
        "infrared_w_m2", clear_sky_radiation_w_m2(air, dew, cloud), "the sky's radiation from clouds"
    )
    weather = Weather(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        elevation_m=0.0,
        start=start,
        air_temperature_c=air,
        dew_point_c=np.minimum(dew, air),
        pressure_pa=column("pressure_pa", _PRESSURE_PA, "pressure of the standard atmosphere"),
        direct_normal_w_m2=rows["dni_w_m2"].to_numpy(np.float64),
        diffuse_horizontal_w_m2=rows["dhi_w_m2"].to_numpy(np.float64),
        sky_radiation_w_m2=sky,
        wind_speed_m_s=column("wind_speed_m_s", _WIND_M_S, "a wind of 3 m/s"),
        wind_direction_deg=column("wind_direction_deg", 225.0, "wind from the south-west") % 360.0,
        name=name,
    )
    return weather, notes


def _places(known: pd.DatetimeIndex, wanted: pd.DatetimeIndex, name: str) -> NDArray[np.int64]:
    """Row of each wanted hour: that very hour, or the same hour of the same day in another year."""
    exact = known.get_indexer(wanted)
    if (exact >= 0).all():
        return np.asarray(exact)
    first: dict[tuple[int, int, int], int] = {}
    for row, moment in enumerate(zip(known.month, known.day, known.hour, strict=True)):
        first.setdefault(moment, row)
    # The 29th of February borrows the 28th.
    days = np.where((wanted.month == 2) & (wanted.day == 29), 28, wanted.day)
    moments = zip(wanted.month, days.tolist(), wanted.hour, strict=True)
    rows = np.array([first.get(moment, -1) for moment in moments])
    if (rows < 0).any():
        missing = wanted[int(np.flatnonzero(rows < 0)[0])]
        raise NotReady("the weather does not cover the run", file=name, field="time", value=str(missing))
    return rows


def _dew_point(air_c: Floats, humidity_percent: Floats) -> Floats:
    """Dew point (Magnus form of Alduchov and Eskridge 1996)."""
    gamma = np.log(np.clip(humidity_percent, 1.0, 100.0) / 100.0) + 17.625 * air_c / (air_c + 243.04)
    return np.asarray(243.04 * gamma / (17.625 - gamma))


def with_heat_wave(weather: Weather, warmer_k: float, month: NDArray[np.int64]) -> Weather:
    """The same weather with June to August warmer throughout; the sun stays as it is.

    Args:
        weather: Hourly weather.
        warmer_k: By how much.
        month: Month of each hour.
    """
    rise = np.where(np.isin(month, _SUMMER), warmer_k, 0.0)
    return replace(
        weather,
        air_temperature_c=weather.air_temperature_c + rise,
        sky_radiation_w_m2=weather.sky_radiation_w_m2 + _SKY_W_M2_K * rise,
    )


def ground_temperature_c(air_c: Floats) -> float:
    """Temperature of the ground under a floor: 2 K above the mean of the air, within 5 and 12 °C."""
    return float(np.clip(air_c.mean() + 2.0, 5.0, 12.0))
