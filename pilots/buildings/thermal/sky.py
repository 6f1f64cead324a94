"""Where the sun stands over a place, and what sun and sky send onto a plane that leans any way.

A whole year in quarter hours has 17,000 steps of day. pvlib says where the sun stands four times a day; what
lies between is the turning of the Earth, and is compiled, as is the light on each wall. Both are held equal
to pvlib's own in the tests: the sun within a thousandth of a degree, the light to nine digits.

Sources: the Astronomical Almanac's formulas through `pvlib.solarposition.ephemeris`, and its refraction;
Kasten and Young (1989) for air mass; Perez, Ineichen, Seals, Michalsky and Stewart (1990), "Modeling daylight
availability and irradiance components from direct and global irradiance", for diffuse light. As in EnergyPlus
air mass is that of the place's pressure.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray
from pvlib import solarposition

from pilots.buildings.thermal.weather import Weather

Floats = NDArray[np.float64]
Rows = NDArray[np.void]
"""A structured array."""

ALBEDO = 0.2

POSITION = np.dtype([("east", "f8"), ("north", "f8"), ("up", "f8")])
"""Towards the sun as it is seen through the air, a vector of length 1."""

_FIXES_A_DAY = 4
"""Times a day at which the almanac is asked: between them straight lines err by 0.0001 degrees."""

_CLEARNESS = (1.065, 1.23, 1.5, 1.95, 2.8, 4.5, 6.2)
"""Upper ends of all but the last bin of the sky's clearness."""

_BRIGHTENING = np.array(
    [
        [-0.008, 0.588, -0.062, -0.060, 0.072, -0.022],
        [0.130, 0.683, -0.151, -0.019, 0.066, -0.029],
        [0.330, 0.487, -0.221, 0.055, -0.064, -0.026],
        [0.568, 0.187, -0.295, 0.109, -0.152, -0.014],
        [0.873, -0.392, -0.362, 0.226, -0.462, 0.001],
        [1.132, -1.237, -0.412, 0.288, -0.823, 0.056],
        [1.060, -1.600, -0.359, 0.264, -1.127, 0.131],
        [0.678, -0.327, -0.250, 0.156, -1.377, 0.251],
    ]
)
"""Perez et al. (1990), table 6: F11, F12, F13, F21, F22, F23 of each bin of clearness."""


