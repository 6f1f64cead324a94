"""What both encodings of 3D city models share: the way from a building's surfaces to footprint and height."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.readers.raw import Reading, Remark

if TYPE_CHECKING:
    import geopandas as gpd

Ring = NDArray[np.float64]


@dataclass
class Building:
    """A building as it is gathered from the file.

    Args:
        label: What names it in the file.
        values: Its attributes.
        ground: Rings of its ground surfaces, shape (points, 3), outer ring first within each surface.
        surfaces: Rings of all its surfaces.
    """

    label: str
    values: dict[str, Any] = field(default_factory=dict)
    ground: list[list[Ring]] = field(default_factory=list)
    surfaces: list[list[Ring]] = field(default_factory=list)


def reading(buildings: Iterable[Building], crs: str | None, attributes: Sequence[str]) -> Reading:
    """Buildings as rows: footprint, ``z_min_m``, ``z_max_m``, ``height_m``, and their attributes.

    The footprint is the union of the ground surfaces; where a building has none, the outline of all
    surfaces seen from above.
    """
    import geopandas as gpd

    rows, shapes, labels, rejected = [], [], [], []
    for building in buildings:
        if not building.surfaces:
            rejected.append(
                Remark(building.label, "a building without surfaces", "geometry", expected="LoD1 to LoD3")
            )
            continue
        heights = np.concatenate([ring[:, 2] for surface in building.surfaces for ring in surface])
        low, high = float(heights.min()), float(heights.max())
        measured = building.values.get("measured_height_m")
        shapes.append(_footprint(building))
        labels.append(building.label)
        rows.append(
            {
                "id": building.label,
                "z_min_m": low,
                "z_max_m": high,
                "height_m": high - low,
                "measured_height_m": measured,
                **{name: building.values.get(name) for name in (*_STANDARD, *attributes)},
            }
        )
    names = ["id", "z_min_m", "z_max_m", "height_m", "measured_height_m", *_STANDARD, *attributes]
    columns = {name: [row[name] for row in rows] for name in names}
    frame: gpd.GeoDataFrame = gpd.GeoDataFrame(columns, geometry=np.array(shapes, object), crs=crs)
    return Reading(frame, np.array(labels, object), rejected)


_STANDARD = ("name", "function", "usage", "storeys", "year_built")


def _footprint(building: Building) -> Any:
    from_ground = _union(building.ground)
    return from_ground if not from_ground.is_empty else _union(building.surfaces)


def _union(surfaces: list[list[Ring]]) -> Any:
    """The surfaces seen from above; walls have no area and fall away."""
    outlines = [[ring[:, :2] for ring in surface if len(ring) >= 4] for surface in surfaces]
    drawn = [shapely.Polygon(rings[0], rings[1:]) for rings in outlines if rings]
    if not drawn:
        return shapely.Polygon()
    flat = shapely.make_valid(np.array(drawn, object))
    areas = flat[shapely.area(flat) > 1e-3]
    # A grid of 1 mm lets surfaces that share an edge share it exactly.
    return shapely.union_all(areas, grid_size=1e-3) if len(areas) else shapely.Polygon()
