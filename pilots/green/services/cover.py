"""Crowns seen from above, and trees seen from home: canopy cover and the rule of 3-30-300.

Crowns of a row overlap, so their areas must not be added but joined. Cover depends on which trees count
(here: those higher than a stated cut) and on the land it is divided by; both are part of the figure.

The rule (Konijnendijk 2023, J. For. Res. 34:821-830): from every home three trees are seen, the neighbourhood
is 30 % canopy, and half a hectare of green lies within 300 m on foot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]

HEIGHT_CUT_M = 2.0


def crown_polygons(x_m: ArrayLike, y_m: ArrayLike, crown_diameter_m: ArrayLike) -> NDArray[np.object_]:
    """Crown projections as polygons of 32 sides with the area of the circle."""
    radius = np.asarray(crown_diameter_m, dtype=np.float64) / 2.0
    sides = 32
    # A regular polygon inside the circle is smaller than it; scale the radius so that areas agree.
    radius = radius * np.sqrt(np.pi / (0.5 * sides * np.sin(2 * np.pi / sides)))
    points = shapely.points(np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64))
    return np.asarray(shapely.buffer(points, radius, quad_segs=sides // 4), dtype=object)


def canopy_area_m2(
    x_m: ArrayLike,
    y_m: ArrayLike,
    crown_diameter_m: ArrayLike,
    height_m: ArrayLike,
    *,
    land: shapely.Geometry | None = None,
    height_cut_m: float = HEIGHT_CUT_M,
) -> float:
    """Area of the union of crown projections of trees above the height cut.

    Args:
        x_m: Map coordinates of the trees, m.
        y_m: Likewise.
        crown_diameter_m: Crown diameters.
        height_m: Heights.
        land: Only canopy over this land counts; everything if left out.
        height_cut_m: Trees up to this height do not count.
    """
    counts = np.asarray(height_m, dtype=np.float64) > height_cut_m
    crowns = crown_polygons(*(np.asarray(a, dtype=np.float64)[counts] for a in (x_m, y_m, crown_diameter_m)))
    union = shapely.union_all(crowns)
    return float(shapely.area(union if land is None else shapely.intersection(union, land)))


@dataclass(frozen=True)
class CoverGrid:
    """A raster of canopy for many sums: share of each cell under crowns.

    Attributes:
        share: Rows x columns, rows run south.
        west_m: Western edge.
        north_m: Northern edge.
        cell_size_m: Side of a cell.
    """

    share: NDArray[np.float32]
    west_m: float
    north_m: float
    cell_size_m: float


def cover_grid(
    x_m: ArrayLike,
    y_m: ArrayLike,
    crown_diameter_m: ArrayLike,
    height_m: ArrayLike,
    *,
    west_m: float,
    north_m: float,
    shape: tuple[int, int],
    cell_size_m: float = 1.0,
    height_cut_m: float = HEIGHT_CUT_M,
) -> CoverGrid:
    """Draw crowns onto a raster: a cell is covered if its middle lies under a crown.

    Linear in trees and crown area; a city of 200,000 trees takes a second.
    """
    counts = np.asarray(height_m, dtype=np.float64) > height_cut_m
    x, y, diameter = (np.asarray(a, dtype=np.float64)[counts] for a in (x_m, y_m, crown_diameter_m))
    share = np.zeros(shape, np.float32)
    _draw((x - west_m) / cell_size_m, (north_m - y) / cell_size_m, diameter / 2.0 / cell_size_m, share)
    return CoverGrid(share, west_m, north_m, cell_size_m)


@numba.njit(cache=True)
def _draw(
    column: NDArray[np.float64],
    row: NDArray[np.float64],
    radius: NDArray[np.float64],
    share: NDArray[np.float32],
) -> None:
    rows, columns = share.shape
    for i in range(len(column)):
        square = radius[i] ** 2
        for r in range(max(int(row[i] - radius[i]), 0), min(int(row[i] + radius[i]) + 1, rows)):
            for c in range(max(int(column[i] - radius[i]), 0), min(int(column[i] + radius[i]) + 1, columns)):
                if (r + 0.5 - row[i]) ** 2 + (c + 0.5 - column[i]) ** 2 <= square:
                    share[r, c] = 1.0


def trees_in_view(
    home_x_m: ArrayLike,
    home_y_m: ArrayLike,
    tree_x_m: ArrayLike,
    tree_y_m: ArrayLike,
    buildings: ArrayLike,
    *,
    home_of_building: ArrayLike | None = None,
    distance_m: float = 25.0,
    enough: int = 3,
) -> NDArray[np.int64]:
    """Number of trees seen from each home, counted up to ``enough``.

    A tree is seen if it stands within the distance and no building, other than the home's own, crosses the
    straight line to it. Observer settings move the result much (Land 2025, 14:358): state the distance.

    Args:
        home_x_m: Map coordinates of the homes.
        home_y_m: Likewise.
        tree_x_m: Of the trees.
        tree_y_m: Likewise.
        buildings: Footprints (shapely polygons).
        home_of_building: For each home the index of its own building; found from its position if left out.
        distance_m: How far a tree counts as seen.
        enough: Where counting stops.
    """
    homes = np.column_stack([np.asarray(home_x_m, dtype=float), np.asarray(home_y_m, dtype=float)])
    trees = np.column_stack([np.asarray(tree_x_m, dtype=float), np.asarray(tree_y_m, dtype=float)])
    footprints = np.asarray(buildings, dtype=object)
    own = _own_buildings(homes, footprints) if home_of_building is None else np.asarray(home_of_building)
    near = (
        cKDTree(trees).query_ball_point(homes, distance_m, return_sorted=True)
        if len(trees)
        else [[]] * len(homes)
    )
    pair_home = np.repeat(np.arange(len(homes)), [len(found) for found in near])
    pair_tree = (
        np.concatenate([np.asarray(found, dtype=np.int64) for found in near])
        if len(pair_home)
        else np.empty(0, np.int64)
    )
    hidden = _hidden(homes[pair_home], trees[pair_tree], footprints, own[pair_home])
    seen = np.bincount(pair_home[~hidden], minlength=len(homes))
    return np.minimum(seen, enough)


def _own_buildings(homes: Floats, footprints: NDArray[np.object_]) -> NDArray[np.int64]:
    own = np.full(len(homes), -1, np.int64)
    if len(footprints):
        home, building = shapely.STRtree(footprints).query(shapely.points(homes), predicate="intersects")
        own[home] = building
    return own


def _hidden(
    start: Floats, end: Floats, footprints: NDArray[np.object_], own: NDArray[np.int64]
) -> NDArray[np.bool_]:
    hidden = np.zeros(len(start), bool)
    if len(footprints) and len(start):
        lines = shapely.linestrings(np.stack([start, end], axis=1))
        line, building = shapely.STRtree(footprints).query(lines, predicate="intersects")
        hidden[line[building != own[line]]] = True
    return hidden


@dataclass(frozen=True)
class ThreeThirty:
    """The three parts of the rule for each home, and the shares of homes that meet them."""

    sees_trees: NDArray[np.bool_]
    has_canopy: NDArray[np.bool_]
    has_green: NDArray[np.bool_]

    @property
    def shares(self) -> dict[str, float]:
        """Share of homes that meet each part and all of them."""
        everything = self.sees_trees & self.has_canopy & self.has_green
        parts = {
            "sees_3_trees": self.sees_trees,
            "30_pct_canopy": self.has_canopy,
            "300_m_to_green": self.has_green,
        }
        return {
            name: float(part.mean()) if len(part) else 0.0
            for name, part in {**parts, "all": everything}.items()
        }


def canopy_around(
    grid: CoverGrid,
    x_m: ArrayLike,
    y_m: ArrayLike,
    *,
    radius_m: float = 250.0,
    land: NDArray[np.bool_] | None = None,
) -> Floats:
    """Share of canopy within a radius of each home, by summed squares over the raster.

    The neighbourhood is the square of the same area as the circle; ``land`` leaves cells (water) out.
    """
    half = round(float(np.sqrt(np.pi)) * radius_m / 2.0 / grid.cell_size_m)
    counted = np.ones(grid.share.shape, bool) if land is None else land
    canopy = _summed(np.where(counted, grid.share, 0.0))
    area = _summed(counted.astype(np.float64))
    column = ((np.asarray(x_m, dtype=float) - grid.west_m) / grid.cell_size_m).astype(np.int64)
    row = ((grid.north_m - np.asarray(y_m, dtype=float)) / grid.cell_size_m).astype(np.int64)
    return np.asarray(
        _square_sum(canopy, row, column, half) / np.maximum(_square_sum(area, row, column, half), 1e-9)
    )


def _summed(values: NDArray[np.floating]) -> Floats:
    table = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    table[1:, 1:] = np.cumsum(np.cumsum(values, axis=0, dtype=np.float64), axis=1)
    return table


def _square_sum(table: Floats, row: NDArray[np.int64], column: NDArray[np.int64], half: int) -> Floats:
    rows, columns = table.shape[0] - 1, table.shape[1] - 1
    top, bottom = np.clip(row - half, 0, rows), np.clip(row + half + 1, 0, rows)
    left, right = np.clip(column - half, 0, columns), np.clip(column + half + 1, 0, columns)
    return np.asarray(table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left])
