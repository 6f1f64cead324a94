"""A typical year of weather in a demo city, hour by hour, made to match its published monthly normals.

The five cities share one weather, as neighbours around one gulf do: the same days are warm, wet or windy in
all of them, each by the measure of its own climate. Sun and clouds agree: the light follows from where the
sun stands and from how much of the sky is covered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geodata.demo.chance import stream
from geodata.demo.facts import Facts

if TYPE_CHECKING:
    import pandas as pd

YEAR = 2026
HOURS = 8760

DAILY_SWING_C = 6.0
"""Half the difference of day and night under a clear summer sky."""

FRONT_C = 4.6
"""Spread of daily means about the normal in winter; two thirds of it in summer."""

LOW_SUN = 0.06
"""Sine of the height below which all light is counted as diffuse."""

MEMORY_H = {"temperature": 60.0, "cloud": 9.0, "wind": 18.0, "rain": 5.0, "pressure": 70.0}
"""Hours after which a departure from the normal has faded to 1/e."""

SUNNY_COVER = 0.8
"""Up to this cover the sun casts shadows (more than 120 W/m2 of direct light, as WMO defines sunshine)."""

WET_RANK = 0.86
"""It rains or snows in about one hour of ten, the wettest by a wandering departure, and under clouds."""

WEIBULL_SHAPE = 2.1
STEFAN_BOLTZMANN = 5.670374419e-8


def weather(facts: Facts) -> pd.DataFrame:
    """The typical year, dated 2026 in UTC, in the columns of the kind ``weather``."""
    import pandas as pd

    climate = facts.document["climate"]
    time = pd.date_range(f"{YEAR}-01-01", periods=HOURS, freq="h", tz="UTC")
    sun = _sun(time, climate["latitude"], climate["longitude"])
    cloud = _cloud(time, climate["sunshine_h"], sun)
    ghi, dni, dhi = _irradiance(time, sun, cloud)
    temperature = _temperature(time, climate["temperature_c"], cloud, sun, climate["longitude"])
    rain = _rain(time, climate["precipitation_mm"], cloud)
    humidity, dew_point = _humidity(time, climate["humidity_percent"], temperature, rain)
    wind, direction = _wind(time, climate["wind_speed_m_s"])
    return pd.DataFrame(
        {
            "time": time,
            "temperature_c": temperature.round(2),
            "dew_point_c": dew_point.round(2),
            "relative_humidity_percent": humidity.round(1),
            "pressure_pa": np.round(101_300 + 950 * _drift("pressure")),
            "wind_speed_m_s": wind.round(2),
            "wind_direction_deg": direction.round(0),
            "ghi_w_m2": ghi.round(1),
            "dni_w_m2": dni.round(1),
            "dhi_w_m2": dhi.round(1),
            "infrared_w_m2": _sky_infrared(temperature, dew_point, cloud).round(1),
            "precipitation_mm": rain,
            "snow_depth_m": _snow_depth(temperature, rain).round(3),
            "cloud_cover": cloud.round(3),
        }
    )


def _drift(name: str) -> NDArray[np.float64]:
    """A wandering departure from the normal with spread 1, alike in every city and seamless at new year."""
    keep = np.exp(-1 / MEMORY_H[name])
    shocks = stream("weather", name).standard_normal(HOURS)
    frequency = np.fft.rfftfreq(HOURS)
    response = 1 / (1 - keep * np.exp(-2j * np.pi * frequency))
    series = np.fft.irfft(np.fft.rfft(shocks) * response, HOURS)
    drift: NDArray[np.float64] = (series - series.mean()) / series.std()
    return drift


def _by_hour(time: pd.DatetimeIndex, monthly: list[float]) -> NDArray[np.float64]:
    """Monthly values as a smooth yearly course that keeps each month's mean."""
    middles = (np.arange(-1, 13) + 0.5) / 12
    values = np.asarray(monthly, dtype=float)
    share = (time.day_of_year.to_numpy() - 1 + time.hour.to_numpy() / 24) / 365
    knots = values.copy()
    course = np.zeros(HOURS)
    month = time.month.to_numpy() - 1
    for _ in range(20):
        course = np.interp(share, middles, np.r_[knots[-1], knots, knots[0]])
        knots += values - np.bincount(month, course) / np.bincount(month)
    return course


