"""How much sun the crowns around a school or along a street let through, day by day.

Rays leave a window or a piece of pavement towards the sun's usual places in the sky; each meets crowns or
does not. The way inside crowns is worked out once; the season then only changes how much light a crown
passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pilots.green.radiation.leaves import Foliage

Floats = NDArray[np.float64]

AZIMUTHS_DEG = (90.0, 120.0, 150.0, 180.0, 210.0, 240.0, 270.0)
ALTITUDES_DEG = (15.0, 30.0, 50.0)
REACH_M = 35.0
"""Crowns whose trunks stand farther off than this are not looked at."""


@dataclass(frozen=True)
class Lookout:
    """Places from which the sun is looked for.

    Attributes:
        points: Map coordinates (points x 2).
        eye_m: Height of the windows or of the pavement.
        facing: The way that each point's wall faces (points x 2); zero for a point that sees all around.
        place: Index of the place to which each point belongs.
        places: How many places.
    """

    points: Floats
    eye_m: float
    facing: Floats
    place: NDArray[np.int64]
    places: int

    @classmethod
    def of(cls, points: Floats, eye_m: float) -> Lookout:
        """Places of one point each, which see all around."""
        return cls(points, eye_m, np.zeros((len(points), 2)), np.arange(len(points)), len(points))


@dataclass(frozen=True)
class CrownShade:
    """Depth of crown between points and the sun (points x rays), in crown thicknesses.

    Attributes:
        deciduous: Through crowns that lose their leaves.
        evergreen: Through those that keep them.
        light: Light that each ray would bring without crowns: none from behind a wall.
        lookout: The points.
    """

    deciduous: NDArray[np.float32]
    evergreen: NDArray[np.float32]
    light: Floats
    lookout: Lookout

    def transmittance(self, foliage: Foliage) -> Floats:
        """Share of direct light that reaches each place; all of it where the sun never comes."""
        depth = foliage.extinction * self.deciduous + foliage.evergreen_extinction * self.evergreen
        place, places = self.lookout.place, self.lookout.places
        comes = np.bincount(place, (np.exp(-depth) * self.light).sum(axis=1), places)
        could = np.bincount(place, self.light.sum(axis=1), places)
        return np.asarray(np.where(could > 0.0, comes / np.maximum(could, 1e-12), 1.0))


@dataclass(frozen=True)
class CrownBodies:
    """Crowns as ellipsoids over level ground.

    Attributes:
        x_m: Of the trunks.
        y_m: Likewise.
        diameter_m: Width of the crowns.
        top_m: Height of the trees.
        crown_height_m: Height of the crowns.
        evergreen: Keep their leaves.
        weight: How many trees each stands for; the depth counts as often.
    """

    x_m: Floats
    y_m: Floats
    diameter_m: Floats
    top_m: Floats
    crown_height_m: Floats
    evergreen: NDArray[np.bool_]
    weight: Floats


def shade_at(lookout: Lookout, crowns: CrownBodies) -> CrownShade:
    """Look from places towards the sun's usual places in the sky.

    Args:
        lookout: The places.
        crowns: What may stand in the way.
    """
    places = lookout.points
    azimuth, altitude = (
        grid.ravel() for grid in np.meshgrid(np.radians(AZIMUTHS_DEG), np.radians(ALTITUDES_DEG))
    )
    way = np.column_stack(
        [np.cos(altitude) * np.sin(azimuth), np.cos(altitude) * np.cos(azimuth), np.sin(altitude)]
    )
    depth = np.zeros((2, len(places), len(way)), np.float32)
    if len(places) and len(crowns.x_m):
        trunks = np.column_stack([crowns.x_m, crowns.y_m])
        near = cKDTree(trunks).query_ball_point(places, REACH_M, return_sorted=True)
        start = np.cumsum([0, *map(len, near)])
        tree = np.concatenate([np.asarray(found, dtype=np.int64) for found in near])
        _cross(
            places, lookout.eye_m, start, tree, trunks, crowns.diameter_m, crowns.top_m,
            crowns.crown_height_m, crowns.evergreen, crowns.weight, way, depth,
        )  # fmt: skip
    around = np.linalg.norm(lookout.facing, axis=1, keepdims=True) == 0.0
    light = np.where(around, 1.0, np.maximum(lookout.facing @ way[:, :2].T, 0.0))
    return CrownShade(depth[0], depth[1], light, lookout)


@numba.njit(cache=True)
def _cross(
    places: NDArray[np.float64],
    eye: float,
    start: NDArray[np.int64],
    tree: NDArray[np.int64],
    trunks: NDArray[np.float64],
    diameter: NDArray[np.float64],
    top: NDArray[np.float64],
    crown_height: NDArray[np.float64],
    evergreen: NDArray[np.bool_],
    weight: NDArray[np.float64],
    way: NDArray[np.float64],
    depth: NDArray[np.float32],
) -> None:
    """Length of each ray inside each crown over the crown's thickness (an ellipsoid, as a unit sphere)."""
    for i in range(len(places)):
        for k in range(start[i], start[i + 1]):
            t = tree[k]
            wide, high = diameter[t] / 2.0, crown_height[t] / 2.0
            if wide <= 0.0 or high <= 0.0:
                continue
            px = (places[i, 0] - trunks[t, 0]) / wide
            py = (places[i, 1] - trunks[t, 1]) / wide
            pz = (eye - top[t] + high) / high
            for r in range(len(way)):
                dx, dy, dz = way[r, 0] / wide, way[r, 1] / wide, way[r, 2] / high
                a = dx * dx + dy * dy + dz * dz
                b = px * dx + py * dy + pz * dz
                root = b * b - a * (px * px + py * py + pz * pz - 1.0)
                if root <= 0.0:
                    continue
                root = np.sqrt(root)
                length = max((-b + root) / a, 0.0) - max((-b - root) / a, 0.0)
                kind = 1 if evergreen[t] else 0
                depth[kind, i, r] += length / (2.0 * high) * weight[t]
