"""The weather over the roofs, made ready for a radiation run.

What a weather station or a typical year gives is air temperature, humidity, wind and global radiation by the
hour, stamped by a clock of its own. A radiation model needs to know where the sun stood during each of those
hours, how its beam and the sky shared the radiation, and how warm the sky itself was. A clock that is one
hour wrong moves every shadow by 15 degrees; so the clock is checked against the sun itself wherever beam,
diffuse and global radiation are all given: only at the right hour do they add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pvlib
from numpy.typing import NDArray

from geodata.errors import InvalidData, UnreadableSource
from pilots.green.radiation.sky import (
    Floats,
    black_body,
    clear_sky_emissivity,
    cloudy_sky_emissivity,
    diffuse_radiosity,
    dome,
    sky_radiosity,
)

COLUMNS = {
    "air_temperature_c": (-60.0, 60.0),
    "relative_humidity_pct": (0.0, 105.0),
    "global_w_m2": (-20.0, 1500.0),
}
"""Columns that must be there, with their ranges."""

OPTIONAL_COLUMNS = {
    "diffuse_w_m2": (-20.0, 1000.0),
    "direct_normal_w_m2": (-20.0, 1400.0),
    "wind_speed_m_s": (0.0, 75.0),
    "longwave_down_w_m2": (50.0, 600.0),
}

WIND_WHEN_UNKNOWN_M_S = 4.0
"""Design wind of ISO 6946 for outer surfaces, taken where the weather has no wind."""

_UMEP_NAMES = {
    "Td": "air_temperature_c",
    "RH": "relative_humidity_pct",
    "Wind": "wind_speed_m_s",
    "Kdn": "global_w_m2",
    "Kdiff": "diffuse_w_m2",
    "Kdir": "direct_normal_w_m2",
    "ldown": "longwave_down_w_m2",
}
_UMEP_MISSING = -998.0
_LOWEST_SUN_DEG = 0.5
_CLOSURE_SHARE = 0.10


@dataclass(frozen=True)
class Forcing:
    """What drives a radiation run, one entry per step.

    Attributes:
        time: Start of each step, UTC.
        step_h: Length of a step in hours.
        air_temperature_c: Air temperature.
        vapour_pressure_hpa: Vapour pressure of the air.
        wind_speed_m_s: Wind.
        direct_normal_w_m2: Beam on a plane that faces the sun; 0 while the sun is down.
        diffuse_w_m2: Diffuse radiation on an open horizontal plane.
        sun_azimuth_deg: Azimuth of the sun, mean over the sunlit part of the step.
        sun_altitude_deg: Altitude of the sun, likewise; 0 while it is down.
        ray_azimuth_deg: Azimuths of the sun at equal moments within the step (steps x moments).
        ray_altitude_deg: Its altitudes at those moments.
        sky_short_w_m2: Short-wave radiosity of the patches of the sky (steps x patches).
        sky_long_w_m2: Long-wave radiosity of the patches (steps x patches).
    """

    time: pd.DatetimeIndex
    step_h: float
    air_temperature_c: Floats
    vapour_pressure_hpa: Floats
    wind_speed_m_s: Floats
    direct_normal_w_m2: Floats
    diffuse_w_m2: Floats
    sun_azimuth_deg: Floats
    sun_altitude_deg: Floats
    ray_azimuth_deg: Floats
    ray_altitude_deg: Floats
    sky_short_w_m2: Floats
    sky_long_w_m2: Floats

    def __len__(self) -> int:
        return len(self.time)

    @property
    def lit(self) -> NDArray[np.intp]:
        """The steps in which there is short-wave radiation at all."""
        return np.flatnonzero((self.direct_normal_w_m2 > 0) | (self.diffuse_w_m2 > 0))

    def part(self, steps: slice) -> Forcing:
        """The same for some of the steps."""
        arrays: dict[str, Any] = {
            name: value[steps] for name, value in vars(self).items() if name != "step_h"
        }
        return Forcing(step_h=self.step_h, **arrays)


def read_weather(
    path: str | Path, *, latitude: float, longitude: float, utc_offset_h: float | None = None
) -> pd.DataFrame:
    """Read an hourly weather file in the text form of UMEP and SUEWS.

    Args:
        path: File with the header ``%iy id it imin ... Wind RH Td press rain Kdn ... ldown ... Kdiff Kdir``;
            -999 is missing. Rows are means over steps that begin at the stated time.
        latitude: Of the place, degrees north.
        longitude: Of the place, degrees east.
        utc_offset_h: Hours by which the file's clock is ahead of UTC. Without it the clock is found from the
            sun (`clock_offset_h`) and noted in ``attrs["utc_offset_h"]``.

    Returns:
        Weather as `forcing` wants it: an aware UTC index (start of each step) and the columns ``COLUMNS``
        and, where the file has them complete, ``OPTIONAL_COLUMNS``.

    Raises:
        UnreadableSource: The file is missing or not of this form.
        InvalidData: A value is missing, or the clock neither is given nor can be found.
    """
    table = _umep_table(Path(path))
    clock = _umep_clock(table, path)
    weather = table[list(_UMEP_NAMES)].rename(columns=_UMEP_NAMES).astype(float)
    weather = weather.mask(weather < _UMEP_MISSING)
    for name in COLUMNS:
        if weather[name].isna().any():
            row = int(np.flatnonzero(weather[name].isna())[0]) + 1
            raise InvalidData(
                "a weather value is missing", file=path, row=row, field=name, expected="a number"
            )
    weather = weather.dropna(axis="columns")
    weather.index = clock.tz_localize("UTC")
    offset = clock_offset_h(weather, latitude, longitude) if utc_offset_h is None else utc_offset_h
    weather.index = weather.index - pd.Timedelta(hours=offset)
    weather.attrs["utc_offset_h"] = offset
    return weather


def _umep_table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, sep=r"\s+")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnreadableSource("cannot read the weather file", file=path, hint=str(error)) from error
    table.columns = [str(name).lstrip("%") for name in table.columns]
    lacking = [name for name in ("iy", "id", "it", "imin", *_UMEP_NAMES) if name not in table.columns]
    if lacking:
        raise UnreadableSource(
            "the weather file lacks columns", file=path, value=lacking, expected="UMEP text"
        )
    return table


def _umep_clock(table: pd.DataFrame, path: str | Path) -> pd.DatetimeIndex:
    clock = pd.to_datetime(table["iy"].astype(int).astype(str), format="%Y")
    clock += pd.to_timedelta(table["id"] - 1, unit="D") + pd.to_timedelta(table["it"], unit="h")
    # Files of hour means carry an arbitrary minute, the same in every row.
    if (table["imin"] != table["imin"].iloc[0]).any():
        clock += pd.to_timedelta(table["imin"], unit="min")
    index = pd.DatetimeIndex(clock)
    if not index.is_monotonic_increasing or index.has_duplicates:
        raise InvalidData("the times of the weather file do not increase", file=path, field="iy id it imin")
    return index


def clock_offset_h(weather: pd.DataFrame, latitude: float, longitude: float) -> float:
    """Hours by which the clock of a weather table is ahead of UTC, found from the sun.

    Beam on a level plane and diffuse radiation add up to global radiation only if the sun's altitude is that
    of the hour in question. The offset (in quarters of an hour) under which they add up best is returned.

    Args:
        weather: Columns ``global_w_m2``, ``diffuse_w_m2``, ``direct_normal_w_m2``; index taken as UTC.
        latitude: Degrees north.
        longitude: Degrees east.

    Raises:
        InvalidData: The columns are not there, there is too little sun, or nothing adds up.
    """
    needed = ["global_w_m2", "diffuse_w_m2", "direct_normal_w_m2"]
    if not set(needed) <= set(weather.columns):
        raise InvalidData(
            "the clock cannot be found without beam, diffuse and global radiation", expected=str(needed)
        )
    sunny = weather[weather["direct_normal_w_m2"] > 100.0]
    if len(sunny) < 3:
        raise InvalidData("too little sun to find the clock of the weather", hint="give utc_offset_h")
    offsets = np.arange(-14.0, 14.01, 0.25)
    error = np.array(
        [_closure_error(sunny, latitude, longitude, offset, _step_h(weather)) for offset in offsets]
    )
    best = int(error.argmin())
    if error[best] > _CLOSURE_SHARE:
        raise InvalidData(
            "beam, diffuse and global radiation add up under no clock",
            value=f"{error[best]:.0%} of global radiation at {offsets[best]:+} h",
            expected=f"at most {_CLOSURE_SHARE:.0%}",
        )
    return float(offsets[best])


def _closure_error(
    sunny: pd.DataFrame, latitude: float, longitude: float, offset_h: float, step_h: float
) -> float:
    middle = pd.DatetimeIndex(sunny.index) + pd.Timedelta(hours=0.5 * step_h - offset_h)
    _, altitude = sun_position(middle, latitude, longitude)
    level = sunny["direct_normal_w_m2"].to_numpy() * np.sin(np.radians(np.maximum(altitude, 0.0)))
    gap = level + sunny["diffuse_w_m2"].to_numpy() - sunny["global_w_m2"].to_numpy()
    return float(np.sqrt((gap**2).mean()) / sunny["global_w_m2"].mean())


def _step_h(weather: pd.DataFrame) -> float:
    index = pd.DatetimeIndex(weather.index)
    gaps = np.diff(index.asi8)
    return (
        1.0
        if len(gaps) == 0
        else float(pd.Timedelta(int(gaps.min()), unit=index.unit).total_seconds() / 3600)
    )


def sun_position(time: pd.DatetimeIndex, latitude: float, longitude: float) -> tuple[Floats, Floats]:
    """Azimuth (clockwise from north) and apparent altitude of the sun, degrees."""
    position = pvlib.solarposition.get_solarposition(time, latitude, longitude)
    return position["azimuth"].to_numpy(), position["apparent_elevation"].to_numpy()


def forcing(weather: pd.DataFrame, latitude: float, longitude: float, *, moments: int = 4) -> Forcing:
    """Complete a weather table for a radiation run.

    Missing diffuse and beam radiation are split from global radiation (Driesse and others 2024, a continuous
    form of Erbs). Missing wind is ``WIND_WHEN_UNKNOWN_M_S``. Missing long-wave radiation of the sky comes
    from Brunt with day-long means: the air some hundred metres up, where most of it is emitted, follows the
    screen's daily swing little. Cloud is what global radiation lacks of a clear sky (Crawford and Duchon
    1999), carried through the night.

    Args:
        weather: Aware index (start of each step, evenly spaced) and the columns ``COLUMNS``, optionally
            ``OPTIONAL_COLUMNS``.
        latitude: Degrees north.
        longitude: Degrees east.
        moments: Positions of the sun per step for shadows.

    Raises:
        InvalidData: A column is missing, a value lies outside its range, the clock is naive or contradicts
            the sun.
    """
    checked = checked_weather(weather)
    time, step_h = pd.DatetimeIndex(checked.index), _step_h(checked)
    _require_right_clock(checked, latitude, longitude)
    azimuth, altitude = _moments(time, step_h, latitude, longitude, moments)
    mean_azimuth, mean_altitude = _sunlit_mean(azimuth, altitude)
    beam, diffuse = _beam_and_diffuse(checked, mean_altitude)
    extraterrestrial = np.asarray(pvlib.irradiance.get_extra_radiation(time.day_of_year.to_numpy()))
    temperature = checked["air_temperature_c"].to_numpy()
    vapour = vapour_pressure_hpa(temperature, checked["relative_humidity_pct"].to_numpy())
    sky_long = _sky_long(checked, vapour, mean_altitude, extraterrestrial, step_h)
    wind = (
        checked["wind_speed_m_s"] if "wind_speed_m_s" in checked else pd.Series(WIND_WHEN_UNKNOWN_M_S, time)
    )
    return Forcing(
        time=time,
        step_h=step_h,
        air_temperature_c=temperature,
        vapour_pressure_hpa=vapour,
        wind_speed_m_s=np.asarray(wind, dtype=np.float64),
        direct_normal_w_m2=beam,
        diffuse_w_m2=diffuse,
        sun_azimuth_deg=mean_azimuth,
        sun_altitude_deg=mean_altitude,
        ray_azimuth_deg=azimuth,
        ray_altitude_deg=altitude,
        sky_short_w_m2=diffuse_radiosity(diffuse, beam, mean_azimuth, mean_altitude, extraterrestrial),
        sky_long_w_m2=sky_long,
    )


def checked_weather(weather: pd.DataFrame) -> pd.DataFrame:
    """The weather as UTC floats within their ranges, or an error that names the first bad value."""
    index = weather.index
    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        raise InvalidData(
            "the weather needs an index of aware times", field="index", value=type(index).__name__
        )
    if len(index) == 0 or not index.is_monotonic_increasing or index.has_duplicates:
        raise InvalidData(
            "the times of the weather do not increase", field="index", value=f"{len(index)} rows"
        )
    gaps = np.diff(index.asi8)
    if len(gaps) and (gaps != gaps[0]).any():
        row = int(np.flatnonzero(gaps != gaps[0])[0]) + 2
        raise InvalidData(
            "the weather has a gap",
            row=row,
            field="index",
            value=str(index[row - 1]),
            expected="evenly spaced times",
            hint="run each unbroken stretch on its own",
        )
    lacking = [name for name in COLUMNS if name not in weather]
    if lacking:
        raise InvalidData("the weather lacks columns", value=lacking, expected=", ".join(COLUMNS))
    known = {name: bounds for name, bounds in {**COLUMNS, **OPTIONAL_COLUMNS}.items() if name in weather}
    for name, (low, high) in known.items():
        bad = ~weather[name].between(low, high).to_numpy()
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise InvalidData(
                "a weather value is missing or out of range",
                row=row + 1,
                field=name,
                value=weather[name].iloc[row],
                expected=f"{low:g} to {high:g}",
            )
    return weather[list(known)].astype(float).tz_convert("UTC")


def _require_right_clock(weather: pd.DataFrame, latitude: float, longitude: float) -> None:
    if not {"diffuse_w_m2", "direct_normal_w_m2"} <= set(weather.columns):
        return
    sunny = weather[weather["direct_normal_w_m2"] > 100.0]
    if len(sunny) < 3:
        return
    step_h = _step_h(weather)
    error = _closure_error(sunny, latitude, longitude, 0.0, step_h)
    shifts = np.delete(np.arange(-12.0, 12.5, 0.5), 24)
    others = [_closure_error(sunny, latitude, longitude, float(shift), step_h) for shift in shifts]
    # Instruments miss each other by some per cent; a wrong clock is one that another clock beats clearly.
    if error > _CLOSURE_SHARE and min(others) < 0.5 * error:
        raise InvalidData(
            "the clock of the weather contradicts the sun",
            field="index",
            value=f"beam and diffuse miss global radiation by {error:.0%}",
            expected=f"at most {_CLOSURE_SHARE:.0%}",
            hint=f"times are the start of each step in UTC; these look {shifts[np.argmin(others)]:+g} h off",
        )


def _moments(
    time: pd.DatetimeIndex, step_h: float, latitude: float, longitude: float, moments: int
) -> tuple[Floats, Floats]:
    ahead = pd.to_timedelta((np.arange(moments) + 0.5) / moments * step_h, unit="h")
    every = pd.DatetimeIndex(
        np.add.outer(time.tz_localize(None).to_numpy(), ahead.to_numpy()).ravel(), tz="UTC"
    )
    azimuth, altitude = sun_position(every, latitude, longitude)
    return azimuth.reshape(-1, moments), altitude.reshape(-1, moments)


def _sunlit_mean(azimuth: Floats, altitude: Floats) -> tuple[Floats, Floats]:
    """Mean direction of the sun over the moments at which it is up; altitude 0 where it never is."""
    up = altitude > _LOWEST_SUN_DEG
    count = np.maximum(up.sum(axis=1), 1)
    radians = np.radians(azimuth)
    mean_azimuth = np.degrees(
        np.arctan2((np.sin(radians) * up).sum(axis=1), (np.cos(radians) * up).sum(axis=1))
    )
    sine = (np.sin(np.radians(altitude)) * up).sum(axis=1) / count
    return np.asarray(mean_azimuth % 360.0), np.asarray(np.degrees(np.arcsin(sine)))


def _beam_and_diffuse(weather: pd.DataFrame, altitude_deg: Floats) -> tuple[Floats, Floats]:
    up = altitude_deg > 0
    level = np.maximum(weather["global_w_m2"].to_numpy(), 0.0)
    sine = np.sin(np.radians(np.maximum(altitude_deg, 1.0)))
    if {"diffuse_w_m2", "direct_normal_w_m2"} <= set(weather.columns):
        beam, diffuse = weather["direct_normal_w_m2"].to_numpy(), weather["diffuse_w_m2"].to_numpy()
    elif "diffuse_w_m2" in weather:
        diffuse = weather["diffuse_w_m2"].to_numpy()
        beam = (level - diffuse) / sine
    else:
        split = pvlib.irradiance.erbs_driesse(
            level, 90.0 - altitude_deg, pd.DatetimeIndex(weather.index).day_of_year.to_numpy()
        )
        beam, diffuse = np.nan_to_num(split["dni"]), np.nan_to_num(split["dhi"])
    return np.where(up, np.maximum(beam, 0.0), 0.0), np.where(up, np.maximum(diffuse, 0.0), 0.0)


def _sky_long(
    weather: pd.DataFrame, vapour: Floats, altitude: Floats, extraterrestrial: Floats, step_h: float
) -> Floats:
    temperature = weather["air_temperature_c"].to_numpy()
    cloud = _cloud_share(weather, altitude, extraterrestrial)
    aloft = _day_long_mean(temperature, step_h)
    clear = clear_sky_emissivity(_day_long_mean(vapour, step_h))
    radiosity = sky_radiosity(aloft, cloudy_sky_emissivity(clear, cloud), cloud)
    if "longwave_down_w_m2" in weather:
        measured = weather["longwave_down_w_m2"].to_numpy()
        radiosity *= (measured / (radiosity @ dome().horizontal))[:, None]
    return radiosity


def _day_long_mean(values: Floats, step_h: float) -> Floats:
    """Running mean over 24 hours; before the first and after the last day those days are repeated."""
    day = min(round(24.0 / step_h), len(values))
    before, after = day // 2, day - day // 2 - 1
    padded = np.concatenate([values[day - before : day], values, values[len(values) - day :][:after]])
    total = np.cumsum(np.concatenate([[0.0], padded]))
    return np.asarray((total[day:] - total[:-day]) / day)


def _cloud_share(weather: pd.DataFrame, altitude_deg: Floats, extraterrestrial: Floats) -> Floats:
    """What global radiation lacks of a clear sky; through the night interpolated; one half if never known."""
    known = altitude_deg > 5.0
    water = pvlib.atmosphere.gueymard94_pw(
        weather["air_temperature_c"].to_numpy(), np.maximum(weather["relative_humidity_pct"].to_numpy(), 1.0)
    )
    clear = pvlib.clearsky.simplified_solis(
        np.maximum(altitude_deg, 5.0),
        aod700=0.1,
        precipitable_water=np.maximum(water, 0.2),
        dni_extra=extraterrestrial,
    )["ghi"]
    share = 1.0 - np.clip(weather["global_w_m2"].to_numpy() / clear, 0.0, 1.0)
    if not known.any():
        return np.full(len(share), 0.5)
    steps = np.arange(len(share))
    return np.asarray(np.interp(steps, steps[known], share[known]))


def vapour_pressure_hpa(air_temperature_c: Floats, relative_humidity_pct: Floats) -> Floats:
    """Vapour pressure of moist air, hPa."""
    return saturation_pressure_hpa(air_temperature_c) * np.minimum(relative_humidity_pct, 100.0) / 100.0


def saturation_pressure_hpa(air_temperature_c: Floats) -> Floats:
    """Saturation vapour pressure, hPa (Allen and others 1998, FAO-56, equation 11)."""
    return np.asarray(6.108 * np.exp(17.27 * air_temperature_c / (air_temperature_c + 237.3)))


__all__ = ["COLUMNS", "Forcing", "black_body", "checked_weather", "clock_offset_h", "forcing", "read_weather"]
