"""Shade and heat in named places: school yards on a hot day, with and without their trees.

A window of a hundred and sixty metres is cut out around each place, its houses and crowns are drawn on a
raster, and the sun and radiation model runs a hot summer day and looks at a winter noon.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from numpy.typing import NDArray

from pilots.green.city.climate import TypicalYear
from pilots.green.city.light import CrownBodies
from pilots.green.leaf_area import leaf_share
from pilots.green.radiation import mean_radiant_temperature
from pilots.green.radiation.leaves import FULL_LEAF_AREA_INDEX
from pilots.green.radiation.site import Site, site
from pilots.green.services.comfort import universal_thermal_climate_index, windy_enough

Floats = NDArray[np.float64]

CELL_M = 2.0
CELLS = 80
YARD_M = 30.0
"""Radius of the yard around the place within the window."""

STOREY_M = 3.2
UNKNOWN_BUILDING_M = 9.0
STRONG_HEAT_STRESS_C = 32.0
GRASS, PAVED, BUILDING = 5, 1, 2


@dataclass(frozen=True)
class Place:
    """A named place and its houses.

    Attributes:
        name: What it is called.
        x_m: Where it is.
        y_m: Likewise.
        latitude: Degrees north.
        longitude: Degrees east.
        buildings: Houses around it, with ``height_m`` filled in.
        green: Green areas around it.
        ground_m: Height of the ground over its lowest point, see `ground_around`.
    """

    name: str
    x_m: float
    y_m: float
    latitude: float
    longitude: float
    buildings: gpd.GeoDataFrame | None
    green: gpd.GeoDataFrame | None
    ground_m: Floats


@dataclass(frozen=True)
class YardClimate:
    """What a place is like.

    Attributes:
        name: Of the place.
        summer_shade: Share of the yard in shade from 10 to 16 h on the hot day.
        winter_shade: The same on a winter day.
        radiant_c: Mean radiant temperature there and then.
        radiant_p95_c: 95th percentile of it over the yard.
        cooler_k: How much the trees take off the mean radiant temperature.
        stress_h: Hours of the hot day with strong heat stress (UTCI above 32), mean over the yard.
        summer_shade_by_hour: Share of the yard in shade by hour of the hot day, UTC; NaN in the dark (24).
        winter_shade_by_hour: The same on the winter day.
    """

    name: str
    summer_shade: float
    winter_shade: float
    radiant_c: float
    radiant_p95_c: float
    cooler_k: float
    stress_h: float
    summer_shade_by_hour: Floats
    winter_shade_by_hour: Floats


def yard_climate(
    place: Place, crowns: CrownBodies, typical: TypicalYear, leaf_on: float, leaf_off: float, stress: float
) -> YardClimate:
    """Run the hot day and the winter day of a place."""
    with_trees, without = _window(place, crowns), _window(place, None)
    hot, cold = _day(typical, hot=True), _day(typical, hot=False)
    leaves = {name: _leaf_area(day, leaf_on, leaf_off) for name, day in (("hot", hot), ("cold", cold))}
    inside = _yard(with_trees)
    runs = {
        "hot": mean_radiant_temperature(
            with_trees, hot, leaf_area_index=leaves["hot"], water_stress=stress, moments=2
        ),
        "bare": mean_radiant_temperature(without, hot, water_stress=stress, moments=2),
        "cold": mean_radiant_temperature(with_trees, cold, leaf_area_index=leaves["cold"], moments=2),
    }
    midday = _midday(hot, place.longitude)
    radiant = runs["hot"]["mean_radiant_temperature"].to_numpy()[midday][:, inside]
    bare = runs["bare"]["mean_radiant_temperature"].to_numpy()[midday][:, inside]
    utci = universal_thermal_climate_index(
        hot["air_temperature_c"].to_numpy()[:, None],
        runs["hot"]["mean_radiant_temperature"].to_numpy()[:, inside],
        hot["relative_humidity_pct"].to_numpy()[:, None],
        windy_enough(hot["wind_speed_m_s"].to_numpy() if "wind_speed_m_s" in hot else 2.0).reshape(-1, 1),
    )
    return YardClimate(
        name=place.name,
        summer_shade=float(1.0 - runs["hot"]["sunlit"].to_numpy()[midday][:, inside].mean()),
        winter_shade=float(
            1.0 - runs["cold"]["sunlit"].to_numpy()[_midday(cold, place.longitude)][:, inside].mean()
        ),
        radiant_c=float(radiant.mean()),
        radiant_p95_c=float(np.percentile(radiant, 95.0)),
        cooler_k=float((bare - radiant).mean()),
        stress_h=float((utci > STRONG_HEAT_STRESS_C).sum(axis=0).mean()),
        summer_shade_by_hour=_by_hour(runs["hot"]["sunlit"].to_numpy()[:, inside], hot),
        winter_shade_by_hour=_by_hour(runs["cold"]["sunlit"].to_numpy()[:, inside], cold),
    )


def _by_hour(sunlit: Floats, day: pd.DataFrame) -> Floats:
    light = day["global_w_m2"].to_numpy() > 0
    shade = np.full(24, np.nan)
    shade[pd.DatetimeIndex(day.index).hour.to_numpy()[light]] = 1.0 - sunlit[light].mean(axis=1)
    return shade


def _window(place: Place, crowns: CrownBodies | None) -> Site:
    grid_x, grid_y = _grid(place.x_m, place.y_m)
    surface = np.zeros((CELLS, CELLS))
    if place.buildings is not None:
        for geometry, height in zip(place.buildings.geometry, place.buildings["height_m"], strict=True):
            surface[shapely.contains_xy(geometry, grid_x, grid_y)] = height
    cover = np.full((CELLS, CELLS), PAVED)
    if place.green is not None:
        for geometry in place.green.geometry:
            cover[shapely.contains_xy(geometry, grid_x, grid_y)] = GRASS
    cover[surface > 2.0] = BUILDING
    crown, base = _crowns(grid_x, grid_y, crowns) if crowns is not None else (None, None)
    return site(
        surface_m=(place.ground_m + surface).astype(np.float32), ground_m=place.ground_m.astype(np.float32),
        cell_size_m=CELL_M, latitude=place.latitude, longitude=place.longitude, crown_m=crown,
        crown_base_m=base, land_cover=cover, west_m=float(grid_x[0, 0]) - CELL_M / 2.0,
        north_m=float(grid_y[0, 0]) + CELL_M / 2.0,
    )  # fmt: skip


def _grid(x_m: float, y_m: float) -> tuple[Floats, Floats]:
    """Middles of the cells of the window around a place."""
    away = (np.arange(CELLS) + 0.5 - CELLS / 2.0) * CELL_M
    east, north = np.meshgrid(x_m + away, y_m - away)
    return east, north


def ground_around(terrain: xr.DataArray | None, x_m: float, y_m: float) -> Floats:
    """Height of the ground in the window around a place over its lowest point, m (cells x cells).

    Level, all zeros, where no terrain is known over the whole window.

    Args:
        terrain: Elevation over ``y`` and ``x``, m.
        x_m: Where the place is.
        y_m: Likewise.
    """
    level = np.zeros((CELLS, CELLS))
    if terrain is None or min(terrain.shape) < 2:
        return level
    x, y = _grid(x_m, y_m)
    height = terrain.interp(x=x[0], y=y[:, 0], method="linear").to_numpy()
    return np.asarray(height - height.min()) if np.isfinite(height).all() else level


def _crowns(grid_x: Floats, grid_y: Floats, crowns: CrownBodies) -> tuple[Floats, Floats]:
    """Tops and undersides of crowns over a raster; where they meet, the highest top and lowest underside."""
    top, base = np.zeros_like(grid_x), np.full_like(grid_x, np.inf)
    west, north = grid_x[0, 0], grid_y[0, 0]
    near = (np.abs(crowns.x_m - grid_x.mean()) < 90.0) & (np.abs(crowns.y_m - grid_y.mean()) < 90.0)
    for t in np.flatnonzero(near):
        radius = crowns.diameter_m[t] / 2.0
        row, column = (north - crowns.y_m[t]) / CELL_M, (crowns.x_m[t] - west) / CELL_M
        reach = int(np.ceil(radius / CELL_M)) + 1
        rows = slice(max(int(row) - reach, 0), max(int(row) + reach + 2, 0))
        columns = slice(max(int(column) - reach, 0), max(int(column) + reach + 2, 0))
        square = (
            (grid_x[rows, columns] - crowns.x_m[t]) ** 2 + (grid_y[rows, columns] - crowns.y_m[t]) ** 2
        ) / radius**2
        half = crowns.crown_height_m[t] / 2.0 * np.sqrt(np.maximum(1.0 - square, 0.0))
        middle = crowns.top_m[t] - crowns.crown_height_m[t] / 2.0
        under = square < 1.0
        top[rows, columns] = np.where(
            under, np.maximum(top[rows, columns], middle + half), top[rows, columns]
        )
        base[rows, columns] = np.where(
            under, np.minimum(base[rows, columns], middle - half), base[rows, columns]
        )
    return top, np.where(np.isfinite(base), np.clip(base, 0.0, top), 0.0)


def _day(typical: TypicalYear, *, hot: bool) -> pd.DataFrame:
    """The hours of a hot and sunny day, or of a sunny day in December to February."""
    hours = typical.hours.drop(columns="precipitation_mm")
    date = pd.DatetimeIndex(hours.index).floor("D")
    by_day = hours.groupby(date).agg({"air_temperature_c": ["mean", "size"], "global_w_m2": "sum"})
    whole = by_day[by_day["air_temperature_c", "size"] == 24]
    month = pd.DatetimeIndex(whole.index).month
    if hot:
        sunny = whole[whole["global_w_m2", "sum"] >= whole["global_w_m2", "sum"].quantile(0.85)]
        best = sunny["air_temperature_c", "mean"].idxmax()
    else:
        winter = whole[np.isin(month, [12, 1, 2])]
        best = winter["global_w_m2", "sum"].idxmax()
    return hours[date == best]


def _leaf_area(day: pd.DataFrame, leaf_on: float, leaf_off: float) -> float:
    middle = pd.DatetimeIndex(day.index)[12].day_of_year
    return float(FULL_LEAF_AREA_INDEX * leaf_share(middle, leaf_on, leaf_off))


def _midday(day: pd.DataFrame, longitude: float) -> NDArray[np.intp]:
    """Steps from 10 to 16 h of the sun's own time that have light."""
    hour = pd.DatetimeIndex(day.index).hour.to_numpy() + longitude / 15.0
    return np.flatnonzero((hour >= 9.99) & (hour < 15.99) & (day["global_w_m2"].to_numpy() > 0))


def _yard(window: Site) -> NDArray[np.bool_]:
    rows, columns = np.indices(window.shape)
    middle = (CELLS - 1) / 2.0
    near = np.hypot(rows - middle, columns - middle) * CELL_M <= YARD_M
    open_yard = near & window.open_ground
    return open_yard if open_yard.any() else window.open_ground
