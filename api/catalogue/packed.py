"""A packed index of bounds: rows in tiles, tiles with bounds of their own (Leutenegger & others 1997).

Like the drawers of a map cabinet: first the drawers whose label meets the question, then the sheets in them.
Two levels and a few arrays; a question costs comparisons of some thousand numbers, and nothing is held but
numbers.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
_TILE = 64


class PackedIndex:
    """Finds rows by their bounds.

    Args:
        west: Least x of each row; rows whose bounds are NaN are never found.
        south: Least y.
        east: Greatest x.
        north: Greatest y.
    """

    def __init__(self, west: Floats, south: Floats, east: Floats, north: Floats) -> None:
        self._order = _tiled(west, south, east, north)
        sides = (west, south, east, north)
        starts = np.arange(0, len(self._order), _TILE)
        self._bounds = np.array([side[self._order] for side in sides])
        if len(self._order):
            low = np.minimum.reduceat(self._bounds[:2], starts, axis=1)
            high = np.maximum.reduceat(self._bounds[2:], starts, axis=1)
            self._tiles = np.concatenate([low, high])
        else:
            self._tiles = np.empty((4, 0))

    @property
    def extent(self) -> tuple[float, float, float, float] | None:
        """What all rows cover together."""
        if not self._tiles.shape[1]:
            return None
        west, south = self._tiles[:2].min(axis=1)
        east, north = self._tiles[2:].max(axis=1)
        return float(west), float(south), float(east), float(north)

    def query(self, west: float, south: float, east: float, north: float) -> Rows:
        """Rows whose bounds meet a box, in rising order."""
        tiles = np.flatnonzero(_meet(self._tiles, west, south, east, north))
        places = (tiles[:, None] * _TILE + np.arange(_TILE)).ravel()
        places = places[: np.searchsorted(places, len(self._order))]
        hits = _meet(self._bounds[:, places], west, south, east, north)
        rows: Rows = np.sort(self._order[places[hits]])
        return rows


def _meet(bounds: Floats, west: float, south: float, east: float, north: float) -> npt.NDArray[np.bool_]:
    meets: npt.NDArray[np.bool_] = (
        (bounds[0] <= east) & (bounds[2] >= west) & (bounds[1] <= north) & (bounds[3] >= south)
    )
    return meets


def _tiled(west: Floats, south: Floats, east: Floats, north: Floats) -> Rows:
    """Rows in the order of their tiles: slices by x, in each slice by y."""
    rows = np.flatnonzero(~np.isnan(west))
    x, y = west[rows] + east[rows], south[rows] + north[rows]
    slices = max(1, math.ceil(math.sqrt(len(rows) / _TILE)))
    by_x = np.argsort(x, kind="stable")
    slice_of = np.empty(len(rows), dtype=np.int64)
    # Whole tiles in each slice, so that none straddles two.
    wide = max(_TILE, math.ceil(len(rows) / slices / _TILE) * _TILE)
    slice_of[by_x] = np.arange(len(rows)) // wide
    return rows[np.lexsort((y, slice_of))]
