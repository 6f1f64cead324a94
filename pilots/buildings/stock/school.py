"""An educational building of the stock: what is known of it, what stands in, and its thermal model.

Where a city's pack has footprints and heights, the building is as large and turned as they say; where it has
not, it is a box of its type's usual size. Every value carries how it was come by: *official*, *derived*, or
*synthetic* where nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pilots.buildings.stock.archetypes import (
    PARTITION_WALL,
    PERIODS,
    RENOVATED_SHARE,
    ROOM_NORMS,
    SLAB,
    TEACHING_SHARE,
    USUAL_AREA_M2,
    USUAL_STOREYS,
    YEARS_BUILT,
    Archetype,
    Renovation,
    archetype_of,
    floor_of,
    glazing_of,
    leaks_per_h,
    roof_of,
    wall_of,
)
from pilots.buildings.stock.calendar import Use
from pilots.buildings.thermal.envelope import Surface, Window
from pilots.buildings.thermal.zone import Zone

if TYPE_CHECKING:
    import geopandas as gpd

USES: dict[str, Use] = {
    "kindergarten": "kindergarten",
    "basic": "school",
    "gymnasium": "school",
    "vocational": "school",
    "university": "university",
}
"""Use by type of education; hobby schools and others are no pilot buildings."""

_NEAR_M = 60.0
_SLENDERNESS = 3.0
_WINDOW_M = (1.8, 1.6)
_FRAME_SHARE = 0.25
_RENOVATION_BEFORE = 2009
_TALLTECH = "taltech"


@dataclass(frozen=True)
class School:
    """A school, kindergarten or university building."""

    id: str
    name: str
    use: Use
    floor_area_m2: float
    storeys: int
    year_built: int
    renovation: Renovation
    pupils: float
    length_m: float
    depth_m: float
    azimuth_deg: float
    """Of the long side that looks most to the south."""
    grades: dict[str, str] = field(default_factory=dict)
    """How each value was come by."""

    @property
    def archetype(self) -> Archetype:
        """Typical figures of its period, renovations included."""
        return archetype_of(self.year_built, self.renovation)

    @property
    def volume_m3(self) -> float:
        """Heated volume, without slabs and roof."""
        return self.floor_area_m2 * (self.archetype.storey_m - 0.35)

    @property
    def envelope_m2(self) -> float:
        """All outer surfaces."""
        return 2 * self.footprint_m2 + self.facade_m2

    @property
    def footprint_m2(self) -> float:
        """Floor of one storey."""
        return self.floor_area_m2 / self.storeys

    @property
    def facade_m2(self) -> float:
        """All outer walls, windows included."""
        return 2 * (self.length_m + self.depth_m) * self.archetype.storey_m * self.storeys

    @property
    def teaching_rooms(self) -> int:
        """How many rooms of the usual size there are."""
        return max(int(TEACHING_SHARE[self.use] * self.floor_area_m2 / ROOM_NORMS[self.use].area_m2), 1)

    @property
    def leaks_per_h(self) -> float:
        """Air changes through leaks."""
        return leaks_per_h(self.archetype, self.envelope_m2, self.volume_m3, self.storeys)


def choose_schools(table: gpd.GeoDataFrame, count: int) -> gpd.GeoDataFrame:
    """The buildings of a pilot: TalTech's campus where there is any, then schools evenly spread.

    From the list in order of identifier every n-th school and kindergarten is taken, so that both are there
    as often as in the city; nothing is drawn by lot.

    Args:
        table: Schools of a city.
        count: How many besides those of TalTech.
    """
    types = (
        table["school_type"].map(USES) if "school_type" in table else pd.Series("school", index=table.index)
    )
    operator = (
        table["operator"].fillna("").str.lower() if "operator" in table else pd.Series("", index=table.index)
    )
    campus = operator.str.contains(_TALLTECH).to_numpy()
    usable = types.notna().to_numpy()
    ordered = table[usable & ~campus].sort_values("school_id")
    few = min(count, len(ordered))
    rows = np.floor(np.arange(few) * len(ordered) / max(few, 1)).astype(int)
    return pd.concat([table[usable & campus].sort_values("school_id"), ordered.iloc[rows]])


def schools_of(
    chosen: gpd.GeoDataFrame, footprints: gpd.GeoDataFrame | None, rng: np.random.Generator
) -> list[School]:
    """Describe chosen buildings, from what the pack knows and from what is typical.

    Args:
        chosen: Rows of the kind `schools`.
        footprints: Buildings of the pack, where it has any.
        rng: Draws what nobody knows.
    """
    shapes = _shapes_at(chosen, footprints)
    return [
        _school(row, shape, rng) for row, shape in zip(chosen.itertuples(index=False), shapes, strict=True)
    ]


@dataclass(frozen=True)
class _Shape:
    length_m: float
    depth_m: float
    azimuth_deg: float
    storeys: int | None
    area_m2: float


def _shapes_at(chosen: gpd.GeoDataFrame, footprints: gpd.GeoDataFrame | None) -> list[_Shape | None]:
    """The footprint at or near each school."""
    if footprints is None or footprints.empty:
        return [None] * len(chosen)
    points = chosen[["geometry"]].reset_index(drop=True)
    near = points.sjoin_nearest(footprints[["geometry"]].reset_index(drop=True), max_distance=_NEAR_M)
    first = near[~near.index.duplicated()]["index_right"]
    rows = footprints.reset_index(drop=True)
    return [_shape(rows.loc[int(first[k])]) if k in first.index else None for k in range(len(points))]


def _shape(row: pd.Series) -> _Shape:
    """Length, depth and turn of the rectangle around a footprint, shrunk to the footprint's area."""
    corners = np.asarray(row["geometry"].minimum_rotated_rectangle.exterior.coords)[:4]
    sides = np.diff(np.vstack((corners, corners[:1])), axis=0)[:2]
    lengths = np.hypot(*sides.T)
    along = sides[int(np.argmax(lengths))]
    shrink = np.sqrt(row["geometry"].area / max(float(np.prod(lengths)), 1.0))
    bearing = np.degrees(np.arctan2(along[0], along[1]))
    storeys = row.get("levels")
    if pd.isna(storeys) and not pd.isna(row.get("height_m")):
        storeys = max(round(float(row["height_m"]) / 3.6), 1)
    return _Shape(
        float(lengths.max() * shrink),
        float(lengths.min() * shrink),
        _southern(bearing + 90.0),
        None if pd.isna(storeys) else int(storeys),
        float(row["geometry"].area),
    )