def _sun(time: pd.DatetimeIndex, latitude: float, longitude: float) -> NDArray[np.float64]:
    """Sine of the sun's height in the middle of each hour."""
    import pandas as pd
    from pvlib.solarposition import get_solarposition

    middle = time + pd.Timedelta(minutes=30)
    position = get_solarposition(middle, latitude, longitude)
    height: NDArray[np.float64] = np.sin(np.radians(position["apparent_elevation"].to_numpy()))
    return height


def _cloud(time: pd.DatetimeIndex, sunshine_h: list[float], sun: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the sky covered, such that each month has about its hours of sunshine.

    Of a wandering departure's ranks in the daylight of a month, as many lie below the limit of sunshine as
    the month has sunny daylight; the lowest are clear, the highest overcast.
    """
    month = time.month.to_numpy() - 1
    daylight = np.clip(sun / 0.1, 0, 1)
    clear_share = (np.asarray(sunshine_h) / np.bincount(month, daylight)).clip(0.03, 0.9)
    drift, rank = _drift("cloud"), np.empty(HOURS)
    for number in range(12):
        by_day = np.sort(drift[(month == number) & (daylight == 1)])
        rank[month == number] = np.searchsorted(by_day, drift[month == number]) / len(by_day)
    cover: NDArray[np.float64] = np.clip(SUNNY_COVER + (rank - clear_share[month]) * 2.4, 0.0, 1.0)
    return cover


def _irradiance(
    time: pd.DatetimeIndex, sun: NDArray[np.float64], cloud: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Global, direct normal and diffuse irradiance under a clear-sky model, a cloud law and a split.

    Haurwitz 1945 for the clear sky; Kasten & Czeplak 1980 for clouds (1 - 0.75 n^3.4); Erbs et al. 1982 for
    the diffuse share. Global = diffuse + direct x sine of the sun's height, exactly.
    """
    import pandas as pd
    from pvlib.clearsky import haurwitz
    from pvlib.irradiance import erbs

    zenith = pd.Series(np.degrees(np.arccos(sun)), index=time)
    ghi = haurwitz(zenith)["ghi"].to_numpy() * (1 - 0.75 * cloud**3.4)
    diffuse = np.asarray(erbs(ghi, zenith.to_numpy(), time.day_of_year.to_numpy())["dhi"])
    low = sun < LOW_SUN
    dhi = np.where(low, ghi, np.minimum(diffuse, ghi))
    dni = np.where(low, 0.0, (ghi - dhi) / np.maximum(sun, LOW_SUN))
    return ghi, dni, dhi


def _temperature(
    time: pd.DatetimeIndex,
    monthly: list[float],
    cloud: NDArray[np.float64],
    sun: NDArray[np.float64],
    longitude: float,
) -> NDArray[np.float64]:
    """The normal of the season, warm and cold spells, and the swing of day and night under a clear sky."""
    noon = np.repeat(sun.reshape(-1, 24).max(axis=1), 24).clip(0.12, 0.85) / 0.85
    spells = _drift("temperature") * FRONT_C * (1.15 - 0.5 * noon)
    solar_hour = time.hour.to_numpy() + 0.5 + longitude / 15
    swing = DAILY_SWING_C * noon * (1 - 0.65 * cloud) * np.cos((solar_hour - 14.5) * 2 * np.pi / 24)
    return _matched(time, _by_hour(time, monthly) + spells + swing, monthly)


def _matched(
    time: pd.DatetimeIndex, series: NDArray[np.float64], monthly: list[float]
) -> NDArray[np.float64]:
    """A series shifted smoothly so that its monthly means are the normals."""
    month = time.month.to_numpy() - 1
    means = np.bincount(month, series) / np.bincount(month)
    return series + _by_hour(time, (np.asarray(monthly) - means).tolist())


def _rain(time: pd.DatetimeIndex, monthly_mm: list[float], cloud: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rain and snow in wet spells under clouds, in tenths of a millimetre, each month its normal."""
    from scipy.special import ndtr

    rank = ndtr(_drift("rain"))
    wet = np.where((rank > WET_RANK) & (cloud > 0.6), (rank - WET_RANK) / (1 - WET_RANK), 0.0) ** 1.6
    month = time.month.to_numpy() - 1
    wet *= (np.asarray(monthly_mm) / np.bincount(month, wet))[month]
    fallen: NDArray[np.float64] = np.diff(np.round(np.cumsum(np.concatenate([[0.0], wet])), 1))
    return fallen.round(1)


def _saturation_pa(temperature_c: NDArray[np.float64]) -> NDArray[np.float64]:
    """Saturation vapour pressure over water (Magnus formula, WMO guide no. 8, annex 4.B)."""
    return 611.2 * np.exp(17.62 * temperature_c / (243.12 + temperature_c))


def _humidity(
    time: pd.DatetimeIndex, monthly: list[float], temperature: NDArray[np.float64], rain: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Relative humidity that falls by day and rises in rain, and the dew point that goes with it."""
    from scipy.ndimage import uniform_filter1d

    daily_mean = uniform_filter1d(temperature, 24, mode="wrap")
    vapour = _by_hour(time, monthly) / 100 * _saturation_pa(daily_mean) * np.where(rain > 0, 1.1, 1.0)
    humidity = _matched(time, (100 * vapour / _saturation_pa(temperature)).clip(18, 100), monthly).clip(
        15, 100
    )
    ratio = np.log(humidity / 100 * _saturation_pa(temperature) / 611.2)
    return humidity, 243.12 * ratio / (17.62 - ratio)


def _wind(time: pd.DatetimeIndex, monthly: list[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wind whose speeds follow a Weibull law, mostly from the south-west."""
    from scipy.special import gamma, ndtr

    rank = ndtr(_drift("wind")).clip(1e-6, 1 - 1e-6)
    speed = (-np.log1p(-rank)) ** (1 / WEIBULL_SHAPE) / gamma(1 + 1 / WEIBULL_SHAPE)
    direction = (225 + 75 * _drift("pressure") + 30 * _drift("rain")) % 360
    return speed * _by_hour(time, monthly), direction


def _sky_infrared(
    temperature: NDArray[np.float64], dew_point: NDArray[np.float64], cloud: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Long-wave irradiance from the sky (Clark & Allen 1978 with Walton's 1983 cloud term)."""
    tenths = 10 * cloud
    emissivity = 0.787 + 0.764 * np.log((dew_point + 273.15) / 273.15)
    emissivity *= 1 + 0.0224 * tenths - 0.0035 * tenths**2 + 0.00028 * tenths**3
    return np.minimum(emissivity, 1.0) * STEFAN_BOLTZMANN * (temperature + 273.15) ** 4


def _snow_depth(temperature: NDArray[np.float64], rain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Snow that falls below 0.5 degrees, settles to 250 kg/m3 and melts at 3.5 mm a degree and day."""
    gain = np.where(temperature < 0.5, rain, 0.0)
    melt = np.maximum(temperature, 0.0) * 3.5 / 24
    water_mm = np.empty(HOURS)
    stored = 0.0
    for _ in range(2):
        # Twice through the year: what lies at the end of December lies there on the first of January too.
        for hour, (more, less) in enumerate(zip(gain.tolist(), melt.tolist(), strict=True)):
            stored = max(stored + more - less, 0.0)
            water_mm[hour] = stored
    return water_mm / 250
