"""How the ground lies in a demo city: a smooth surface through heights of known places, the sea at 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from geodata.demo.ground import Ground

if TYPE_CHECKING:
    import xarray as xr

COAST_STEP_M = 600.0


def elevation_m(ground: Ground, xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Metres above the sea at points (n, 2)."""
    known = ground.facts.table("terrain")
    coast = _shore_points(ground)
    surface = RBFInterpolator(
        np.vstack([known[["x", "y"]].to_numpy(), coast]) / 1000,
        np.concatenate([known["elevation_m"].to_numpy(float), np.zeros(len(coast))]),
        kernel="linear",
        smoothing=0.02,
    )
    height: NDArray[np.float64] = np.maximum(surface(np.asarray(xy) / 1000), 0.0)
    return height


def _shore_points(ground: Ground) -> NDArray[np.float64]:
    corners = ground.facts.coast
    if len(corners) == 0:
        return corners
    line = shapely.LineString(corners)
    steps = np.arange(0, line.length, COAST_STEP_M)
    return shapely.get_coordinates(shapely.line_interpolate_point(line, steps))


def terrain(ground: Ground) -> xr.Dataset:
    """Elevation on squared paper over the city, 0 at sea; north is first, as in a picture."""
    import xarray as xr

    step = ground.sheet_step_m
    west, south, east, north = ground.facts.outline.bounds
    x = np.arange(np.floor(west / step), np.ceil(east / step)) * step + step / 2
    y = np.arange(np.ceil(north / step) - 1, np.floor(south / step) - 1, -1) * step + step / 2
    columns, rows = np.meshgrid(x, y)
    height = elevation_m(ground, np.column_stack([columns.ravel(), rows.ravel()])).reshape(columns.shape)
    if len(ground.facts.coast):
        sheltered = shapely.contains_xy(shapely.convex_hull(ground.facts.outline), columns, rows)
        height = np.where(sheltered & ~shapely.contains_xy(ground.facts.outline, columns, rows), 0.0, height)
    return xr.Dataset(
        {"elevation_m": (("y", "x"), height.round(1).astype(np.float32), {"units": "m"})},
        coords={"y": ("y", y, {"units": "m"}), "x": ("x", x, {"units": "m"})},
        attrs={"crs": ground.facts.city.crs},
    )