def _southern(azimuth_deg: float) -> float:
    """Of the two directions square to a wall, the one that looks to the south."""
    azimuth = azimuth_deg % 360.0
    return azimuth if 90.0 <= azimuth < 270.0 else (azimuth + 180.0) % 360.0


def _school(row: object, shape: _Shape | None, rng: np.random.Generator) -> School:
    """One building; draws are made whether needed or not, so that a known value shifts no other."""
    use = USES.get(str(getattr(row, "school_type", "basic")), "school")
    years, shares = zip(*YEARS_BUILT[use], strict=True)
    drawn_year = int(rng.choice(years, p=np.array(shares) / sum(shares)))
    drawn_size = float(USUAL_AREA_M2[use] * rng.lognormal(0.0, 0.3))
    drawn_azimuth = float(rng.uniform(90.0, 270.0))
    drawn_work = str(rng.choice(list(RENOVATED_SHARE), p=list(RENOVATED_SHARE.values())))
    grades: dict[str, str] = {"use": "derived"}

    def known(field: str, otherwise: float, grade: str) -> float:
        value = getattr(row, field, None)
        missing = value is None or pd.isna(value) or float(value) <= 0
        grades[field] = grade if missing else "official"
        return otherwise if missing else float(value)  # type: ignore[arg-type]

    year = int(known("year_built", drawn_year, "synthetic"))
    storeys = shape.storeys if shape is not None and shape.storeys else USUAL_STOREYS[use]
    from_shape = shape.area_m2 * storeys if shape is not None else drawn_size
    area = known("floor_area_m2", from_shape, "derived" if shape is not None else "synthetic")
    depth = np.sqrt(area / storeys / _SLENDERNESS)
    length, azimuth = depth * _SLENDERNESS, drawn_azimuth
    if shape is not None:
        # Footprints tell the proportions; the area is that of the heated floor.
        scale = np.sqrt(area / storeys / max(shape.length_m * shape.depth_m, 1.0))
        length, depth, azimuth = shape.length_m * scale, shape.depth_m * scale, shape.azimuth_deg
    grades["shape"] = "synthetic" if shape is None else "derived"
    grades["renovation"] = "synthetic"
    norm = ROOM_NORMS[use]
    rooms = max(int(TEACHING_SHARE[use] * area / norm.area_m2), 1)
    pupils = known("pupils", 0.8 * rooms * norm.people, "derived")
    renovation: Renovation = drawn_work if year < _RENOVATION_BEFORE else "as_built"  # type: ignore[assignment]
    return School(
        id=str(getattr(row, "school_id")),  # noqa: B009
        name=str(getattr(row, "name", "")),
        use=use,
        floor_area_m2=float(area),
        storeys=int(storeys),
        year_built=year,
        renovation=renovation,
        pupils=float(pupils),
        length_m=float(length),
        depth_m=float(depth),
        azimuth_deg=float(azimuth),
        grades=grades,
    )


