"""The walls of a raster city, cut into facets that are lit and warmed one by one.

In a raster a wall is where a cell stands at least two metres below its neighbour. Such a cell is the *foot*
of the wall; above it the wall is cut into facets of three metres or less. At noon in a courtyard the upper
facets of the northern wall are lit and forty degrees warm, the lower ones are in shadow, and a person in the
middle sees both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pilots.green.radiation.site import LEAST_BUILDING_M, Site

FACET_M = 3.0
_SMOOTHING_M = 2.0


@dataclass(frozen=True)
class Walls:
    """Facets, ordered by foot cell and from the ground up.

    Attributes:
        row: Row of the foot cell of each facet.
        column: Its column.
        height_m: Height of the facet's middle above datum.
        facing_deg: Azimuth that it faces, from true north.
        first: For each cell the number of its lowest facet, -1 where no wall stands (rows x columns).
        levels: For each cell the number of its facets.
    """

    row: NDArray[np.int32]
    column: NDArray[np.int32]
    height_m: NDArray[np.float32]
    facing_deg: NDArray[np.float64]
    first: NDArray[np.int32]
    levels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.row)


def find_walls(site: Site) -> Walls:
    """Find the walls of a site. They face down the slope of the smoothed surface."""
    rise = _tallest_neighbour(site.surface_m) - site.surface_m
    row, column = np.nonzero(rise >= LEAST_BUILDING_M)
    levels = np.zeros(site.shape, np.int32)
    levels[row, column] = np.ceil(rise[row, column] / FACET_M)
    count = levels[row, column]
    first = np.full(site.shape, -1, np.int32)
    first[row, column] = np.cumsum(count) - count
    row, column = np.repeat(row, count), np.repeat(column, count)
    level = np.arange(len(row)) - first[row, column]
    share = (level + 0.5) / levels[row, column]
    return Walls(
        row=row.astype(np.int32),
        column=column.astype(np.int32),
        height_m=site.surface_m[row, column] + (rise[row, column] * share).astype(np.float32),
        facing_deg=_downhill_deg(site)[row, column],
        first=first,
        levels=levels,
    )


def _tallest_neighbour(surface: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = surface.shape
    padded = np.pad(surface, 1, mode="edge")
    around = [padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)]
    return np.asarray(np.max(around, axis=0))


def _downhill_deg(site: Site) -> NDArray[np.float64]:
    smooth = gaussian_filter(site.surface_m.astype(np.float64), max(_SMOOTHING_M / site.cell_size_m, 1.0))
    southward, eastward = np.gradient(smooth)
    return np.asarray((np.degrees(np.arctan2(-eastward, southward)) + site.convergence_deg) % 360.0)
