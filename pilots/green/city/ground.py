"""Where trees stand and where new ones go: along a street, in an area, where green lacks, in school yards.

A street tree stands in a row six metres from the middle of the road; a tree in a park stands anywhere but in
a house; a programme for the barest blocks begins at the homes that fail most of 3-30-300.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geodata.errors import InvalidInput
from pilots.green.city.inventory import Inventory, districts_at
from pilots.green.scenario import GreenScenario
from twin.packs import PackView

Floats = NDArray[np.float64]

ROW_OFFSET_M = 6.0
"""Distance of a row of street trees from the middle of the road."""

LEAST_SPACING_M = 6.0
"""Trees of a row are not planted nearer to each other than this."""

PROJECT_WIDTH_M = 15.0
"""Trees within this distance of a street's middle are its trees."""

BARE_SHARE = 1.0 / 3.0
"""The worst third of districts or homes is planted first."""

_ROUNDS = 30


@dataclass(frozen=True)
class Project:
    """Where a scenario's works take place.

    Attributes:
        area: Land of the project in the city's metric system; None for the whole city, empty if it is not
            here.
        rows: The street's lines, if the project is a street.
    """

    area: shapely.Geometry | None = None
    rows: tuple[shapely.LineString, ...] = ()

    @property
    def here(self) -> bool:
        """Whether any of it lies in this city."""
        return self.area is None or not shapely.is_empty(self.area)


def projects(packs: Mapping[str, PackView], scenario: GreenScenario) -> dict[str, Project]:
    """Where the works of a scenario take place in each city.

    Raises:
        InvalidInput: A street has that name in no city; the area is no polygon or lies outside of all cities.
    """
    found = {city: _project(pack, scenario) for city, pack in packs.items()}
    if not any(project.here for project in found.values()):
        field = "where_street" if scenario.where_street else "where_area"
        names = sorted({str(name) for pack in packs.values() for name in _streets(pack)["name"].dropna()})
        near = difflib.get_close_matches(scenario.where_street, names, 3)
        raise InvalidInput(
            "the works lie in none of the cities", field=field, value=getattr(scenario, field),
            expected=", ".join(near) if near else "a street or an area of one of the cities",
        )  # fmt: skip
    return found


def _project(pack: PackView, scenario: GreenScenario) -> Project:
    if scenario.where_street:
        streets = _streets(pack)
        named = streets[streets["name"].str.casefold() == scenario.where_street.casefold()]
        rows = tuple(shapely.get_parts(shapely.line_merge(shapely.union_all(named.geometry.to_numpy()))))
        area = shapely.union_all(shapely.buffer(np.array(rows, dtype=object), PROJECT_WIDTH_M))
        return Project(area, rows)
    if scenario.where_area:
        return Project(_area(pack, scenario.where_area))
    return Project()


def _streets(pack: PackView) -> gpd.GeoDataFrame:
    if not pack.has("streets"):
        return gpd.GeoDataFrame({"name": [], "geometry": []}, crs=pack.city.crs)
    return pack.features("streets")


def _area(pack: PackView, text: str) -> shapely.Geometry:
    try:
        polygon = shapely.from_wkt(text)
    except shapely.errors.ShapelyError as error:
        raise InvalidInput(
            "no area can be read from this", field="where_area", value=text, hint=str(error)
        ) from error
    if polygon.geom_type not in {"Polygon", "MultiPolygon"} or not polygon.is_valid:
        raise InvalidInput(
            "an area is a polygon that does not cross itself", field="where_area", value=text,
            expected="POLYGON ((longitude latitude, ...))",
        )  # fmt: skip
    districts = pack.features("districts")
    metric = gpd.GeoSeries([polygon], crs=4326).to_crs(districts.crs).iloc[0]
    city = shapely.union_all(districts.geometry.to_numpy())
    inside: shapely.Geometry = shapely.intersection(metric, city)
    return inside


