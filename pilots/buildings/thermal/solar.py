"""The sun on walls and windows: where it stands, what it sends, and what a shade takes away.

At noon in June the sun over Tallinn stands 54 degrees high, and a one-metre overhang shades a south window
almost whole; in December it stands 7 degrees high and shines right under it.

Source: the geometry of shadows on a vertical plane as in ASHRAE Handbook of Fundamentals (2017), chapter 15.
Where the sun stands and what the sky sends is in `sky`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray
from pvlib import irradiance

from pilots.buildings.thermal.envelope import Fin, Overhang, Window
from pilots.buildings.thermal.sky import on_plane, sky_brightening, sun_position
from pilots.buildings.thermal.weather import Weather

Floats = NDArray[np.float64]
Rows = NDArray[np.void]
"""A structured array."""

AIR = np.dtype(
    [
        ("temperature", "f8"),
        ("sky", "f8"),
        ("windward", "f8"),  # convection that the hour's wind forces on a smooth face, W/(m2 K)
        ("leeward", "f8"),
        ("direction", "f8"),
        ("heat_capacity", "f8"),  # of a cubic metre, J/(m3 K)
    ]
)
"""Weather at the end of a step; a row of `Sun.air`."""

_SAMPLES = 24
"""Points per side of a window at which shadows are looked for."""


@dataclass(frozen=True, eq=False)
class Incident:
    """Radiation on one orientation, W/m2, and the cosine of the beam's incidence, per step of day."""

    beam: Floats
    dome: Floats
    """Diffuse light of an even sky."""
    circumsolar: Floats
    """Diffuse light from around the sun."""
    horizon: Floats
    """What the horizon sends more, or less, than an even sky."""
    ground: Floats
    cos_incidence: Floats

    @cached_property
    def total(self) -> Floats:
        """All of it."""
        return _sum(self.beam, self.dome, self.circumsolar, self.horizon, self.ground)


@njit(cache=True, error_model="numpy")
def _sum(beam: Floats, dome: Floats, circumsolar: Floats, horizon: Floats, ground: Floats) -> Floats:
    """All light on a plane, never less than none."""
    out = np.empty_like(beam)
    for t in range(beam.size):
        out[t] = max(beam[t] + dome[t] + circumsolar[t] + horizon[t] + ground[t], 0.0)
    return out