def sun_position(weather: Weather, hour: Floats, pressure_pa: float) -> Rows:
    """Where the sun is seen.

    Args:
        weather: Says where and when.
        hour: Hours since its start, shape (times,).
        pressure_pa: Of the air, which bends the light.

    Returns:
        Shape (times,), dtype `POSITION`; below the horizon where `up` is negative.
    """
    fixes = np.arange(0, 24 * _FIXES_A_DAY * (weather.hours // 24 + 2), 24) / _FIXES_A_DAY
    when = pd.DatetimeIndex(weather.start + pd.to_timedelta(fixes, unit="h"))
    seen = solarposition.ephemeris(when, weather.latitude_deg, weather.longitude_deg)
    altitude, azimuth = (np.radians(seen[name].to_numpy()) for name in ("elevation", "azimuth"))
    latitude = np.radians(weather.latitude_deg)
    east, north = np.cos(altitude) * np.sin(azimuth), np.cos(altitude) * np.cos(azimuth)
    declination = np.arcsin(np.sin(latitude) * np.sin(altitude) + np.cos(latitude) * north)
    west_of_noon = np.arctan2(-east, np.cos(latitude) * np.sin(altitude) - np.sin(latitude) * north)
    # The sun runs ahead of the clock, or behind it, by what is left of its angle without the Earth's turn.
    ahead = np.unwrap(west_of_noon - fixes * (np.pi / 12.0))
    angle = np.interp(hour, fixes, ahead) + hour * (np.pi / 12.0)
    out = np.empty(hour.size, dtype=POSITION)
    _look(np.interp(hour, fixes, declination), angle, latitude, pressure_pa / 101325.0, out)
    return out


@njit(cache=True, error_model="numpy")
def _look(declination: Floats, west_of_noon: Floats, latitude: float, pressure: float, out: Rows) -> None:
    """Turn the sun's place among the stars into the place at which it is seen."""
    across, along = math.sin(latitude), math.cos(latitude)
    for t in range(declination.size):
        sin, cos = math.sin(declination[t]), math.cos(declination[t])
        turn = cos * math.cos(west_of_noon[t])
        true = across * sin + along * turn
        altitude = math.degrees(math.asin(min(max(true, -1.0), 1.0)))
        lifted = math.radians(altitude + _refraction(altitude, true) * pressure)
        up = math.sin(lifted)
        # What is lifted comes nearer to the zenith: the horizontal parts shrink together.
        shrink = math.cos(lifted) / max(math.sqrt(1.0 - true * true), 1e-9)
        out[t].east = -cos * math.sin(west_of_noon[t]) * shrink
        out[t].north = (along * sin - across * turn) * shrink
        out[t].up = up


@njit(cache=True, error_model="numpy")
def _refraction(altitude: float, sin: float) -> float:
    """What air of 12 °C at sea level lifts the sun by, degrees; none well below the horizon."""
    if altitude <= -1.0 or altitude > 85.0:
        return 0.0
    slope = sin / math.sqrt(1.0 - sin * sin)
    if altitude > 5.0:
        seconds = 58.1 / slope - 0.07 / slope**3 + 8.6e-05 / slope**5
    elif altitude > -0.575:
        seconds = 1735.0 + altitude * (-518.2 + altitude * (103.4 + altitude * (-12.79 + altitude * 0.711)))
    else:
        seconds = -20.774 / slope
    return seconds * (283.0 / 285.0) / 3600.0


@njit(cache=True, error_model="numpy")
def sky_brightening(
    up: Floats, direct: Floats, diffuse: Floats, extraterrestrial: Floats, pressure: float
) -> Floats:
    """How much brighter the sky is around the sun and at the horizon than on average.

    Args:
        up: Sine of the sun's altitude, above 0.
        direct: Direct normal radiation, W/m2.
        diffuse: Diffuse horizontal radiation, W/m2.
        extraterrestrial: Direct normal radiation outside the atmosphere, W/m2.
        pressure: Of the place over that at sea level.

    Returns:
        F1 and F2 of Perez et al., shape (2, times); 0 where there is no diffuse light.
    """
    out = np.zeros((2, up.size))
    for t in range(up.size):
        if diffuse[t] <= 0.0:
            continue
        zenith = math.acos(min(up[t], 1.0))
        mass = pressure / (up[t] + 0.50572 * (6.07995 + 90.0 - math.degrees(zenith)) ** -1.6364)
        bright = diffuse[t] * mass / extraterrestrial[t]
        low = 1.041 * zenith**3
        clear = ((diffuse[t] + direct[t]) / diffuse[t] + low) / (1.0 + low)
        k = 0
        while k < len(_CLEARNESS) and clear >= _CLEARNESS[k]:
            k += 1
        f = _BRIGHTENING[k]
        out[0, t] = max(f[0] + f[1] * bright + f[2] * zenith, 0.0)
        out[1, t] = f[3] + f[4] * bright + f[5] * zenith
    return out


@njit(cache=True, error_model="numpy")
def on_plane(
    position: Rows, direct: Floats, diffuse: Floats, brightening: Floats, azimuth: float, tilt: float
) -> Floats:
    """Radiation on a plane, W/m2.

    Args:
        position: Where the sun stands, dtype `POSITION`.
        direct: Direct normal radiation, W/m2.
        diffuse: Diffuse horizontal radiation, W/m2.
        brightening: See `sky_brightening`.
        azimuth: Where the plane looks, clockwise from north, rad.
        tilt: How far it leans back from looking up, rad.

    Returns:
        Shape (6, times): beam; diffuse of an even sky, from around the sun, from the horizon; from the
        ground; and the cosine of the beam's incidence.
    """
    lean, level = math.sin(tilt), math.cos(tilt)
    east, north = lean * math.sin(azimuth), lean * math.cos(azimuth)
    least = math.cos(math.radians(85.0))
    out = np.empty((6, position.size))
    for t in range(position.size):
        up = position[t].up
        cos = max(east * position[t].east + north * position[t].north + level * up, 0.0)
        around, edge = brightening[0, t], brightening[1, t]
        dome = diffuse[t] * 0.5 * (1.0 - around) * (1.0 + level)
        sunwards = diffuse[t] * around * cos / max(up, least)
        horizon = diffuse[t] * edge * lean
        # Where the parts come to less than nothing Perez' sky is dark.
        seen = 1.0 if dome + sunwards + horizon > 0.0 else 0.0
        out[0, t] = direct[t] * cos
        out[1, t], out[2, t], out[3, t] = seen * dome, seen * sunwards, seen * horizon
        out[4, t] = (direct[t] * up + diffuse[t]) * ALBEDO * 0.5 * (1.0 - level)
        out[5, t] = cos
    return out