class Ground:
    """The places of a city's trees, by tree number, and where more can be planted.

    Args:
        inventory: The standing trees.
        project: Where works take place.
        bare_homes: Map coordinates of the homes that fail most of 3-30-300 (homes x 2).
        yards: Middles of the school yards (yards x 2).
        buildings: Footprints in which no tree is planted.
    """

    def __init__(
        self,
        inventory: Inventory,
        project: Project,
        bare_homes: Floats,
        yards: Floats,
        buildings: NDArray[np.object_],
    ) -> None:
        self.x_m, self.y_m = inventory.x_m, inventory.y_m
        self.district = inventory.district
        self.project = project
        self.bare_homes = bare_homes
        self.yards = yards
        self.districts = inventory.districts
        self.extent = inventory.extent
        self._free: NDArray[np.int64] | None = None
        self._houses = shapely.STRtree(buildings)

    def __len__(self) -> int:
        return len(self.x_m)

    def add(self, points: Floats) -> NDArray[np.int64]:
        """Number new trees at map coordinates (trees x 2); their districts."""
        district = districts_at(points[:, 0], points[:, 1], self.districts)
        self.x_m = np.concatenate([self.x_m, points[:, 0]])
        self.y_m = np.concatenate([self.y_m, points[:, 1]])
        self.district = np.concatenate([self.district, district])
        return district

    def in_project(self) -> NDArray[np.bool_]:
        """Which trees stand where works take place."""
        if self.project.area is None:
            return np.ones(len(self), np.bool_)
        return np.asarray(shapely.contains_xy(self.project.area, self.x_m, self.y_m))

    def places(self, count: int, where: str, canopy: Floats, rng: np.random.Generator) -> Floats:
        """Map coordinates for new trees (at most ``count`` x 2); a street takes no more than it has room for.

        Args:
            count: How many.
            where: ``everywhere``, ``least_canopy`` or ``worst_3_30_300``; a project's street or area goes
                first.
            canopy: Share of canopy of each district.
            rng: Luck of the place.
        """
        if not self.project.here or count == 0:
            return np.empty((0, 2))
        if self.project.rows:
            return self._row(count)
        area = self.project.area
        if area is not None:
            return self._outdoors(count, lambda n: _within(area, n, rng))
        if where == "worst_3_30_300" and len(self.bare_homes):
            return self._outdoors(count, lambda n: _around(self.bare_homes, 10.0, 38.0, n, rng))
        if where == "least_canopy":
            barest = self._barest(canopy)
            return self._outdoors(count, lambda n: _within(barest, n, rng))
        trees = np.column_stack([self.x_m, self.y_m])
        return self._outdoors(count, lambda n: _around(trees, 4.0, 25.0, n, rng))

    def near(self, middles: Floats, count: int, rng: np.random.Generator) -> Floats:
        """Map coordinates for trees around given places (places x 2), such as those of felled trees."""
        return self._outdoors(count, lambda n: _around(middles, 0.0, 8.0, n, rng))

    def school_places(self, each: int, rng: np.random.Generator) -> Floats:
        """Map coordinates around the middles of the school yards."""
        found = [
            self._outdoors(each, partial(_around, yard[None], 8.0, 26.0, rng=rng)) for yard in self.yards
        ]
        return np.concatenate(found) if found else np.empty((0, 2))

    def _row(self, count: int) -> Floats:
        """The next trees of two rows along the street."""
        lengths = shapely.length(np.array(self.project.rows, dtype=object))
        if self._free is None:
            self._free = np.arange(int(2 * lengths.sum() // LEAST_SPACING_M))
        count = min(count, len(self._free))
        if count == 0:
            return np.empty((0, 2))
        # Spread over all that is free: a few trees stand far apart, later ones between them.
        chosen = np.arange(count) * len(self._free) // count
        slots = self._free[chosen]
        self._free = np.delete(self._free, chosen)
        side = np.where(slots % 2 == 0, ROW_OFFSET_M, -ROW_OFFSET_M)
        return _beside(self.project.rows, lengths, slots * LEAST_SPACING_M / 2, side)

    def _barest(self, canopy: Floats) -> shapely.Geometry:
        present = np.unique(self.district[self.district >= 0])
        order = present[np.argsort(canopy[present], kind="stable")]
        barest = order[: max(round(len(order) * BARE_SHARE), 1)]
        return shapely.intersection(
            shapely.union_all(self.districts.geometry.to_numpy()[barest]), self.extent
        )

    def _outdoors(self, count: int, propose: Callable[[int], Floats]) -> Floats:
        """As many of the proposed places as wanted that lie in no house."""
        kept = np.empty((0, 2))
        for _ in range(_ROUNDS):
            points = propose(2 * count + 8)
            indoors = np.unique(self._houses.query(shapely.points(points), predicate="within")[0])
            kept = np.concatenate([kept, np.delete(points, indoors, axis=0)])
            if len(kept) >= count:
                return kept[:count]
        raise InvalidInput(
            "there is no room for trees here",
            field="where_area",
            value=count,
            expected="ground outside of buildings",
        )


def _within(area: shapely.Geometry, count: int, rng: np.random.Generator) -> Floats:
    west, south, east, north = shapely.bounds(area)
    points = np.column_stack([rng.uniform(west, east, count), rng.uniform(south, north, count)])
    return np.asarray(points[shapely.contains_xy(area, points[:, 0], points[:, 1])])


def _around(
    middles: Floats, nearest_m: float, farthest_m: float, count: int, rng: np.random.Generator
) -> Floats:
    chosen = middles[rng.integers(0, len(middles), count)]
    angle, way = rng.uniform(0.0, 2.0 * np.pi, count), rng.uniform(nearest_m, farthest_m, count)
    return np.asarray(chosen + np.column_stack([way * np.cos(angle), way * np.sin(angle)]))


def _beside(rows: tuple[shapely.LineString, ...], lengths: Floats, along: Floats, offset: Floats) -> Floats:
    """Points beside lines that are laid end to end."""
    ends = np.cumsum(lengths)
    line = np.minimum(np.searchsorted(ends, along, side="right"), len(rows) - 1)
    way = along - (ends - lengths)[line]
    lines = np.array(rows, dtype=object)[line]
    here, ahead, behind = (
        shapely.get_coordinates(
            shapely.line_interpolate_point(lines, np.clip(way + step, 0.0, lengths[line]))
        )
        for step in (0.0, 0.5, -0.5)
    )
    direction = (ahead - behind) / np.maximum(np.linalg.norm(ahead - behind, axis=1, keepdims=True), 1e-9)
    return np.asarray(here + offset[:, None] * np.column_stack([-direction[:, 1], direction[:, 0]]))