def period_of(year_built: int) -> str:
    """Name of a construction period."""
    return next(archetype.name for end, archetype in PERIODS if year_built < end)


def zone_of(school: School) -> Zone:
    """The thermal model of a building: one zone with its outer walls, roof, floor, slabs and partitions.

    How it is used is added by whoever runs it.
    """
    archetype = school.archetype
    height = archetype.storey_m * school.storeys
    surfaces = [
        _facade(school, name, length, (school.azimuth_deg + turn) % 360.0, height)
        for name, length, turn in (
            ("front", school.length_m, 0.0),
            ("back", school.length_m, 180.0),
            ("left", school.depth_m, 90.0),
            ("right", school.depth_m, 270.0),
        )
    ]
    surfaces.append(Surface("roof", roof_of(archetype), school.footprint_m2, tilt_deg=0.0, height_m=height))
    surfaces.append(
        Surface("floor", floor_of(archetype), school.footprint_m2, tilt_deg=180.0, boundary="ground")
    )
    # Slabs between storeys show both faces; partitions are about as large as the floor.
    slabs = 2.0 * (school.storeys - 1) * school.footprint_m2
    if slabs > 0:
        surfaces.append(Surface("slabs", SLAB, slabs, tilt_deg=180.0, boundary="adiabatic"))
    surfaces.append(Surface("partitions", PARTITION_WALL, school.floor_area_m2, boundary="adiabatic"))
    return Zone(
        name=school.id,
        floor_area_m2=school.floor_area_m2,
        volume_m3=school.volume_m3,
        surfaces=tuple(surfaces),
        thermal_bridges_w_k=archetype.bridges_u * school.envelope_m2,
        furniture_j_k=10_000.0 * school.floor_area_m2,
    )


def _facade(school: School, name: str, length_m: float, azimuth_deg: float, height_m: float) -> Surface:
    archetype = school.archetype
    area = length_m * height_m
    share = archetype.window_share if name in ("front", "back") else 0.4 * archetype.window_share
    width, tall = _WINDOW_M
    glass = (1.0 - _FRAME_SHARE) * width * tall
    count = max(int(share * area / (width * tall)), 1)
    window = Window(
        glazing_of(archetype),
        width_m=glass / tall,
        height_m=tall,
        count=count,
        sill_m=0.9,
        frame_area_m2=count * _FRAME_SHARE * width * tall,
        frame_u_value_w_m2k=max(archetype.window_u, 0.9),
    )
    return Surface(name, wall_of(archetype), area, azimuth_deg, windows=(window,), height_m=height_m / 2)
