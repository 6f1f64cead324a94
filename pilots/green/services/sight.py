"""Whether a crown stands between a driver and a traffic sign.

A line of sight runs from an eye (1.1 m above the road for a car) to a target; a crown hides it where the line
passes through the body of the crown. Crowns are upright ellipsoids on their trunks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Crowns:
    """Crowns as ellipsoids.

    Attributes:
        x_m: Map coordinates of the trunks.
        y_m: Likewise.
        ground_m: Height of the ground.
        diameter_m: Crown diameters.
        top_m: Height of the tree above the ground.
        height_m: Height of the crown.
    """

    x_m: Floats
    y_m: Floats
    ground_m: Floats
    diameter_m: Floats
    top_m: Floats
    height_m: Floats


def length_in_crowns_m(eye: ArrayLike, target: ArrayLike, crowns: Crowns) -> Floats:
    """Length of each line of sight inside crowns, all crowns together, m (lines).

    Args:
        eye: x, y and height above datum of the eyes (lines x 3).
        target: Of the targets.
        crowns: The crowns.
    """
    start = np.atleast_2d(np.asarray(eye, dtype=np.float64))
    way = np.atleast_2d(np.asarray(target, dtype=np.float64)) - start
    real = np.flatnonzero((crowns.diameter_m > 0.0) & (crowns.height_m > 0.0))
    if not len(real) or not len(start):
        return np.zeros(len(start))
    trunks = shapely.STRtree(np.asarray(shapely.points(crowns.x_m[real], crowns.y_m[real]), dtype=object))
    seen = shapely.linestrings(np.stack([start[:, :2], (start + way)[:, :2]], axis=1))
    line, near = trunks.query(seen, predicate="dwithin", distance=float(crowns.diameter_m[real].max()) / 2.0)
    tree = real[near]
    middle = np.column_stack([crowns.x_m, crowns.y_m, crowns.ground_m + crowns.top_m - crowns.height_m / 2.0])
    half = np.column_stack([crowns.diameter_m, crowns.diameter_m, crowns.height_m]) / 2.0
    # In the space where the crown is a unit sphere the line is still a line.
    from_middle, direction = (start[line] - middle[tree]) / half[tree], way[line] / half[tree]
    a = (direction**2).sum(axis=1)
    b = (from_middle * direction).sum(axis=1)
    c = (from_middle**2).sum(axis=1) - 1.0
    root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
    enters, leaves = np.clip((-b - root) / a, 0.0, 1.0), np.clip((-b + root) / a, 0.0, 1.0)
    inside = (leaves - enters) * np.linalg.norm(way[line], axis=1)
    return np.bincount(line, inside, len(start)).astype(np.float64)


def hidden(
    eye: ArrayLike, target: ArrayLike, crowns: Crowns, *, see_through_m: float = 0.5
) -> NDArray[np.bool_]:
    """Which lines of sight are hidden: more than ``see_through_m`` of crown stands in the way."""
    return np.asarray(length_in_crowns_m(eye, target, crowns) > see_through_m)
