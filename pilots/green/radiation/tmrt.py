"""Mean radiant temperature of a place, hour by hour: the figure that decides whether a street is bearable.

On a July afternoon the air of a street is the same on both pavements; in the sun a person is exposed to 60 C
all round, under the lime trees to 30 C. This is the one door to the radiation model (see the package's README
for its physics and sources).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from pilots.green.leaf_area import calendar_leaf_share
from pilots.green.radiation.leaves import FULL_LEAF_AREA_INDEX, Foliage
from pilots.green.radiation.model import Day, Place, Radiation, absorbed_w_m2, six_sides_w_m2
from pilots.green.radiation.person import STANDING, Person, radiant_temperature_c
from pilots.green.radiation.site import Site
from pilots.green.radiation.weather import Forcing, forcing

SIDES = ("up", "down", "north", "east", "south", "west")
GROUND_AROUND_M = 45.0
"""How far around a point the ground is modelled."""


Daily = float | pd.Series | None
"""One number for all days, or one by day (index: midnights without zone), or None for a default."""


def mean_radiant_temperature(
    site: Site,
    weather: pd.DataFrame,
    *,
    points: Sequence[tuple[float, float]] | None = None,
    leaf_area_index: Daily = None,
    water_stress: Daily = None,
    before_c: float | None = None,
    person: Person = STANDING,
    moments: int | None = None,
) -> xr.Dataset:
    """Mean radiant temperature at points or over a whole site.

    Args:
        site: Rasters of the place (`site.site`, `site.read_site`).
        weather: Hourly (or finer) weather with an aware time index, as `weather.forcing` wants it. Whole
            days: the first day is also used to find how warm walls and ground were before.
        points: Map coordinates (x, y) in metres. With points, all radiation on the six sides is returned for
            each; without, maps of the whole site.
        leaf_area_index: Of deciduous crowns, m2 of leaf per m2 of crown projection, by day; None takes a
            dense city crown (6 in full leaf) through the calendar of `leaf_area.calendar_leaf_share`.
        water_stress: FAO-56 stress coefficient of lawns and leaves by day, 0 dry to 1; None is 1.
        before_c: Mean air temperature of the weeks before the first day; None estimates it.
        person: Posture and absorption.
        moments: Positions of the sun per step for shadows; None is 12 at points and 4 on maps.

    Returns:
        With points: ``mean_radiant_temperature`` (time, point), ``shortwave`` and ``longwave`` (time, point,
        side; W/m2), ``sunlit`` (share of the beam) and ``ground_temperature``. Without:
        ``mean_radiant_temperature``, ``shortwave_down``, ``longwave_down``, ``sunlit`` and
        ``ground_temperature`` (time, y, x), missing on buildings. ``time`` is the start of each step, UTC.

    Raises:
        InvalidData: Weather or rasters cannot be used.
        InvalidInput: A point lies outside or on a building, or a day has no leaf area or stress.
    """
    leaves = _Leaves(leaf_area_index, water_stress, southern=site.latitude < 0)
    if points is None:
        place = Place.of(site, person, np.ones(site.shape, bool))
        days = [_as_maps(place, day) for day in _days(place, weather, leaves, before_c, moments or 4)]
    else:
        place, cells = _around(site, points, person)
        run = _days(place, weather, leaves, before_c, moments or 12)
        days = [_at_points(place, day, cells, points) for day in run]
    return xr.concat(
        days, dim="time", data_vars="minimal", coords="minimal", compat="override", join="override"
    )


def daily_maps(
    site: Site,
    weather: pd.DataFrame,
    *,
    leaf_area_index: Daily = None,
    water_stress: Daily = None,
    before_c: float | None = None,
    person: Person = STANDING,
    moments: int = 4,
) -> Iterator[xr.Dataset]:
    """The maps of `mean_radiant_temperature` one day at a time, so that a year never has to fit in memory."""
    place = Place.of(site, person, np.ones(site.shape, bool))
    leaves = _Leaves(leaf_area_index, water_stress, southern=site.latitude < 0)
    for day in _days(place, weather, leaves, before_c, moments):
        yield _as_maps(place, day)


@dataclass(frozen=True)
class _Leaves:
    leaf_area_index: Daily
    water_stress: Daily
    southern: bool

    def on(self, time: pd.Timestamp) -> Foliage:
        share = float(calendar_leaf_share(time.day_of_year, southern=self.southern))
        return Foliage(
            leaf_area_index=_of_day(
                "leaf_area_index", self.leaf_area_index, time, FULL_LEAF_AREA_INDEX * share
            ),
            water_stress=_of_day("water_stress", self.water_stress, time, 1.0),
        )


def _of_day(field: str, given: Daily, time: pd.Timestamp, default: float) -> float:
    if isinstance(given, pd.Series):
        day = time.tz_localize(None).normalize()
        if day not in given.index:
            raise InvalidInput("no value for a day", field=field, value=str(day.date()))
        return float(given[day])
    return default if given is None else float(given)


def _days(
    place: Place, weather: pd.DataFrame, leaves: _Leaves, before_c: float | None, moments: int
) -> Iterator[Day]:
    drive = forcing(weather, place.site.latitude, place.site.longitude, moments=moments)
    per_day = max(round(24.0 / drive.step_h), 1)
    first = drive.part(slice(0, per_day))
    radiation = Radiation(place, _weeks_before_c(first) if before_c is None else before_c)
    for start in range(0, len(drive), per_day):
        part = drive.part(slice(start, start + per_day))
        yield radiation.day(part, leaves.on(part.time[len(part) // 2]))


def _weeks_before_c(day: Forcing) -> float:
    """Mean air temperature of the weeks before a day, as far as the day itself tells.

    Summer days with wide swings are clear and warmer than what went before: in Helsinki (hourly observations,
    June to August 2016-2020) the mean of the 30 days before lies 0.45 K lower per kelvin of daily range above
    5.3 K.
    """
    mean = float(day.air_temperature_c.mean())
    swing = float(np.ptp(day.air_temperature_c))
    return mean - 0.45 * max(swing - 5.3, 0.0) if mean >= 15.0 else mean


def _around(
    site: Site, points: Sequence[tuple[float, float]], person: Person
) -> tuple[Place, NDArray[np.int32]]:
    cells = np.array([site.cell_of(x, y) for x, y in points], dtype=np.int32)
    rows, columns = np.indices(site.shape)
    near = np.zeros(site.shape, bool)
    for row, column in cells:
        near |= np.hypot(rows - row, columns - column) * site.cell_size_m <= GROUND_AROUND_M
    place = Place.of(site, person, near)
    return place, place.number[cells[:, 0], cells[:, 1]]


def _at_points(
    place: Place, day: Day, cells: NDArray[np.int32], points: Sequence[tuple[float, float]]
) -> xr.Dataset:
    short, long = six_sides_w_m2(place, day, cells)
    person = place.person
    weight = np.array([person.upward] * 2 + [person.sideward] * 4)
    absorbed = np.einsum(
        "i,pit->tp", weight, person.short_absorptance * short + person.long_absorptance * long
    )
    return xr.Dataset(
        {
            "mean_radiant_temperature": (
                ("time", "point"),
                radiant_temperature_c(absorbed, person),
                {"units": "degC"},
            ),
            "shortwave": (("time", "point", "side"), short.transpose(2, 0, 1), {"units": "W m-2"}),
            "longwave": (("time", "point", "side"), long.transpose(2, 0, 1), {"units": "W m-2"}),
            "sunlit": (("time", "point"), day.beam_share[cells].T, {"units": "1"}),
            "ground_temperature": (("time", "point"), day.ground_temperature_c[cells].T, {"units": "degC"}),
        },
        coords={
            "time": day.forcing.time.tz_localize(None),
            "side": list(SIDES),
            "x": ("point", [x for x, _ in points]),
            "y": ("point", [y for _, y in points]),
        },
    )


def _as_maps(place: Place, day: Day) -> xr.Dataset:
    absorbed = absorbed_w_m2(place, day)
    fields = {
        "mean_radiant_temperature": (radiant_temperature_c(absorbed, place.person), "degC"),
        "shortwave_down": (day.short_down_w_m2, "W m-2"),
        "longwave_down": (day.long_down_w_m2, "W m-2"),
        "sunlit": (day.beam_share, "1"),
        "ground_temperature": (day.ground_temperature_c, "degC"),
    }
    return xr.Dataset(
        {
            name: (("time", "y", "x"), _spread(place, values), {"units": unit})
            for name, (values, unit) in fields.items()
        },
        coords={"time": day.forcing.time.tz_localize(None), "y": place.site.y_m, "x": place.site.x_m},
    )


def _spread(place: Place, values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Put values of the cells (cells x steps) back on the map (steps x rows x columns)."""
    maps = np.full((values.shape[1], *place.site.shape), np.nan, np.float32)
    maps[:, place.cells.row, place.cells.column] = values.T
    return maps
