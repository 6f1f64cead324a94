"""Whether crowns come between drivers and the signs of the next junction.

No open data say where signs stand. So one is thought at the end of every street segment that cars use: a
driver comes towards the junction, and at the distance in which a car can stop must see the sign on the
right-hand side. Low crowns over the edge of the road take it from view in summer.

Source of the distance: AASHTO, "A Policy on Geometric Design of Highways and Streets" (2018), section 3.2.2:
2.5 s of reaction, then braking with 3.4 m/s2; eyes 1.08 m above the road.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from pilots.green.city.light import CrownBodies
from pilots.green.services.sight import Crowns, hidden

Floats = NDArray[np.float64]

REACTION_S, BRAKING_M_S2, EYE_M = 2.5, 3.4, 1.08
SIGN_M = 2.4
"""Middle of a sign whose lower edge hangs 2.1 m above the footway."""

LANE_M, SIGN_ASIDE_M = 1.75, 4.5
"""How far right of the street's middle the driver sits and the sign stands."""

USUAL_SPEED_KMH = 50.0
SHORTEST_M = 20.0
"""Shorter segments are pieces of a junction, not ways towards it."""


@dataclass(frozen=True)
class Approaches:
    """Drivers on their way to a junction.

    Attributes:
        eye: x, y and height of their eyes above the ground (approaches x 3).
        sign: Of the sign that each must see.
    """

    eye: Floats
    sign: Floats

    def hidden_share(self, crowns: CrownBodies) -> float:
        """Share of the signs that crowns in leaf hide; NaN without any sign. The ground is taken as level."""
        if not len(self.eye):
            return float("nan")
        bodies = Crowns(
            crowns.x_m, crowns.y_m, np.zeros(len(crowns.x_m)), crowns.diameter_m, crowns.top_m,
            crowns.crown_height_m,
        )  # fmt: skip
        return float(hidden(self.eye, self.sign, bodies).mean())


def stopping_distance_m(speed_kmh: Floats) -> Floats:
    """Way in which a car stops, reaction included."""
    speed = np.asarray(speed_kmh) / 3.6
    return np.asarray(speed * REACTION_S + speed**2 / (2.0 * BRAKING_M_S2))


def approaches(streets: gpd.GeoDataFrame | None, within: shapely.Geometry) -> Approaches:
    """The ways to junctions within an area, in both directions where a street has both.

    Args:
        streets: Segments with ``car``, ``oneway`` and ``speed_kmh``; those closed to cars do not count.
        within: Where trees are known; signs elsewhere are left out.
    """
    if streets is None:
        return Approaches(np.empty((0, 3)), np.empty((0, 3)))
    used = streets.sort_values("street_id")
    if "car" in used:
        used = used[used["car"].fillna(value=False).to_numpy(dtype=bool)]
    used = used[used.geometry.length.to_numpy() >= SHORTEST_M]
    line = used.geometry.to_numpy()
    speed = used["speed_kmh"].to_numpy(dtype=float) if "speed_kmh" in used else np.full(len(used), np.nan)
    both = (
        ~used["oneway"].fillna(value=False).to_numpy(dtype=bool)
        if "oneway" in used
        else np.ones(len(used), bool)
    )
    line = np.concatenate([line, shapely.reverse(line[both])])
    speed = np.concatenate([speed, speed[both]])
    return _seen(line, np.where(speed > 0.0, speed, USUAL_SPEED_KMH), within)


def _seen(line: NDArray[np.object_], speed_kmh: Floats, within: shapely.Geometry) -> Approaches:
    length = shapely.length(line)
    back = np.maximum(length - stopping_distance_m(speed_kmh), 0.0)
    eye, end = (_beside(line, at, aside) for at, aside in ((back, LANE_M), (length, SIGN_ASIDE_M)))
    known = shapely.contains_xy(within, end)
    return Approaches(
        np.column_stack([eye, np.full(len(eye), EYE_M)])[known],
        np.column_stack([end, np.full(len(end), SIGN_M)])[known],
    )


def _beside(line: NDArray[np.object_], at_m: Floats, aside_m: float) -> Floats:
    """Points right of a line, some way along it (points x 2)."""
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, at_m))
    before, after = (
        shapely.get_coordinates(
            shapely.line_interpolate_point(line, np.clip(at_m + step, 0.0, shapely.length(line)))
        )
        for step in (-1.0, 1.0)
    )
    along = after - before
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    return np.asarray(here + aside_m * np.column_stack([along[:, 1], -along[:, 0]]))
