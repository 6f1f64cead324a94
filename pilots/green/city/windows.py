"""Where the windows of a school are: along the outer walls of the house that stands where the school is.

A school is a point on the map. Its windows look out of the walls of the house around that point, so that a
lime before the south wall counts and one behind the gymnasium does not.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from pilots.green.city.light import Lookout

Floats = NDArray[np.float64]

WINDOW_M = 2.0
"""Height of a window above the ground at which light is asked for."""

HOUSE_WITHIN_M = 25.0
"""A point farther from any house than this stands for itself, and light is asked for from all sides."""

SPACING_M, OUTSIDE_M = 8.0, 0.5


def school_windows(schools: Floats, buildings: NDArray[np.object_]) -> Lookout:
    """Places along the outer walls of each school's house.

    Args:
        schools: Map coordinates (schools x 2).
        buildings: Footprints.
    """
    points, facing, place = [], [], []
    houses = shapely.STRtree(buildings)
    found, house = houses.query_nearest(
        shapely.points(schools), max_distance=HOUSE_WITHIN_M, all_matches=False
    )
    house_of = dict(zip(found.tolist(), house.tolist(), strict=True))
    for school, middle in enumerate(schools):
        if school in house_of:
            along, outward = _walls(shapely.get_parts(buildings[house_of[school]]))
        else:
            along, outward = middle[None], np.zeros((1, 2))
        points.append(along)
        facing.append(outward)
        place.append(np.full(len(along), school))
    if not points:
        return Lookout.of(np.empty((0, 2)), WINDOW_M)
    return Lookout(
        np.concatenate(points), WINDOW_M, np.concatenate(facing), np.concatenate(place), len(schools)
    )


def _walls(parts: NDArray[np.object_]) -> tuple[Floats, Floats]:
    """Points just outside the walls of a house's largest part, and the way that each wall faces."""
    outline = shapely.get_exterior_ring(shapely.orient_polygons(parts[np.argmax(shapely.area(parts))]))
    corners = shapely.get_coordinates(shapely.segmentize(outline, SPACING_M))
    edge = np.diff(corners, axis=0)
    length = np.linalg.norm(edge, axis=1)
    long = length > OUTSIDE_M
    # The ring turns left, so that outside lies to the right.
    outward = np.column_stack([edge[:, 1], -edge[:, 0]])[long] / length[long, None]
    return (corners[:-1] + corners[1:])[long] / 2.0 + OUTSIDE_M * outward, outward