class Sun:
    """Sun and air over one place for one run, at one instant of each step; the sun by day only.

    Radiation between the middles of two hours is interpolated, as EnergyPlus does.

    Args:
        weather: Hourly weather.
        steps_per_hour: Steps of the run in an hour.
        instant: Where in a step the sun is looked at: at its end (1) for models that balance heat there, in
            its middle (0.5) for models of hourly means.

    Attributes:
        daylight: Steps in which there is light, shape (day steps,); all arrays about the sun are as long.
        rows: For every step its row in a table of day steps whose first row is night, shape (steps,).
        position: Where the sun is seen, shape (day steps,), dtype `POSITION`.
    """

    def __init__(self, weather: Weather, steps_per_hour: int, instant: float = 1.0) -> None:
        self.weather = weather
        self.steps_per_hour = steps_per_hour
        self.pressure_pa = float(weather.pressure_pa.mean())
        self._orientations: dict[tuple[float, float], Incident] = {}
        self._totals: dict[tuple[float, float], Floats] = {}
        hour = (np.arange(weather.hours * steps_per_hour) + instant) / steps_per_hour
        middles = np.arange(weather.hours) + 0.5
        direct = np.interp(hour, middles, weather.direct_normal_w_m2)
        diffuse = np.interp(hour, middles, weather.diffuse_horizontal_w_m2)
        # In a polar night one dark step stays, so that there is a sun to ask.
        light = direct + diffuse > 0
        lit = np.flatnonzero(light) if light.any() else np.zeros(1, dtype=np.int64)
        position = sun_position(weather, hour[lit], self.pressure_pa)
        up = position["up"] > 0.0
        self.daylight, self.position = lit[up], position[up]
        self.rows = np.zeros(hour.size, dtype=np.int64)
        self.rows[self.daylight] = np.arange(1, self.daylight.size + 1)
        self.direct, self.diffuse = direct[self.daylight], diffuse[self.daylight]

    @cached_property
    def air(self) -> Rows:
        """The weather besides the sun, interpolated to the end of each step; the wind once an hour."""
        weather, n = self.weather, self.steps_per_hour
        ends = np.arange(1, weather.hours * n + 1) / n

        def at_ends(values: Floats, when: Floats = ends) -> Floats:
            return np.asarray(
                np.interp(when, np.arange(weather.hours + 1), np.concatenate((values[-1:], values)))
            )

        # Films follow the wind at the end of each hour's first step.
        wind = at_ends(weather.wind_speed_m_s, ends[::n])
        rows = np.empty(ends.size, dtype=AIR)
        rows["temperature"], rows["sky"] = (
            at_ends(weather.air_temperature_c),
            at_ends(weather.sky_temperature_c),
        )
        rows["windward"], rows["leeward"] = (
            np.repeat(3.26 * wind**0.89, n),
            np.repeat(3.55 * wind**0.617, n),
        )
        rows["direction"] = np.repeat(weather.wind_direction_deg, n)
        rows["heat_capacity"] = np.repeat(
            weather.air_density_kg_m3 * (1006.0 + 1860.0 * weather.humidity_ratio), n
        )
        return rows

    @cached_property
    def hour(self) -> NDArray[np.int64]:
        """Hour of the run that each step of day lies in."""
        return np.asarray(self.daylight // self.steps_per_hour)

    def slopes(self, azimuth_deg: float) -> tuple[Floats, Floats]:
        """How a beam falls on a vertical plane: to the right (seen from outside) and down per metre in.

        Both are infinite where the sun is behind the plane.
        """
        facing = np.radians(azimuth_deg)
        east, north = self.position["east"], self.position["north"]
        inwards = east * np.sin(facing) + north * np.cos(facing)
        inwards = np.where(inwards > 1e-6, inwards, np.nan)
        right = (east * np.cos(facing) - north * np.sin(facing)) / inwards
        return np.nan_to_num(right, nan=np.inf), np.nan_to_num(self.position["up"] / inwards, nan=np.inf)

    def on(self, azimuth_deg: float, tilt_deg: float) -> Incident:
        """Radiation on a surface; computed once for each orientation."""
        key = _leaning(azimuth_deg, tilt_deg)
        if key not in self._orientations:
            self._orientations[key] = self._on(key)
        return self._orientations[key]

    def total_on(self, azimuth_deg: float, tilt_deg: float) -> Floats:
        """All radiation on a surface, W/m2; its parts are not kept."""
        key = _leaning(azimuth_deg, tilt_deg)
        if key not in self._totals:
            self._totals[key] = (self._orientations.get(key) or self._on(key)).total
        return self._totals[key]

    def _on(self, leaning: tuple[float, float]) -> Incident:
        return Incident(
            *on_plane(self.position, self.direct, self.diffuse, self._bright, *np.radians(leaning))
        )

    @cached_property
    def _bright(self) -> Floats:
        days = self.weather.start + pd.to_timedelta(np.arange(self.weather.hours // 24 + 1), unit="D")
        extra = np.asarray(irradiance.get_extra_radiation(days.day_of_year.to_numpy(np.float64)))
        return sky_brightening(
            self.position["up"],
            self.direct,
            self.diffuse,
            extra[self.hour // 24],
            self.pressure_pa / 101325.0,
        )


def _leaning(azimuth_deg: float, tilt_deg: float) -> tuple[float, float]:
    return round(azimuth_deg % 360.0, 6), round(tilt_deg, 6)


def sunlit_share(window: Window, azimuth_deg: float, sun: Sun) -> Floats:
    """Share of a vertical window's glass that its shades leave in the sun, one per step of day."""
    if not window.shades:
        return np.ones(sun.daylight.size)
    right, down = sun.slopes(azimuth_deg)
    return np.asarray(_sunlit(right, down, window.width_m, window.height_m, _shades(window)))


def sky_shares(window: Window) -> tuple[float, float]:
    """Shares of the light of an even sky, and of its horizon, that a window's shades let through."""
    if not window.shades:
        return 1.0, 1.0
    altitude, away = (
        np.radians(grid.ravel())
        for grid in np.meshgrid(np.arange(0.0, 90, 5) + 2.5, np.arange(-90.0, 90, 5) + 2.5)
    )
    right, down = np.tan(away), np.tan(altitude) / np.cos(away)
    lit = _sunlit(right, down, window.width_m, window.height_m, _shades(window))
    # Light of a patch of sky on the wall: its solid angle times the cosine of incidence.
    weight = np.cos(altitude) ** 2 * np.cos(away)
    horizon = weight * (altitude < np.radians(5.0))
    return float((weight * lit).sum() / weight.sum()), float((horizon * lit).sum() / horizon.sum())


def _shades(window: Window) -> Floats:
    """Shades as rows of (kind, position, start, end, depth) in the window's plane, origin at its upper left.

    Kind 0 is an overhang at height `position` above the top between `start` and `end` rightwards; kind 1 a
    fin at `position` rightwards between `start` and `end` downwards. Left and right are seen from outside.
    """
    rows = []
    for shade in window.shades:
        match shade:
            case Overhang():
                rows.append(
                    (
                        0.0,
                        -shade.gap_m,
                        -shade.extension_left_m,
                        window.width_m + shade.extension_right_m,
                        shade.depth_m,
                    )
                )
            case Fin():
                x = -shade.gap_m if shade.side == "left" else window.width_m + shade.gap_m
                rows.append((1.0, x, -shade.above_m, window.height_m + shade.below_m, shade.depth_m))
    return np.array(rows)


@njit(cache=True, error_model="numpy")
def _sunlit(right: Floats, down: Floats, width: float, height: float, shades: Floats) -> Floats:
    """Share of a grid of points on the glass from which no shade hides the sun; none where it is behind."""
    share = np.zeros(right.size)
    for t in range(right.size):
        if down[t] == np.inf:
            continue
        lit = 0
        for i in range(_SAMPLES):
            x = (i + 0.5) / _SAMPLES * width
            for j in range(_SAMPLES):
                if not _hidden(x, (j + 0.5) / _SAMPLES * height, right[t], down[t], shades):
                    lit += 1
        share[t] = lit / _SAMPLES**2
    return share


@njit(cache=True, error_model="numpy")
def _hidden(x: float, y: float, right: float, down: float, shades: Floats) -> bool:
    """Whether the ray from a point (x rightwards, y downwards) to the sun meets a shade."""
    for k in range(shades.shape[0]):
        position, start, end, depth = shades[k, 1], shades[k, 2], shades[k, 3], shades[k, 4]
        if shades[k, 0] == 0.0:
            out = (y - position) / down if down > 0.0 else np.inf
            along = x - right * out
        else:
            out = (x - position) / right if right != 0.0 else -1.0
            along = y - down * out
        if 0.0 <= out <= depth and start <= along <= end:
            return True
    return False
